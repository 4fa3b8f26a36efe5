"""The journal's file: how it is made and opened, and what is checked before it is trusted."""

import sqlite3
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError
from qiskit_qml_ext.primitives.journal.disk.backup import copy_file
from qiskit_qml_ext.primitives.journal.disk.companion import last_written
from qiskit_qml_ext.primitives.journal.disk.migration import (
    FIRST_SCHEMA,
    SECOND_SCHEMA,
    convert,
    convert_second,
    copy_beside,
    inspected_first,
    inspected_second,
)
from qiskit_qml_ext.primitives.journal.disk.places import file_identity as file_identity
from qiskit_qml_ext.primitives.journal.disk.places import make_file, shown, size_of, versions_on_disk
from qiskit_qml_ext.primitives.journal.disk.problems import Inspection, Problem, sentences
from qiskit_qml_ext.primitives.journal.disk.rows import (
    ABOUT,
    INDEXES,
    SECOND_TABLES,
    SUM,
    TABLES,
    UNREADABLE,
    DamagedRowError,
    insert,
    read,
)
from qiskit_qml_ext.primitives.journal.disk.soundness import inspected

SCHEMA_VERSION = 3
APPLICATION_ID = 0x514D4C58  # "QMLX", in the header of the file
KEYS_FORMULA = 2
"""The number of the formula by which keys are made. It goes into every key: raise it when anything changes what goes
into the keys of the same work (what counts as content, or how it is written), so that no key of an old formula can be
taken for one of a new. Work written down under an old number is not found again, and is paid for again: raise it only
where results would be wrong otherwise."""

_LEAF = b"\x0a"  # the first byte of a page that has all entries of a table without numbers of rows
_SETTLED = 1.0  # seconds; a file's time of change may be this coarse
_sound: dict[Path, tuple[object, ...]] = {}
"""What the files that this process has found sound looked like on the disk."""


def open_database(path: Path, *, timeout: float) -> sqlite3.Connection:
    """Open a journal's file, and make it if there is none, readable by its owner only.

    The file is checked through a connection that cannot write: what is refused is left as it is, the file beside it
    too, which SQLite would write into the journal when it closes it.

    Args:
        path: The file.
        timeout: How many seconds to wait for other processes' locks.

    Raises:
        JournalError: If the file is not a journal, is locked, or of a newer schema.
        JournalDamagedError: If it is not what was written.
    """
    is_empty = make_file(path)
    try:
        if not is_empty:
            roll_back_torn(path, timeout)
            is_empty = check_file(path, timeout)
        database = connected(path, timeout)
    except UNREADABLE as error:
        raise explained(error, path) from error
    try:
        if is_empty:
            _make_tables(database, path)
        _use_companion(database, timeout)
        # A job's id must be on the disk, not in a cache, before the program goes on.
        database.execute("PRAGMA synchronous = FULL")
    except UNREADABLE as error:
        database.close()
        raise explained(error, path) from error
    except BaseException:
        database.close()
        raise
    return database


def _use_companion(database: sqlite3.Connection, timeout: float) -> None:
    """Let changes go into a file beside the journal first; SQLite itself does not wait for others that do the same."""
    end = time.monotonic() + timeout
    while database.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def is_locked(error: Exception) -> bool:
    """Tell whether SQLite gave up because another program has the file locked."""
    return "locked" in str(error) or "busy" in str(error)


def connected(path: Path, timeout: float, *, mode: str = "rw") -> sqlite3.Connection:
    """Open a file that exists, as one that may be hostile.

    Args:
        path: The file.
        timeout: How many seconds to wait for other processes' locks.
        mode: ``"rw"``, ``"ro"``, or ``"immutable"``, which reads the file alone, without the one beside it.
    """
    query = "immutable=1" if mode == "immutable" else f"mode={mode}"
    database = sqlite3.connect(
        f"{path.as_uri()}?{query}", uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
    )
    # A text with a damaged byte is read, and found not to match its checksum.
    database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    return database


def check_file(path: Path, timeout: float) -> bool:
    """Check a file before anything is written into it, and bring a journal of an older schema up to date.

    Returns:
        Whether it is a database without anything in it, so that a new journal begins in it.

    Raises:
        JournalError: If it is not a journal, or of a newer schema.
        JournalDamagedError: If it is not what was written.
    """
    looks = versions_on_disk(path)
    if _sound.get(path) == looks:
        return False
    began = time.time()
    check_companion(path, timeout)
    database = connected(path, timeout, mode="ro")
    try:
        database.execute("BEGIN")
        version = schema_of(database, path)
        problems = inspector_of(version)(database).problems if version else []
    finally:
        database.close()
    if version == 0:
        return True
    if problems:
        raise damaged(path, problems)
    if version != SCHEMA_VERSION:
        _migrate(path, timeout, version)
    elif looks == versions_on_disk(path) and all(mtime / 1e9 + _SETTLED < began for _, _, mtime in looks):
        _sound[path] = looks
    return False


def inspector_of(version: int) -> Callable[[sqlite3.Connection], Inspection]:
    """Return what checks a journal of a schema."""
    return {FIRST_SCHEMA: inspected_first, SECOND_SCHEMA: inspected_second}.get(version, inspected)


def schema_of(database: sqlite3.Connection, path: Path) -> int:
    """Return the schema of a journal, 0 for a file without anything in it.

    Raises:
        JournalError: If it is not a journal, or of a schema that is not known.
    """
    application = database.execute("PRAGMA application_id").fetchone()[0]
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    objects = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application == 0 and version == 0 and objects == 0:
        return 0
    if application != APPLICATION_ID:
        raise JournalError(
            f"The file {path} is a database of another program, not a journal. It was left as it is. "
            "Choose another name for the journal."
        )
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"The journal {path} has the schema {version}, but this version of qiskit-qml-ext knows schemas up to "
            f"{SCHEMA_VERSION}. It was left as it is. Upgrade qiskit-qml-ext."
        )
    if version < FIRST_SCHEMA:
        raise damaged(path, [Problem("file", None, f"Its schema is {version}.")])
    return version


def check_companion(path: Path, timeout: float) -> None:
    """Check that the file beside a journal, which SQLite would write into it, is not that of another journal.

    Raises:
        JournalError: If it is.
    """
    beside = path.with_name(f"{path.name}-wal")
    if not size_of(beside):
        return
    try:
        own, page = _id_alone(path, timeout)
    except (*UNREADABLE, DamagedRowError):
        return  # not everything is in the file itself yet, or it is damaged, which is found next
    try:
        written = last_written(beside.read_bytes(), page)
    except FileNotFoundError:
        return  # the last program that had the journal open has written it into the journal and removed it
    is_whole = written is not None and written[:1] == _LEAF  # the table fits into this page, and so its id is there
    if own and written is not None and is_whole and own.encode() not in written:
        raise JournalError(
            f"{beside.name} beside the journal {path} belongs to another journal (it does not name {own}): was the "
            "file restored or copied to this place? It was left as it is. Move this -wal file (and -shm) away and run "
            "again."
        )


def _id_alone(path: Path, timeout: float) -> tuple[str, int]:
    """Return a journal's id as the file alone says it, without the one beside it, and the page on which it stands."""
    database = connected(path, timeout, mode="immutable")
    try:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'about'").fetchone() or (0,)
        return next((str(row["value"]) for row in read(database, ABOUT, "name = 'id'")), ""), int(page)
    finally:
        database.close()


def roll_back_torn(path: Path, timeout: float) -> None:
    """Undo the making of a journal that a kill cut short."""
    if path.with_name(f"{path.name}-journal").exists():
        database = connected(path, timeout)
        try:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            database.close()


def damaged(path: Path, problems: list[Problem]) -> JournalDamagedError:
    """Return the error for a file that is not what was written."""
    beside = path.with_name(f"{path.name}-wal")
    hint = ""
    if size_of(beside):
        hint = f" If the file was restored or copied to this place, {beside.name} may be an older one's: move it away."
    return JournalDamagedError(
        f"The journal {path} is damaged: {' '.join(sentences(problems, most=3))} It was left as it is.{hint} "
        f"{what_to_do(path)}"
    )


def what_to_do(path: Path) -> str:
    """Return what is to be done about a damaged file: a repair keeps what a backup may not have yet."""
    return (
        f"'qiskit-qml-ext jobs {shown(path)} check' says what is sound, and 'qiskit-qml-ext jobs {shown(path)} repair' "
        "keeps that, and the damaged file too. If nothing is sound, restore a backup; jobs can be found on the service "
        "by their tags, which begin with 'qmlx-'."
    )


def explained(error: Exception, path: Path) -> JournalError:
    """Turn an error of SQLite into one that says what to do."""
    text = " ".join(str(error).split())
    if is_locked(error):
        return JournalError(
            f"The journal {path} is locked by another program for longer than the timeout. Close that program (a "
            "database browser?) and run again; nothing is lost."
        )
    if "full" in text:
        return JournalError(
            f"The disk of the journal {path} is full. Make room and run again: submitted jobs are fetched, not "
            "submitted again."
        )
    if "readonly" in text or "unable to open" in text or "permission" in text.lower():
        return JournalError(
            f"The journal {path} cannot be written: {text}. The file and its folder must be writable for you, since "
            "the files FILE-wal and FILE-shm are made beside it while it is used; or copy it to such a folder."
        )
    if "disk I/O" in text or "locking protocol" in text:
        return JournalError(
            f"The disk of the journal {path} fails ({text}). Nothing that was written before is lost. On a network "
            "file system locks may be missing: put the journal on a disk of this machine."
        )
    if "closed database" in text:
        return JournalError(f"The journal {path} was closed. Open it again: Journal({str(path)!r}).")
    if "not a database" in text:
        return JournalDamagedError(
            f"The file {path} is damaged or not a journal ({text}). It was left as it is. {what_to_do(path)}"
        )
    if isinstance(error, UNREADABLE) and not isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return damaged(path, [Problem("file", None, f"It cannot be read ({text}).")])
    return JournalError(f"The journal {path} cannot be used: {text}.")


def _make_tables(database: sqlite3.Connection, path: Path) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        if schema_of(database, path) == 0:  # no other process was faster
            make_tables(database)
            about = {"id": uuid.uuid4().hex[:10], "lineage": uuid.uuid4().hex[:4], "file": file_identity(path),
                     "keys": str(KEYS_FORMULA)}  # fmt: skip
            for name, value in about.items():
                insert(database, ABOUT, name=name, value=value)
        database.execute("COMMIT")
    except BaseException:
        _roll_back(database)
        raise


def make_tables(database: sqlite3.Connection) -> None:
    """Make the tables of the current schema and say so in the header."""
    for table in SECOND_TABLES:
        database.execute(table.definition)
    for statement in INDEXES.values():
        database.execute(statement)
    for table in TABLES[len(SECOND_TABLES) :]:  # last, so that all others begin where they always did
        database.execute(table.definition)
    insert(database, ABOUT, name=SUM, value="0")
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _migrate(path: Path, timeout: float, version: int) -> None:
    """Bring a journal of an older schema up to date, after a copy of it was put beside it."""
    database = connected(path, timeout)
    try:
        copy_file(database, path, copy_beside(path, version), inspect=inspector_of(version))
        database.execute("BEGIN IMMEDIATE")
        if schema_of(database, path) == version:  # no other process was faster
            if version == FIRST_SCHEMA:
                problems = convert(database, lineage=uuid.uuid4().hex[:4], file=file_identity(path)).problems
            else:
                problems = convert_second(database).problems
            if problems:
                raise damaged(path, problems)
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("COMMIT")
    except BaseException:
        _roll_back(database)
        raise
    finally:
        database.close()


def _roll_back(database: sqlite3.Connection) -> None:
    if database.in_transaction:
        database.execute("ROLLBACK")
