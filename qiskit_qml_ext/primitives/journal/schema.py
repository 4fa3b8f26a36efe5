"""The journal's file: its tables, and what is checked before a file is trusted."""

import os
import sqlite3
import uuid
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.rows import ABOUT, INDEXES, TABLES, insert

SCHEMA_VERSION = 2
APPLICATION_ID = 0x514D4C58  # "QMLX", in the header of the file


def open_database(path: Path, *, timeout: float) -> sqlite3.Connection:
    """Open a journal's file, and make it if there is none, readable by its owner only.

    Args:
        path: The file.
        timeout: How many seconds to wait for other processes' locks.

    Raises:
        JournalError: If the file is not a journal, is damaged, locked, or of another schema.
    """
    _make_file(path)
    try:
        database = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise explained(error, path) from error
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        _check(database, path)
        database.execute("PRAGMA journal_mode = WAL")
        # A job's id must be on the disk, not in a cache, before the program goes on.
        database.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        database.close()
        raise explained(error, path) from error
    except JournalError:
        database.close()
        raise
    return database


def file_identity(path: Path) -> str:
    """Return what tells a file from its copies: where it lies on the disk."""
    found = path.stat()
    return f"{found.st_dev}:{found.st_ino}"


def explained(error: sqlite3.Error, path: Path) -> JournalError:
    """Turn an error of SQLite into one that says what to do."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return JournalError(
            f"The journal {path} is locked by another program for longer than the timeout. Close that program (a "
            "database browser?) and run again; nothing is lost."
        )
    if "full" in text:
        return JournalError(
            f"The disk of the journal {path} is full. Make room and run again: submitted jobs are fetched, not "
            "submitted again."
        )
    if isinstance(error, sqlite3.DatabaseError) and ("malformed" in text or "not a database" in text):
        return JournalError(
            f"The file {path} is damaged or not a journal ({text}). It was left as it is. Restore it from a backup, or "
            f"try 'qiskit-qml-ext jobs {path} repair'; jobs can still be found on the service by their tags, which "
            "begin with 'qmlx-'."
        )
    return JournalError(f"The journal {path} cannot be used: {text}.")


def _make_file(path: Path) -> None:
    """Make an empty file that only its owner can read; one that is there and empty is made so."""
    if path.is_dir():
        raise JournalError(f"{path} is a folder, but a journal is a file. Name a file in it.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if path.is_file() and path.stat().st_size == 0 and os.access(path, os.W_OK):
            path.chmod(0o600)
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be created: {error.strerror}. Choose another place.") from error


def _check(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == 0 and version == 0 and tables == 0:
            _make_tables(database, path)
        elif application != APPLICATION_ID:
            raise JournalError(
                f"The file {path} is a database of another program, not a journal. It was left as it is. "
                "Choose another name for the journal."
            )
        elif version > SCHEMA_VERSION:
            raise JournalError(
                f"The journal {path} has the schema {version}, but this version of qiskit-qml-ext knows schemas up to "
                f"{SCHEMA_VERSION}. It was left as it is. Upgrade qiskit-qml-ext."
            )
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    problem = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {problem}")


def _make_tables(database: sqlite3.Connection, path: Path) -> None:
    for table in TABLES:
        database.execute(table.definition)
    for statement in INDEXES.values():
        database.execute(statement)
    about = {"id": uuid.uuid4().hex[:10], "lineage": uuid.uuid4().hex[:4], "file": file_identity(path)}
    for name, value in about.items():
        insert(database, ABOUT, name=name, value=value)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
