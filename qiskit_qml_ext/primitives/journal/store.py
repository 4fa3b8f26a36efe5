"""The journal: an SQLite file that knows what was asked, what was submitted and what came back."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typing_extensions import Self

from qiskit_qml_ext.primitives.journal.ownership import is_dead
from qiskit_qml_ext.primitives.journal.queries import UNIT_COLUMNS, chunks, digest, located, marks, unit_of
from qiskit_qml_ext.primitives.journal.records import (
    DISSOLVED,
    DONE,
    FAILED,
    LOST,
    PLANNED,
    SUBMITTED,
    SUBMITTING,
    NewUnit,
    Surplus,
    Unit,
)
from qiskit_qml_ext.primitives.journal.schema import explained, open_database

LEASE_SECONDS = 120.0
"""How long a silent process keeps its claim on a unit; on the same machine a dead one loses it at once."""


class Journal:
    """A file that remembers every unit of work sent to a device: no result is lost, no shot is paid for twice.

    Several journaled primitives, threads and processes may use one journal at the same time; they share the work.
    Work of different programs, targets and options may lie in one journal; it is kept apart by its content.

    Args:
        path: The file; it is made if there is none, readable by its owner only.
        timeout: How many seconds to wait while another process writes.

    Raises:
        JournalError: If the file is not a journal, is damaged, locked, or was written by a newer version.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 30.0):
        self._path = Path(path).expanduser().absolute()
        self._timeout = timeout
        self._open()

    def _open(self) -> None:
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._database = open_database(self._path, timeout=self._timeout)
        row = self._database.execute("SELECT value FROM about WHERE name = 'id'").fetchone()
        self._id = str(row[0])

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._path

    @property
    def tag(self) -> str:
        """The tag that all jobs of this journal carry on the service."""
        return f"qmlx-{self._id}"

    def close(self) -> None:
        """Close the file; the journal may not be used afterwards."""
        with self._lock:
            self._database.close()

    def units(self, ids: Iterable[int] | None = None) -> list[Unit]:
        """Return all units, or those with the given numbers, oldest first."""
        with self._transaction(write=False) as database:
            if ids is None:
                rows = database.execute(f"{UNIT_COLUMNS} WHERE u.state != ? ORDER BY u.id", (DISSOLVED,)).fetchall()
            else:
                rows = [
                    row
                    for chunk in chunks(list(ids))
                    for row in database.execute(f"{UNIT_COLUMNS} WHERE u.id IN ({marks(chunk)}) ORDER BY u.id", chunk)
                ]
        return [unit_of(row) for row in rows]

    def surplus(self, *, tags: Iterable[str] | None = None) -> list[Surplus]:
        """Return the jobs that the service made without being asked."""
        with self._transaction(write=False) as database:
            rows = database.execute("SELECT job, tag, executed FROM surplus ORDER BY noticed").fetchall()
        wanted = None if tags is None else set(tags)
        return [Surplus(job, tag, bool(ran)) for job, tag, ran in rows if wanted is None or tag in wanted]

    def locate(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Return the unit and the position in it of those items that have a unit."""
        with self._transaction(write=False) as database:
            return located(database, keys)

    def ensure_units(
        self, keys: Sequence[bytes], pack: Callable[[list[int]], list[NewUnit]], *, revive: bool
    ) -> dict[bytes, tuple[int, int]]:
        """See that every item belongs to a unit, and return where.

        Units that nobody works on and that hold other items too, asked for by a run that is gone, are dissolved first,
        so that this run can do its part without them.

        Args:
            keys: The items.
            pack: Makes units of the items with the given places in ``keys``.
            revive: Whether failed units get a new chance.
        """
        wanted = set(keys)
        with self._transaction() as database:
            found = located(database, keys)
            for unit in {unit for unit, _ in found.values()}:
                row = database.execute("SELECT state FROM units WHERE id = ?", (unit,)).fetchone()
                if row[0] != PLANNED and not (revive and row[0] == FAILED):
                    continue
                members = {key for (key,) in database.execute("SELECT key FROM items WHERE unit = ?", (unit,))}
                if members <= wanted:
                    database.execute(
                        "UPDATE units SET state = ?, attempts = 0, reason = NULL WHERE id = ? AND state = ?",
                        (PLANNED, unit, FAILED),
                    )
                else:
                    self._dissolve(database, unit)
            found = located(database, keys)
            missing = [place for place, key in enumerate(keys) if key not in found]
            if missing:
                self._insert(database, pack(missing))
                found = located(database, keys)
            return found

    def split(self, unit: int, parts: Sequence[NewUnit], *, owner: str, reason: str) -> None:
        """Replace a unit that is too large by smaller ones."""
        with self._transaction() as database:
            if not self._owned(database, unit, owner):
                return
            self._end_attempt(database, unit, "rejected", reason)
            self._dissolve(database, unit)
            # An earlier run may have cut the same unit, and have done a part already.
            self._insert(database, [part for part in parts if not located(database, part.keys)])

    def claim(self, unit: int, *, owner: str, tag: str, calibration: str | None, per_minute: int | None) -> bool:
        """Write down that a unit is about to be submitted.

        Returns:
            Whether this process may submit it now; ``False`` if another one has it or the rate is used up.
        """
        now = time.time()
        with self._transaction() as database:
            if per_minute is not None:
                recent = database.execute("SELECT count(*) FROM attempts WHERE started > ?", (now - 60,)).fetchone()[0]
                if recent >= per_minute:
                    return False
            changed = database.execute(
                "UPDATE units SET state = ?, owner = ?, lease_until = ?, attempts = attempts + 1, updated = ? "
                "WHERE id = ? AND state = ?",
                (SUBMITTING, owner, now + LEASE_SECONDS, now, unit, PLANNED),
            ).rowcount
            if changed:
                database.execute(
                    "INSERT INTO attempts (tag, unit, outcome, started, calibration) VALUES (?, ?, 'open', ?, ?)",
                    (tag, unit, now, calibration),
                )
            return bool(changed)

    def take_over(self, unit: int, *, owner: str) -> bool:
        """Claim a unit whose owner is dead or silent for too long."""
        now = time.time()
        with self._transaction() as database:
            row = database.execute("SELECT owner, lease_until, state FROM units WHERE id = ?", (unit,)).fetchone()
            if row is None or row[2] not in (SUBMITTING, SUBMITTED):
                return False
            if row[0] not in (None, owner) and not is_dead(row[0]) and (row[1] or 0) > now:
                return False
            database.execute(
                "UPDATE units SET owner = ?, lease_until = ? WHERE id = ?", (owner, now + LEASE_SECONDS, unit)
            )
            return True

    def renew(self, owner: str) -> None:
        """Prolong all leases of an owner."""
        with self._transaction() as database:
            database.execute(
                "UPDATE units SET lease_until = ? WHERE owner = ? AND state IN (?, ?)",
                (time.time() + LEASE_SECONDS, owner, SUBMITTING, SUBMITTED),
            )

    def release(self, owner: str) -> None:
        """Give up all claims of an owner; what is submitted stays submitted and can be fetched by anyone."""
        with self._transaction() as database:
            database.execute("UPDATE units SET owner = NULL, lease_until = NULL WHERE owner = ?", (owner,))

    def submitted(self, unit: int, *, tag: str, job: str, session: str | None) -> None:
        """Write down the job that the service made of a unit."""
        now = time.time()
        with self._transaction() as database:
            database.execute(
                "UPDATE attempts SET job = ?, session = ?, submitted = ? WHERE tag = ?", (job, session, now, tag)
            )
            database.execute(
                "UPDATE units SET state = ?, updated = ? WHERE id = ? AND state = ?", (SUBMITTED, now, unit, SUBMITTING)
            )

    def add_surplus(self, job: str, tag: str, *, executed: bool) -> None:
        """Write down a job that the service made without being asked."""
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO surplus VALUES (?, ?, ?, ?)", (job, tag, executed, time.time()))

    def finish(
        self, unit: int, *, tag: str, arrays: bytes, metadata: dict[str, Any], usage_seconds: float | None
    ) -> None:
        """Write down a result; result and state change together or not at all."""
        now = time.time()
        with self._transaction() as database:
            text = json.dumps(metadata)
            database.execute(
                "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?)", (unit, arrays, text, digest(arrays, text))
            )
            database.execute(
                "UPDATE attempts SET outcome = 'done', finished = ?, usage_seconds = ? WHERE tag = ?",
                (now, usage_seconds, tag),
            )
            database.execute(
                "UPDATE units SET state = ?, owner = NULL, lease_until = NULL, reason = NULL, updated = ? WHERE id = ?",
                (DONE, now, unit),
            )

    def retry(self, unit: int, *, owner: str, outcome: str, reason: str) -> None:
        """Write down that an attempt came to nothing; the unit is planned again."""
        self._end(unit, owner, PLANNED, outcome, reason)

    def fail(self, unit: int, *, owner: str, outcome: str, reason: str, lost: bool = False) -> None:
        """Write down that a unit failed for good; a *lost* one is never submitted again without the user's word."""
        self._end(unit, owner, LOST if lost else FAILED, outcome, reason)

    def reset(self, unit: int, *, outcome: str, reason: str) -> bool:
        """Make a unit that is not done planned again, at the user's word."""
        with self._transaction() as database:
            self._end_attempt(database, unit, outcome, reason)
            return bool(
                database.execute(
                    "UPDATE units SET state = ?, owner = NULL, lease_until = NULL, attempts = 0, reason = ? "
                    "WHERE id = ? AND state != ?",
                    (PLANNED, reason, unit, DONE),
                ).rowcount
            )

    def results(self, unit: int) -> tuple[bytes, dict[str, Any]] | None:
        """Return a finished unit's arrays and metadata, or ``None`` if they are missing or were changed on the disk."""
        with self._transaction(write=False) as database:
            row = database.execute("SELECT arrays, metadata, digest FROM results WHERE unit = ?", (unit,)).fetchone()
        if row is None or digest(row[0], row[1]) != row[2]:
            return None
        return row[0], json.loads(row[1])

    def forget_result(self, unit: int) -> None:
        """Drop a result that was damaged on the disk; its job is known and is fetched again."""
        with self._transaction() as database:
            database.execute("DELETE FROM results WHERE unit = ?", (unit,))
            database.execute(
                "UPDATE units SET state = ?, owner = NULL, lease_until = NULL WHERE id = ? AND state = ?",
                (SUBMITTED, unit, DONE),
            )

    def unchecked_since(self, units: Iterable[int]) -> float | None:
        """Return when the first attempt at these units was begun that was not checked for twins yet, if any."""
        with self._transaction(write=False) as database:
            starts = [
                row[0]
                for chunk in chunks(list(units))
                for row in database.execute(
                    f"SELECT min(started) FROM attempts WHERE checked = 0 AND unit IN ({marks(chunk)})", chunk
                )
            ]
        return min((start for start in starts if start is not None), default=None)

    def attempts(self, *, since: float) -> dict[str, tuple[int, str | None, str]]:
        """Return the unit, the job and the outcome of each attempt begun since a time, by tag."""
        with self._transaction(write=False) as database:
            rows = database.execute(
                "SELECT tag, unit, job, outcome FROM attempts WHERE started >= ?", (since,)
            ).fetchall()
        return {tag: (unit, job, outcome) for tag, unit, job, outcome in rows}

    def mark_checked(self, tags: Iterable[str]) -> None:
        """Write down that attempts have no twins that are not on record."""
        with self._transaction() as database:
            database.executemany("UPDATE attempts SET checked = 1 WHERE tag = ?", [(tag,) for tag in tags])

    def _end(self, unit: int, owner: str, state: str, outcome: str, reason: str) -> None:
        with self._transaction() as database:
            if not self._owned(database, unit, owner):
                return
            self._end_attempt(database, unit, outcome, reason)
            database.execute(
                "UPDATE units SET state = ?, owner = NULL, lease_until = NULL, reason = ?, updated = ? WHERE id = ?",
                (state, reason, time.time(), unit),
            )

    @staticmethod
    def _owned(database: sqlite3.Connection, unit: int, owner: str) -> bool:
        row = database.execute("SELECT owner, state FROM units WHERE id = ?", (unit,)).fetchone()
        return row is not None and row[0] == owner and row[1] in (SUBMITTING, SUBMITTED)

    @staticmethod
    def _end_attempt(database: sqlite3.Connection, unit: int, outcome: str, reason: str) -> None:
        database.execute(
            "UPDATE attempts SET outcome = ?, reason = ?, finished = ? WHERE unit = ? AND outcome = 'open'",
            (outcome, reason, time.time(), unit),
        )

    @staticmethod
    def _dissolve(database: sqlite3.Connection, unit: int) -> None:
        """Free a unit's items; its attempts stay on record."""
        database.execute("DELETE FROM items WHERE unit = ?", (unit,))
        database.execute("UPDATE units SET state = ?, owner = NULL WHERE id = ?", (DISSOLVED, unit))

    @staticmethod
    def _insert(database: sqlite3.Connection, parts: Sequence[NewUnit]) -> None:
        now = time.time()
        for part in parts:
            unit = database.execute(
                "INSERT INTO units (kind, target, settings, layout, num_items, executions, state, created, updated) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    part.kind,
                    part.target,
                    json.dumps(part.settings),
                    json.dumps(part.layout),
                    len(part.keys),
                    part.executions,
                    PLANNED,
                    now,
                    now,
                ),
            ).lastrowid
            database.executemany(
                "INSERT INTO items VALUES (?, ?, ?)", [(key, unit, place) for place, key in enumerate(part.keys)]
            )

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        if self._process != os.getpid():
            # A forked process may neither use nor close its parent's connection.
            self._inherited = self._database
            self._open()
        with self._lock:
            database = self._database
            try:
                database.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                yield database
                database.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise explained(error, self._path) from error
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def __del__(self) -> None:
        # A journal that nobody closed; a forked process leaves its parent's connection alone.
        database: sqlite3.Connection | None = self.__dict__.get("_database")
        if database is not None and self._process == os.getpid():
            database.close()

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
        return f"Journal({str(self._path)!r})"
