"""Entries in a file that processes share: an SQLite database, readable by its owner only.

Each row carries a checksum of its key and its values, so that a damaged entry is never taken for data. A row that is
missing is found again; it makes no result wrong.
"""

import hashlib
import os
import sqlite3
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from qiskit_qml_ext.exceptions import CacheError
from qiskit_qml_ext.private_files import check_writable

_APPLICATION_ID = 0x514D4C4B  # "QMLK", in the header of the file
_SCHEMA = 2
_TIMEOUT = 60.0  # seconds to wait while another process writes
_AT_ONCE = 500  # keys in one question
_PACKED = struct.Struct("<ddqd")

Entry = tuple[float, float, int, float]
"""A value, its standard error (NaN for an exact one), the shots behind it, and its truncation error (NaN for none)."""


class EntryFile:
    """A file of entries; it is opened for each use, so that threads and forked processes may share the object.

    Args:
        path: The file; it is made when first written to or read.

    Raises:
        ValueError: If it cannot be the name of a file.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = check_writable(path)

    @property
    def locks(self) -> Path:
        """The file beside it on which processes lock what they are computing."""
        return self.path.with_name(f"{self.path.name}-lock")

    def read(self, keys: Sequence[bytes]) -> dict[bytes, Entry]:
        """Return the entries that are there.

        Raises:
            CacheError: If one is not what was written, or the file cannot be read.
        """
        found: dict[bytes, Entry] = {}
        with self._opened() as database:
            for start in range(0, len(keys), _AT_ONCE):
                asked = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(asked))
                rows = database.execute(f"SELECT key, packed, seal FROM entries WHERE key IN ({marks})", asked)
                for key, packed, seal in rows:
                    if not isinstance(packed, bytes) or len(packed) != _PACKED.size or seal != _seal(key, packed):
                        raise self._damaged("an entry is not what was written")
                    found[key] = _PACKED.unpack(packed)
        return found

    def write(self, entries: dict[bytes, Entry]) -> None:
        """Write entries in one step; those that are there stay as they are.

        Raises:
            CacheError: If the file cannot be written.
        """
        with self._opened() as database:
            rows = [(key, packed, _seal(key, packed)) for key, packed in _packed(entries)]
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")

    def note(self, kernel: str, target: str | None = None) -> str | None:
        """Return what is noted of a kernel's entries, as who ran them; it is written down where there is nothing yet.

        Raises:
            CacheError: If the file cannot be used.
        """
        with self._opened() as database:
            if target is not None:
                seal = _seal(kernel.encode(), target.encode())
                database.execute("INSERT OR IGNORE INTO kernels VALUES (?, ?, ?)", (kernel, target, seal))
            row = database.execute("SELECT target, seal FROM kernels WHERE key = ?", (kernel,)).fetchone()
        if row is None:
            return None
        if not isinstance(row[0], str) or row[1] != _seal(kernel.encode(), row[0].encode()):
            raise self._damaged("the name of a target is not what was written")
        return row[0]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._make()
        try:
            uri = f"{self.path.as_uri()}?mode=rw"
            connected = sqlite3.connect(uri, uri=True, timeout=_TIMEOUT, isolation_level=None)
            with closing(connected) as database:
                database.execute("PRAGMA trusted_schema = OFF")
                self._prepare(database)
                yield database
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise self._explained(error) from error

    def _make(self) -> None:
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise CacheError(f"The file {self.path} cannot be made: {error.strerror}.") from error

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Make the tables in a new file, and refuse one that is something else."""
        if self._is_ours(database):
            return
        _use_wal(database)
        database.execute("BEGIN IMMEDIATE")
        if not self._is_ours(database):  # no other process was faster
            database.execute("CREATE TABLE entries (key BLOB PRIMARY KEY, packed BLOB, seal BLOB) WITHOUT ROWID")
            database.execute("CREATE TABLE kernels (key TEXT PRIMARY KEY, target TEXT, seal BLOB) WITHOUT ROWID")
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {_SCHEMA}")
        database.execute("COMMIT")

    def _is_ours(self, database: sqlite3.Connection) -> bool:
        """Tell whether the tables are there; False for an empty file.

        Raises:
            CacheError: If the file is of another program or of another schema.
        """
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if application == 0 and not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return False
        if application != _APPLICATION_ID:
            raise CacheError(
                f"The file {self.path} is a database of another program, not one of kernel entries. It was left as it "
                "is. Choose another name."
            )
        if version != _SCHEMA:
            raise CacheError(
                f"The file {self.path} has the schema {version}, but this version of qiskit-qml-ext knows schema "
                f"{_SCHEMA}. It was left as it is. Choose another name."
            )
        return True

    def _damaged(self, what: str) -> CacheError:
        return CacheError(
            f"The file {self.path} of kernel entries is damaged: {what}. It was left as it is, and nothing of it was "
            "used. Delete it or choose another name, and the entries are found again."
        )

    def _explained(self, error: Exception) -> CacheError:
        text = " ".join(str(error).split())
        if "locked" in text or "busy" in text:
            return CacheError(
                f"The file {self.path} of kernel entries is locked by another program for more than {_TIMEOUT:.0f} s. "
                "Close that program and run again; nothing is lost."
            )
        if "full" in text or "readonly" in text or "unable to open" in text or "disk I/O" in text:
            return CacheError(f"The file {self.path} of kernel entries cannot be used: {text}.")
        return self._damaged(text)


def _use_wal(database: sqlite3.Connection) -> None:
    """Let changes go into a file beside it first; SQLite itself does not wait for others that do the same."""
    end = time.monotonic() + _TIMEOUT
    while database.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def _packed(entries: dict[bytes, Entry]) -> Iterator[tuple[bytes, bytes]]:
    return ((key, _PACKED.pack(*entry)) for key, entry in entries.items())


def _seal(key: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(content, key=key[:64], digest_size=8).digest()
