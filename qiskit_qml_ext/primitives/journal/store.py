"""The journal: an SQLite file that knows what was asked, what was submitted and what came back."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from typing_extensions import Self

from qiskit_qml_ext.exceptions import JournalDamagedError, JournalError
from qiskit_qml_ext.primitives.journal import claims, lineage
from qiskit_qml_ext.primitives.journal.backup import copy_file
from qiskit_qml_ext.primitives.journal.checkup import FileReport, check_journal
from qiskit_qml_ext.primitives.journal.detached import attach
from qiskit_qml_ext.primitives.journal.looks import Looks
from qiskit_qml_ext.primitives.journal.moments import Moment, moment
from qiskit_qml_ext.primitives.journal.ownership import retire
from qiskit_qml_ext.primitives.journal.places import check_still_there, file_identity, journal_path
from qiskit_qml_ext.primitives.journal.queries import content_of, located, read_chunks, units_of
from qiskit_qml_ext.primitives.journal.records import (
    DISSOLVED,
    DONE,
    FAILED,
    LOST,
    PLANNED,
    SUBMITTED,
    SUBMITTING,
    Attempt,
    NewUnit,
    Surplus,
    Unit,
)
from qiskit_qml_ext.primitives.journal.rows import (
    ABOUT,
    ATTEMPTS,
    ITEMS,
    RESULTS,
    SURPLUS,
    UNITS,
    DamagedRowError,
    Row,
    change,
    insert,
    insert_many,
    read,
    remove,
)
from qiskit_qml_ext.primitives.journal.schema import KEYS_FORMULA, connected, explained, open_database
from qiskit_qml_ext.primitives.journal.soundness import inspected


class Journal:
    """A file that remembers every unit of work sent to a device: no result is lost, no shot is paid for twice.

    Several journaled primitives, threads and processes may use one journal at the same time; they share the work.
    Work of different programs, targets and options may lie in one journal; it is kept apart by its content.

    Args:
        path: The file; it is made if there is none, readable by its owner only.
        timeout: How many seconds to wait while another process writes.

    Raises:
        JournalError: If the file is not a journal, is locked, or was written by another version.
        JournalDamagedError: If it is not what was written.
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
        self.looks = Looks()

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

    # What there is

    def units(self, ids: Iterable[int] | None = None) -> list[Unit]:
        """Return all units, or those with the given numbers, oldest first."""
        with self._transaction(write=False) as database:
            if ids is None:
                rows = read(database, UNITS, "state != ? ORDER BY id", [DISSOLVED])
            else:
                numbers = sorted(number for number in ids if 0 < number < 2**63)
                rows = list(read_chunks(database, UNITS, "id", numbers, "ORDER BY id"))
            return units_of(database, rows)

    def units_with(self, contents: Iterable[bytes]) -> list[Unit]:
        """Return the units, not the dissolved ones, that have one of these contents."""
        with self._transaction(write=False) as database:
            rows = [row for row in read_chunks(database, UNITS, "content", contents) if row["state"] != DISSOLVED]
            return units_of(database, rows)

    def surplus(self, *, tags: Iterable[str] | None = None) -> list[Surplus]:
        """Return the jobs that the service made without being asked."""
        with self._transaction(write=False) as database:
            rows = read(database, SURPLUS, "1 ORDER BY tag, job")
        wanted = None if tags is None else set(tags)
        return [
            Surplus(row["job"], row["tag"], bool(row["executed"]))
            for row in rows
            if wanted is None or row["tag"] in wanted
        ]

    def locate(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
        """Return the unit and the position in it of those items that have a unit."""
        with self._transaction(write=False) as database:
            return located(database, keys)

    def attempts(self, units: Iterable[int] | None = None) -> list[Attempt]:
        """Return the attempts at all units, or at those with the given numbers, in the order of their making."""
        with self._transaction(write=False) as database:
            if units is None:
                rows = read(database, ATTEMPTS, "1 ORDER BY number")
            else:
                rows = sorted(read_chunks(database, ATTEMPTS, "unit", units), key=lambda row: row["number"])
        return [
            Attempt(
                row["number"], row["tag"], row["unit"], row["job"], row["outcome"],
                Moment(row["boot"], row["ticks"]), bool(row["watched"]),
            )
            for row in rows
        ]  # fmt: skip

    # Planning

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

        Raises:
            JournalError: If the journal's keys are of another formula, so that nothing in it would be found again.
        """
        self._check_formula()
        wanted = set(keys)
        with self._transaction() as database:
            found = located(database, keys)
            free = [PLANNED, FAILED] if revive else [PLANNED]
            for row in list(read_chunks(database, UNITS, "id", {unit for unit, _ in found.values()})):
                if row["state"] not in free:
                    continue
                members = {item["key"] for item in read(database, ITEMS, "unit = ?", [row["id"]])}
                if not members <= wanted:
                    self._dissolve(database, row["id"])
                elif row["state"] == FAILED:
                    change(database, UNITS, "id = ?", [row["id"]], state=PLANNED, attempts=0, reason=None)
            found = located(database, keys)
            missing = [place for place, key in enumerate(keys) if key not in found]
            if missing:
                self._insert(database, pack(missing))
                found = located(database, keys)
            return found

    def split(self, unit: int, parts: Sequence[NewUnit], *, owner: str, reason: str) -> None:
        """Replace a unit that is too large by smaller ones."""
        with self._transaction() as database:
            if not claims.is_owned(database, unit, owner):
                return
            self._end_attempt(database, unit, "rejected", reason)
            self._dissolve(database, unit)
            # An earlier run may have cut the same unit, and have done a part already.
            self._insert(database, [part for part in parts if not located(database, part.keys)])

    # Claims

    def claim(
        self,
        unit: int,
        *,
        owner: str,
        tag: str,
        calibration: str | None,
        per_minute: int | None,
        watched: bool = True,
    ) -> bool:
        """Write down that a unit is about to be submitted.

        Args:
            unit: The unit.
            owner: Who submits it.
            tag: The tag that its job will carry.
            calibration: When the device was calibrated.
            per_minute: How many submissions a minute there may be.
            watched: Whether the service may make a job of it that nobody waits for.

        Returns:
            Whether this process may submit it now; ``False`` if another one has it or the rate is used up.
        """
        with self._transaction() as database:
            if per_minute is not None and claims.rate_pause(database, per_minute, wall=time.time()):
                return False
            if not claims.take(database, unit, owner):
                return False
            self._begin_attempt(database, unit, tag, calibration=calibration, watched=watched)
            return True

    def rate_pause(self, per_minute: int | None) -> float:
        """Return for how many seconds the limit on submissions allows no other one.

        Args:
            per_minute: How many there may be in a minute, over all processes that share the journal; ``None`` for any.
        """
        if per_minute is None:
            return 0.0
        with self._transaction(write=False) as database:
            return claims.rate_pause(database, per_minute, wall=time.time())

    def owns(self, unit: int, owner: str) -> bool:
        """Tell whether a unit under way belongs to an owner still; to be asked before anything that costs."""
        with self._transaction(write=False) as database:
            return claims.is_owned(database, unit, owner)

    def withdraw(self, unit: int, *, tag: str, owner: str) -> None:
        """Take a claim back whose request has certainly not left."""
        with self._transaction() as database:
            if not claims.is_owned(database, unit, owner):
                return
            remove(database, ATTEMPTS, "tag = ?", [tag])
            change(
                database, UNITS, "id = ? AND state = ?", [unit, SUBMITTING],
                state=PLANNED, owner=None, attempts=lambda row: row["attempts"] - 1,
            )  # fmt: skip

    def take_over(self, unit: int, *, owner: str, gone: str | None) -> bool:
        """Claim a unit whose owner is gone, unless another process was faster.

        Args:
            unit: The unit.
            owner: The new owner.
            gone: The owner that is gone.
        """
        with self._transaction() as database:
            return claims.take_over(database, unit, owner, gone)

    def beat(self, owner: str) -> None:
        """Give a sign of life."""
        with self._transaction(checkpoint=False) as database:
            claims.beat(database, owner)

    def beat_of(self, owner: str) -> int | None:
        """Return how often an owner gave a sign of life, ``None`` for one that is not on record."""
        with self._transaction(write=False) as database:
            return claims.beat_of(database, owner)

    def release(self, owner: str) -> None:
        """Give up all claims of an owner; what is submitted stays submitted and can be fetched by anyone.

        If they cannot be given up now, other runs of this process know that the owner works no more.
        """
        try:
            with self._transaction() as database:
                claims.release(database, owner)
        except BaseException:
            retire(owner)
            raise

    # What came of an attempt

    def submitted(self, unit: int, *, tag: str, job: str, session: str | None, owner: str | None = None) -> bool:
        """Write down the job that the service made of a unit.

        Args:
            unit: The unit.
            tag: The attempt's tag.
            job: The job's id.
            session: Its session or batch.
            owner: Who submitted it; nothing is written if another process has taken the unit over meanwhile.

        Returns:
            Whether it was written down; if not, the job is one that nobody waits for.
        """
        now = time.time()
        with self._transaction() as database:
            if owner is not None and not claims.is_owned(database, unit, owner):
                return False
            change(database, ATTEMPTS, "tag = ?", [tag], job=job, session=session, submitted=now)
            change(database, UNITS, "id = ? AND state = ?", [unit, SUBMITTING], state=SUBMITTED, updated=now)
            return True

    def adopt(
        self, unit: int, *, tag: str, job: str, session: str | None, created: float, owner: str | None, reason: str
    ) -> bool:
        """Take a job that this file did not wait for as the job of a unit that has none, or none that counts.

        Args:
            unit: A unit that nobody works on, or one under way that belongs to ``owner``.
            tag: The tag of the attempt that made the job.
            job: The job.
            session: Its session or batch.
            created: When the service made it, in seconds since 1970 by its own clock.
            owner: Who goes on with it; ``None`` leaves it to whoever needs it.
            reason: Why an attempt of this file that is open counts no more.

        Returns:
            Whether it was taken.
        """
        now = time.time()
        with self._transaction() as database:
            rows = read(database, UNITS, "id = ?", [unit])
            is_mine = owner is not None and claims.is_owned(database, unit, owner)
            # A repair may have kept a result, but not the attempt that it came from.
            is_bare = bool(rows) and rows[0]["state"] == DONE and not read(database, ATTEMPTS, "unit = ?", [unit])
            if not rows or not (is_mine or is_bare or rows[0]["state"] in (PLANNED, FAILED, LOST)):
                return False
            if any(row["unit"] != unit for row in read(database, ATTEMPTS, "tag = ?", [tag])):
                return False
            self._end_attempt(database, unit, "not needed", reason)
            # The last attempt is the one that counts.
            remove(database, ATTEMPTS, "tag = ?", [tag])
            self._begin_attempt(database, unit, tag, started=created)
            change(database, ATTEMPTS, "tag = ?", [tag], job=job, session=session, submitted=created)
            remove(database, SURPLUS, "job = ?", [job])
            if is_bare:
                change(database, ATTEMPTS, "tag = ?", [tag], outcome="done", finished=now)
                return True
            change(
                database, UNITS, "id = ?", [unit],
                state=SUBMITTED, owner=owner, reason=None, updated=now,
                attempts=lambda row: row["attempts"] + (not is_mine),
            )  # fmt: skip
            return True

    def cut(self, unit: int, parts: Sequence[NewUnit]) -> bool:
        """Replace a unit that nobody works on by others of the same items; return whether it was done."""
        with self._transaction() as database:
            rows = read(database, UNITS, "id = ? AND state = ?", [unit, PLANNED])
            if rows:
                self._dissolve(database, unit)
                self._insert(database, parts)
            return bool(rows)

    def add_surplus(self, job: str, tag: str, *, executed: bool) -> None:
        """Write down a job that nobody waits for, unless another process has taken it over meanwhile.

        Args:
            job: The job.
            tag: The tag of the attempt of this file that made it, or that of its content if another file did.
            executed: Whether it ran.
        """
        with self._transaction() as database:
            is_wanted = read(database, ATTEMPTS, "job = ? AND outcome IN ('open', 'done')", [job])
            if not is_wanted and not read(database, SURPLUS, "job = ?", [job]):
                insert(database, SURPLUS, job=job, tag=tag, executed=executed, noticed=time.time())

    def watch_anew(self, tags: Iterable[str]) -> None:
        """Write down that the service may make jobs of these attempts from now on."""
        now = moment()
        with self._transaction() as database:
            for tag in tags:
                change(database, ATTEMPTS, "tag = ?", [tag], watched=1, boot=now.boot, ticks=now.ticks)

    def close_watch(self, numbers: Iterable[int]) -> None:
        """Write down that the service can make no more jobs of these attempts."""
        with self._transaction() as database:
            for number in numbers:
                change(database, ATTEMPTS, "number = ?", [number], watched=0)

    def finish(
        self, unit: int, *, tag: str, arrays: bytes, metadata: dict[str, Any], usage_seconds: float | None
    ) -> bool:
        """Write down a result; result and state change together or not at all.

        A result that is in hand is not thrown away, so it may come from a run that has lost its claim meanwhile: it is
        one of the same unit. The first one counts, for all runs; whoever is at the unit still learns that it is done.

        Returns:
            Whether this one counts. If not, another run's result is in the journal, or the unit was dissolved.
        """
        now = time.time()
        with self._transaction() as database:
            row = self._row(database, unit)
            counts = row["state"] not in (DONE, DISSOLVED)
            if counts:
                # Where a result was dropped as damaged, the table may hold the damaged row still.
                remove(database, RESULTS, "unit = ?", [unit])
                insert(database, RESULTS, unit=unit, content=row["content"], arrays=arrays, metadata=metadata)
                change(database, UNITS, "id = ?", [unit], state=DONE, owner=None, reason=None, updated=now)
            change(
                database, ATTEMPTS, "tag = ? AND outcome != 'done'", [tag],
                outcome="done" if counts else "late", finished=now, usage_seconds=usage_seconds,
            )  # fmt: skip
            if counts:
                self._end_attempt(database, unit, "superseded", "The result of another attempt came first.")
            return counts

    def retry(self, unit: int, *, owner: str, outcome: str, reason: str) -> None:
        """Write down that an attempt came to nothing; the unit is planned again."""
        self._end(unit, owner, PLANNED, outcome, reason)

    def fail(self, unit: int, *, owner: str, outcome: str, reason: str, lost: bool = False) -> None:
        """Write down that a unit failed for good; a *lost* one is never submitted again without the user's word."""
        self._end(unit, owner, LOST if lost else FAILED, outcome, reason)

    def reset(self, unit: int, *, outcome: str, reason: str, seen: Unit | None = None) -> bool:
        """Make a unit that is not done planned again, at the user's word.

        Args:
            unit: The unit.
            outcome: What came of its attempt.
            reason: Why.
            seen: What the user decided about; if another run has done anything to it since, nothing is changed.

        Returns:
            Whether it was done.
        """
        with self._transaction() as database:
            rows = read(database, UNITS, "id = ? AND state NOT IN (?, ?)", [unit, DONE, DISSOLVED])
            if not rows:
                return False
            now = rows[0]["state"], rows[0]["owner"], rows[0]["attempts"]
            if seen is not None and now != (seen.state, seen.owner, seen.attempts):
                return False
            self._end_attempt(database, unit, outcome, reason)
            change(database, UNITS, "id = ?", [unit], state=PLANNED, owner=None, attempts=0, reason=reason)
            return True

    # Results

    def results(self, unit: int) -> tuple[bytes, dict[str, Any]] | None:
        """Return a finished unit's arrays and metadata, or ``None`` if they are missing or were changed on the disk."""
        with self._transaction(write=False) as database:
            return self._result_of(database, unit)

    def forget_result(self, unit: int, *, arrays: bytes | None = None) -> None:
        """Drop a result that was damaged on the disk; its job is known and is fetched again.

        Args:
            unit: The unit.
            arrays: What was read, if anything. What another run has put in its place meanwhile stays.
        """
        with self._transaction() as database:
            stored = self._result_of(database, unit)
            if stored is not None and stored[0] != arrays:
                return
            remove(database, RESULTS, "unit = ?", [unit])
            change(database, UNITS, "id = ? AND state = ?", [unit, DONE], state=SUBMITTED, owner=None)

    @staticmethod
    def _result_of(database: sqlite3.Connection, unit: int) -> tuple[bytes, dict[str, Any]] | None:
        row = Journal._row(database, unit)
        try:
            found = next(iter(read(database, RESULTS, "unit = ?", [unit])), None)
        except DamagedRowError:
            found = None
        if found is None or not isinstance(found["metadata"], dict):
            return None
        return (found["arrays"], found["metadata"]) if found["content"] == row["content"] else None

    # The file

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

    def _check_formula(self) -> None:
        if self._formula != KEYS_FORMULA:
            raise JournalError(
                f"The journal {self._path} was made by an older version, which named work in another way: nothing in "
                "it would be found again. What is in it can be listed, fetched and exported with 'qiskit-qml-ext jobs "
                f"{self._path}'. Use a new file for new work."
            )

    @staticmethod
    def _row(database: sqlite3.Connection, unit: int) -> Row:
        rows = read(database, UNITS, "id = ?", [unit])
        if not rows:
            raise JournalError(f"There is no unit {unit} in the journal.")
        return rows[0]

    def _end(self, unit: int, owner: str, state: str, outcome: str, reason: str) -> None:
        with self._transaction() as database:
            if not claims.is_owned(database, unit, owner):
                return
            self._end_attempt(database, unit, outcome, reason)
            change(database, UNITS, "id = ?", [unit], state=state, owner=None, reason=reason, updated=time.time())

    @staticmethod
    def _begin_attempt(
        database: sqlite3.Connection,
        unit: int,
        tag: str,
        *,
        calibration: str | None = None,
        started: float | None = None,
        watched: bool = True,
    ) -> None:
        now = moment()
        insert(
            database, ATTEMPTS, tag=tag, unit=unit, job=None, session=None, outcome="open", boot=now.boot,
            ticks=now.ticks, started=time.time() if started is None else started, submitted=None, finished=None,
            calibration=calibration, usage_seconds=None, reason=None, watched=watched,
        )  # fmt: skip

    @staticmethod
    def _end_attempt(database: sqlite3.Connection, unit: int, outcome: str, reason: str) -> None:
        now = time.time()
        change(
            database, ATTEMPTS, "unit = ? AND outcome = 'open'", [unit], outcome=outcome, reason=reason, finished=now
        )

    @staticmethod
    def _dissolve(database: sqlite3.Connection, unit: int) -> None:
        """Free a unit's items; its attempts stay on record."""
        remove(database, ITEMS, "unit = ?", [unit])
        change(database, UNITS, "id = ?", [unit], state=DISSOLVED, owner=None)

    @staticmethod
    def _insert(database: sqlite3.Connection, parts: Sequence[NewUnit]) -> None:
        now = time.time()
        for part in parts:
            content = content_of(part.keys)
            if attach(database, part, content):
                continue
            unit = insert(
                database, UNITS, kind=part.kind, target=part.target, settings=part.settings, layout=part.layout,
                content=content, num_items=len(part.keys), executions=part.executions, state=PLANNED,
                attempts=0, owner=None, reason=None, created=now, updated=now,
            )  # fmt: skip
            insert_many(database, ITEMS, [(key, unit, place) for place, key in enumerate(part.keys)])

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
                    f"The journal {self._path} is damaged: {error}. Nothing of it was used. 'qiskit-qml-ext jobs "
                    f"{self._path} check' says what is sound, and '… repair' keeps that."
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
        return f"Journal({str(self._path)!r})"
