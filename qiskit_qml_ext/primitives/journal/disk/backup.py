"""Copies of a journal's file, made while it may be in use, private from the first byte, and checked."""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError
from qiskit_qml_ext.primitives.journal.disk.places import journal_path
from qiskit_qml_ext.primitives.journal.disk.problems import Inspection, sentences
from qiskit_qml_ext.primitives.journal.disk.rows import UNREADABLE


def copy_file(
    database: sqlite3.Connection,
    path: Path,
    destination: str | os.PathLike[str],
    *,
    inspect: Callable[[sqlite3.Connection], Inspection],
) -> Path:
    """Copy a database into a new file with SQLite's own backup, which others may write meanwhile.

    Args:
        database: A connection to it.
        path: Its file.
        destination: The new file; nothing may be there.
        inspect: Checks the copy.

    Returns:
        The absolute path of the new file.

    Raises:
        JournalError: If something is there, it cannot be written, or the copy is not what was read.
    """
    place = journal_path(destination)
    if place == path:
        raise JournalError(f"{place} is the journal itself. Name another file for its copy.")
    for name in (place, *(place.with_name(place.name + ending) for ending in ("-wal", "-shm", "-journal"))):
        if os.path.lexists(name):
            raise JournalError(f"{name} exists already. Name a new file for the copy of the journal {path}.")
    temporary = place.with_name(f".{place.name}.part")
    try:
        temporary.unlink(missing_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        _copied(database, temporary, inspect)
        _put(temporary, place)
    except FileExistsError as error:
        raise JournalError(f"{place} exists already. Name a new file for the copy of the journal {path}.") from error
    except OSError as error:
        raise JournalError(
            f"The copy {place} of the journal {path} cannot be written: {error.strerror}. Choose another place."
        ) from error
    except UNREADABLE as error:
        raise JournalError(f"The journal {path} could not be copied to {place}: {error}.") from error
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            _unlink(temporary.with_name(temporary.name + ending))
    return place


def _copied(
    database: sqlite3.Connection, destination: Path, inspect: Callable[[sqlite3.Connection], Inspection]
) -> None:
    copy = sqlite3.connect(destination, isolation_level=None)
    try:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file that has everything
        problems = inspect(copy).problems
        if problems:
            raise JournalDamagedError(f"The copy is not sound: {' '.join(sentences(problems, most=3))}")
    finally:
        copy.close()
    descriptor = os.open(destination, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put(temporary: Path, place: Path) -> None:
    """Give a file its name, without replacing one that came meanwhile, where the file system can do that."""
    try:
        os.link(temporary, place)
    except FileExistsError:
        raise
    except OSError:
        os.rename(temporary, place)


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
