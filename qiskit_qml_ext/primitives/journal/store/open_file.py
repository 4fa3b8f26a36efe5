"""A journal's file while it is open: shared by threads, left alone by forked children, changed step by step."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from typing_extensions import Self

from qiskit_qml_ext.exceptions import JournalDamagedError
from qiskit_qml_ext.primitives.journal.disk.backup import copy_file
from qiskit_qml_ext.primitives.journal.disk.places import check_still_there, file_identity, journal_path
from qiskit_qml_ext.primitives.journal.disk.rows import ABOUT, DamagedRowError, read
from qiskit_qml_ext.primitives.journal.disk.schema import connected, explained, open_database, what_to_do
from qiskit_qml_ext.primitives.journal.disk.soundness import inspected
from qiskit_qml_ext.primitives.journal.store import lineage
from qiskit_qml_ext.primitives.journal.store.checkup import FileReport, check_journal
from qiskit_qml_ext.primitives.journal.store.listings import Listings


class JournalFile:
    """What a journal is as a file; :class:`~qiskit_qml_ext.primitives.journal.Journal` says what is in it.

    Args:
        path: The file; it is made if there is none, readable by its owner only.
        timeout: How many seconds to wait while another process writes.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 30.0):
        self._path = journal_path(path)
        self._timeout = timeout
        self._open()

    def _open(self) -> None:
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._database = open_database(self._path, timeout=self._timeout)
        self._file = file_identity(self._path)
        with self._transaction(write=False) as database:
            elsewhere = lineage.is_elsewhere(database, self._path)
        if elsewhere:
            with self._transaction() as database:
                lineage.give_new_lineage(database, self._path)
        with self._transaction(write=False) as database:
            about = {row["name"]: row["value"] for row in read(database, ABOUT)}
        self._id, self._lineage = about["id"], about["lineage"]
        self._formula = about["keys"]
        self._former = tuple(about.get("former", "").split())
        self.listings = Listings()

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._path

    @property
    def tag(self) -> str:
        """The tag that all jobs of this journal carry on the service."""
        return f"qmlx-{self._id}"

    @property
    def lineage(self) -> str:
        """What tells this file from its copies; the jobs that it submits carry it in their tags."""
        return self._lineage

    @property
    def former_lineages(self) -> tuple[str, ...]:
        """What this file was called before it was copied, moved or restored."""
        return self._former

    def close(self) -> None:
        """Close the file; the journal may not be used afterwards."""
        with self._lock:
            self._database.close()

    def check(self) -> FileReport:
        """Look through the whole file, results included, and say what is sound; nothing is raised for damage."""
        return check_journal(self._path, timeout=self._timeout)

    def backup(self, path: str | os.PathLike[str]) -> Path:
        """Copy the journal, also while runs use it, into a new file that is readable by its owner only.

        Args:
            path: The new file.

        Returns:
            Its absolute path.

        Raises:
            JournalError: If something is there already, or it cannot be written.
        """
        with self._transaction(write=False):
            pass  # the file is still there
        try:
            source = connected(self._path, self._timeout, mode="ro")
        except sqlite3.Error as error:
            raise explained(error, self._path) from error
        try:
            return copy_file(source, self._path, path, inspect=inspected)
        finally:
            source.close()

    @contextmanager
    def _transaction(self, *, write: bool = True, checkpoint: bool = True) -> Iterator[sqlite3.Connection]:
        """Read or write as one step.

        Args:
            write: Whether anything is written.
            checkpoint: Whether what was written goes on from the file beside the journal into the journal itself, so
                that a copy of the journal alone has it.
        """
        if self._process != os.getpid():
            # A forked process may neither use nor close its parent's connection.
            self._inherited = self._database
            self._open()
        with self._lock:
            database = self._database
            check_still_there(self._path, self._file)
            try:
                database.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                yield database
                database.execute("COMMIT")
                if write and checkpoint:
                    database.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except (sqlite3.Error, UnicodeDecodeError) as error:
                self._roll_back()
                raise explained(error, self._path) from error
            except DamagedRowError as error:
                self._roll_back()
                raise JournalDamagedError(
                    f"The journal {self._path} is damaged: {error}. Nothing of it was used. {what_to_do(self._path)}"
                ) from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # the journal was closed, or the error that led here says more
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def __del__(self) -> None:
        # A journal that nobody closed; a forked process leaves its parent's connection alone.
        try:
            database: sqlite3.Connection | None = self.__dict__.get("_database")
            if database is not None and self._process == os.getpid():
                database.close()
        except Exception:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_timeout": self._timeout}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._path)!r})"
