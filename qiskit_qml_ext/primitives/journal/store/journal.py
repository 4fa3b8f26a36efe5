"""The journal: an SQLite file that knows what was asked, what was submitted and what came back."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from qiskit_qml_ext.checks.arguments import check_arguments
from qiskit_qml_ext.checks.rules import optional
from qiskit_qml_ext.checks.values import text, texts, truth_value
from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.dataset.writing import ExportReport, write_dataset
from qiskit_qml_ext.primitives.journal.disk.job_times import JobNote, write_note
from qiskit_qml_ext.primitives.journal.disk.places import shown
from qiskit_qml_ext.primitives.journal.disk.queries import located, read_chunks, units_of
from qiskit_qml_ext.primitives.journal.disk.records import (
    DISSOLVED,
    FAILED,
    LOST,
    PLANNED,
    Attempt,
    Duplicate,
    NewUnit,
    Unit,
)
from qiskit_qml_ext.primitives.journal.disk.rows import DUPLICATES, UNITS, read
from qiskit_qml_ext.primitives.journal.disk.schema import KEYS_FORMULA
from qiskit_qml_ext.primitives.journal.store import attempts, claims, job_times, lineage, planning, results
from qiskit_qml_ext.primitives.journal.store.inputs import JournalInputs
from qiskit_qml_ext.primitives.journal.store.job_times import JournalTimes
from qiskit_qml_ext.primitives.journal.store.ownership import retire
from qiskit_qml_ext.primitives.pricing.spending import TimeLimit


class Journal(JournalInputs, JournalTimes):
    """A file that remembers every unit of work sent to a device: no result is lost, no shot is paid for twice.

    Several journaled primitives, threads and processes may use one journal at the same time; they share the work.
    Work of different programs, targets and options may lie in one journal; it is kept apart by its content.

    Args:
        path: The file; it is made if there is none, readable by its owner only. A new journal begins in a file that is
            there and empty (as ``tempfile`` makes it), but not where a ``-wal`` or ``-shm`` of a journal is beside it.
        timeout: How many seconds to wait while another process writes.

    Raises:
        JournalError: If the file is not a journal, is locked, or was written by another version.
        JournalDamagedError: If it is not what was written.
    """

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

    def duplicates(self, *, tags: Iterable[str] | None = None) -> list[Duplicate]:
        """Return the jobs that nobody waits for, as they are on record."""
        with self._transaction(write=False) as database:
            rows = read(database, DUPLICATES, "1 ORDER BY tag, job")
        wanted = None if tags is None else set(tags)
        return [
            Duplicate(row["job"], row["tag"], bool(row["executed"]))
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
            return attempts.attempts_at(database, units)

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
        with self._transaction() as database:
            return planning.ensure_units(database, keys, pack, revive=revive)

    def split(self, unit: int, parts: Sequence[NewUnit], *, owner: str, reason: str) -> None:
        """Replace a unit that is too large by smaller ones."""
        with self._transaction() as database:
            planning.split(database, unit, parts, owner=owner, reason=reason)

    def cut(self, unit: int, parts: Sequence[NewUnit]) -> bool:
        """Replace a unit that nobody works on by others of the same items; return whether it was done."""
        with self._transaction() as database:
            return planning.cut(database, unit, parts)

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
        time_note: JobNote | None = None,
        limits: Sequence[TimeLimit] = (),
    ) -> bool:
        """Write down that a unit is about to be submitted.

        Args:
            unit: The unit.
            owner: Who submits it.
            tag: The tag that its job will carry.
            calibration: When the device was calibrated.
            per_minute: How many submissions a minute there may be.
            watched: Whether the service may make a job of it that nobody waits for; not so on this machine.
            time_note: What its job is predicted to take.
            limits: Limits on the time of all jobs together, this one included; they need the prediction.

        Returns:
            Whether this process may submit it now; ``False`` if another one has it or the rate is used up.

        Raises:
            BudgetExceededError: If it would go beyond one of the limits; nothing was written.
        """
        with self._transaction() as database:
            now = time.time()
            if per_minute is not None and claims.rate_pause(database, per_minute, wall=now):
                return False
            if not claims.take(database, unit, owner):
                return False
            wanted = (time_note or JobNote()).predicted_seconds
            for limit in limits:
                so_far = job_times.spent(database, here=not watched, window_seconds=limit.window_seconds)
                limit.refuse(so_far, wanted or 0.0)
            attempts.begin(database, unit, tag, started=now, calibration=calibration, watched=watched)
            write_note(database, tag, **asdict(time_note or JobNote()))
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
            attempts.withdraw(database, unit, tag=tag, owner=owner)

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
        with self._transaction() as database:
            return attempts.note_submitted(database, unit, tag=tag, job=job, session=session, owner=owner)

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
        with self._transaction() as database:
            return attempts.adopt(
                database, unit, tag=tag, job=job, session=session, created=created, owner=owner, reason=reason
            )

    def add_duplicate(self, job: str, tag: str, *, executed: bool) -> None:
        """Write down a job that nobody waits for, unless another process has taken it over meanwhile.

        Args:
            job: The job.
            tag: The tag of the attempt of this file that made it, or that of its content if another file did.
            executed: Whether it ran.
        """
        with self._transaction() as database:
            attempts.add_duplicate(database, job, tag, executed=executed)

    def unknown(self) -> list[str]:
        """Return the jobs of this journal that match no work of this file, as far as it was asked for them."""
        with self._transaction(write=False) as database:
            return lineage.unknown(database)

    def note_unknown(self, jobs: Sequence[str]) -> None:
        """Write down jobs of this journal that match no work of this file."""
        if not set(jobs) <= set(self.unknown()):
            with self._transaction() as database:
                lineage.note_unknown(database, jobs)

    def watch_anew(self, tags: Iterable[str]) -> None:
        """Write down that the service may make jobs of these attempts from now on."""
        with self._transaction() as database:
            attempts.watch_anew(database, tags)

    def close_watch(self, numbers: Iterable[int]) -> None:
        """Write down that the service can make no more jobs of these attempts."""
        with self._transaction() as database:
            attempts.close_watch(database, numbers)

    def finish(
        self, unit: int, *, tag: str, arrays: bytes, metadata: dict[str, Any], usage_seconds: float | None
    ) -> bool:
        """Write down a result; result and state change together or not at all.

        A result that is in hand is not thrown away, so it may come from a run that has lost its claim meanwhile: it is
        one of the same unit. The first one counts, for all runs; whoever is at the unit still learns that it is done.

        Returns:
            Whether this one counts. If not, another run's result is in the journal, or the unit was dissolved.
        """
        with self._transaction() as database:
            return results.finish(
                database, unit, tag=tag, arrays=arrays, metadata=metadata, usage_seconds=usage_seconds
            )

    def retry(self, unit: int, *, owner: str, outcome: str, reason: str) -> None:
        """Write down that an attempt came to nothing; the unit is planned again."""
        with self._transaction() as database:
            attempts.come_to_nothing(database, unit, owner=owner, state=PLANNED, outcome=outcome, reason=reason)

    def fail(self, unit: int, *, owner: str, outcome: str, reason: str, lost: bool = False) -> None:
        """Write down that a unit failed for good; a *lost* one is never submitted again without the user's word."""
        state = LOST if lost else FAILED
        with self._transaction() as database:
            attempts.come_to_nothing(database, unit, owner=owner, state=state, outcome=outcome, reason=reason)

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
            return attempts.reset(database, unit, outcome=outcome, reason=reason, seen=seen)

    # Results

    def results(self, unit: int) -> tuple[bytes, dict[str, Any]] | None:
        """Return a finished unit's arrays and metadata, or ``None`` if they are missing or were changed on the disk."""
        with self._transaction(write=False) as database:
            return results.result_of(database, unit)

    @check_arguments(job_ids=truth_value, title=text, creators=texts, license=optional(text))
    def export(
        self,
        folder: str | os.PathLike[str],
        *,
        job_ids: bool = False,
        title: str = "Measured circuits",
        creators: Sequence[str] = (),
        license: str | None = None,
    ) -> ExportReport:
        """Write everything into a new folder, as a data set for others to read, cite and replay.

        It holds the circuits as QPY and OpenQASM 3, the values of their parameters, every shot or expectation value
        with its error, options, versions of packages, what the device reported of itself, a checksum for each file, a
        description and a schema. Credentials, accounts, instances, tags, sessions and paths are not in it. What the
        journal does not know (work not finished; circuits of journals that were begun before they were kept) is named.

        Args:
            folder: The new folder.
            job_ids: Whether the service's names of the jobs go into it.
            title: The data set's title.
            creators: Whose data it is, for its citation: a list of names.
            license: Under which license it is given, by its SPDX identifier (such as ``"CC-BY-4.0"``).

        Returns:
            What was written and what was not.

        Raises:
            TypeError: If an argument is of a wrong kind: one name alone is no list.
            ValueError: If a name, the title or the license is empty.
            JournalError: If the folder exists or cannot be written, or something private stands in a name or a label.
        """
        return write_dataset(self, self.path, folder, job_ids=job_ids, title=title, creators=creators, license=license)

    def without_results(self) -> list[int]:
        """Return the numbers of the units that are done, but whose results are missing in the file."""
        with self._transaction(write=False) as database:
            return results.missing(database)

    def forget_result(self, unit: int, *, arrays: bytes | None = None) -> None:
        """Drop a result that was damaged on the disk; its job is known and is fetched again.

        Args:
            unit: The unit.
            arrays: What was read, if anything. What another run has put in its place meanwhile stays.
        """
        with self._transaction() as database:
            results.forget(database, unit, arrays=arrays)

    def _check_formula(self) -> None:
        if self._formula != str(KEYS_FORMULA):
            raise JournalError(
                f"The journal {self._path} was made by an older version, which named work in another way: nothing in "
                "it would be found again. What is in it can be listed, fetched and exported with 'qiskit-qml-ext jobs "
                f"{shown(self._path)}'. Use a new file for new work."
            )
