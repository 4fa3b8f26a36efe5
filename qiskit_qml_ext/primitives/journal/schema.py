"""The journal's file: its tables, and what is checked before a file is trusted."""

import os
import sqlite3
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalError

SCHEMA_VERSION = 1
APPLICATION_ID = 0x514D4C58  # "QMLX", in the header of the file

# An item is a piece of work that is never done twice: a circuit with its parameter values (sampler) or a block of
# expectation values (estimator). A unit is the items of one job. An attempt is one submission of a unit.
_TABLES = """
CREATE TABLE units (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target TEXT NOT NULL, settings TEXT NOT NULL,
    layout TEXT NOT NULL, num_items INTEGER NOT NULL, executions INTEGER NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_until REAL, reason TEXT, created REAL NOT NULL,
    updated REAL NOT NULL);
CREATE TABLE items (
    key BLOB PRIMARY KEY, unit INTEGER NOT NULL REFERENCES units(id), position INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX items_of_unit ON items (unit);
CREATE INDEX units_by_state ON units (state);
CREATE TABLE attempts (
    tag TEXT PRIMARY KEY, unit INTEGER NOT NULL REFERENCES units(id), job TEXT, session TEXT, outcome TEXT NOT NULL,
    started REAL NOT NULL, submitted REAL, finished REAL, calibration TEXT, usage_seconds REAL, reason TEXT,
    checked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX attempts_of_unit ON attempts (unit);
CREATE TABLE surplus (job TEXT PRIMARY KEY, tag TEXT NOT NULL, executed INTEGER NOT NULL, noticed REAL NOT NULL);
CREATE TABLE results (unit INTEGER PRIMARY KEY REFERENCES units(id), arrays BLOB, metadata TEXT, digest BLOB);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
"""


def open_database(path: Path, *, timeout: float) -> sqlite3.Connection:
    """Open a journal's file, and make it if there is none, readable by its owner only.

    Args:
        path: The file.
        timeout: How many seconds to wait for other processes' locks.

    Raises:
        JournalError: If the file is not a journal, is damaged, locked, or of a newer schema.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be created: {error.strerror}. Choose another place.") from error
    database = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
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
            f"try 'sqlite3 {path} .recover'; jobs can still be found on the service by their tags, which begin with "
            "'qmlx-'."
        )
    return JournalError(f"The journal {path} cannot be used: {text}.")


def _check(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application == 0 and version == 0 and tables == 0:
            for statement in _TABLES.split(";\n"):
                if statement.strip():
                    database.execute(statement)
            database.execute("INSERT INTO about VALUES ('id', lower(hex(randomblob(5))))")
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
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
