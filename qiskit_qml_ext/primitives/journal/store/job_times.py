"""What the jobs of a journal took of the processor's time, and what those on their way will take.

Every function works within a transaction on a journal's file.
"""

import math
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.job_times import JobNote, notes, write_note
from qiskit_qml_ext.primitives.journal.disk.records import LOST, says_local
from qiskit_qml_ext.primitives.journal.disk.rows import ATTEMPTS, DUPLICATES, UNITS, Row, change, read
from qiskit_qml_ext.primitives.journal.store.open_file import JournalFile
from qiskit_qml_ext.primitives.journal.store.tags import is_local
from qiskit_qml_ext.primitives.pricing.job_time import PastJob
from qiskit_qml_ext.primitives.pricing.spending import Spent

_OVERHEAD_SECONDS = 2.0
_SECONDS_AN_EXECUTION = 0.00035
"""IBM's quick formula for a job of which no more is known than its executions
(https://quantum.cloud.ibm.com/docs/guides/estimate-job-run-time)."""
_AMOUNTS = ("shots", "precision")
_OPEN = "open"
_DONE = ("done", "late")


@dataclass(frozen=True)
class JobRecord:
    """The job of an attempt, with what it was predicted to take and what it took."""

    tag: str
    """The attempt's tag."""
    unit: int
    """The unit."""
    target: str
    """The name of the target."""
    kind: str
    """``"sampler"`` or ``"estimator"``."""
    settings: dict[str, Any]
    """The unit's settings."""
    executions: int
    """Circuits times shots."""
    job: str | None
    """The job, if one is known."""
    outcome: str
    """``"open"``, ``"done"``, or why it came to nothing."""
    is_here: bool
    """Whether it ran on this machine, where nobody charges for it."""
    used_seconds: float | None
    """What the service says that it took of the processor's time, in seconds."""
    note: JobNote
    """What was noted of its time."""

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs, as far as is known."""
        return self.outcome == _OPEN

    @property
    def is_unsaid(self) -> bool:
        """Whether it ended on a service that has not said yet what it took."""
        return not self.is_here and self.job is not None and self.used_seconds is None and not self.is_open

    @property
    def reserved_seconds(self) -> float:
        """What is to be reckoned with while it is not known what it took, in seconds.

        That is what it was predicted to take, and no less than it had taken when it was looked at; where nothing was
        predicted, IBM's quick formula. A request that came to nothing before there was a job took nothing.
        """
        never_ran = self.job is None and self.outcome not in (_OPEN, LOST)
        if never_ran or (self.is_here and self.outcome not in (_OPEN, *_DONE)):
            return 0.0
        predicted = self.note.predicted_seconds
        if predicted is None:
            predicted = _OVERHEAD_SECONDS + _SECONDS_AN_EXECUTION * self.executions
        return max(predicted, self.note.partial_seconds or 0.0)


def job_records(database: sqlite3.Connection) -> list[JobRecord]:
    """Return the jobs of all attempts, in the order in which these were made."""
    units = {row["id"]: row for row in read(database, UNITS)}
    noted = notes(database)
    rows = read(database, ATTEMPTS, "1 ORDER BY number")
    return [_record(row, units[row["unit"]], noted) for row in rows if row["unit"] in units]


def past_jobs(records: Iterable[JobRecord], *, target: str, kind: str, options: Mapping[str, Any]) -> list[PastJob]:
    """Return the jobs of one kind whose time is known, with what their circuits take by the device's report.

    Options (mitigation, twirling, …) change what is executed, so only jobs with the same ones are of the same kind.

    Args:
        records: Jobs, oldest first.
        target: The name of the target.
        kind: ``"sampler"`` or ``"estimator"``.
        options: The options that are not defaults.
    """
    past = []
    for record in records:
        settings = {name: value for name, value in record.settings.items() if name not in _AMOUNTS}
        if (record.target, record.kind, settings) != (target, kind, dict(options)) or record.outcome not in _DONE:
            continue
        circuits, used = record.note.circuit_seconds, record.used_seconds
        if circuits is not None and used is not None:
            past.append(PastJob(circuits, used))
    return past


def note(database: sqlite3.Connection, tag: str, *, used_seconds: float | None, **known: float | None) -> None:
    """Write down what became known of the time of an attempt's job; see :meth:`JournalTimes.note_time`."""
    rows = read(database, ATTEMPTS, "tag = ?", [tag])
    if not rows:
        return
    if used_seconds is not None:
        change(database, ATTEMPTS, "tag = ?", [tag], usage_seconds=used_seconds)
    write_note(database, tag, **known)


def spent(database: sqlite3.Connection, *, here: bool, window_seconds: float = math.inf) -> Spent:
    """Return what the jobs of a journal took, and what is reserved for those of which it is not known.

    Jobs that the service made without being asked, and that ran, count as those of their attempts do.

    Args:
        database: The file.
        here: Whether jobs of this machine count (what they would take on the device that they stand for), or those of
            a service.
        window_seconds: Which jobs count: those that ended in the last so many seconds, or have not. By a clock that was
            set back meanwhile, more of them count; one that was set forward hides some.
    """
    records = {record.tag: record for record in job_records(database) if record.is_here == here}
    if not math.isinf(window_seconds):
        young = {row["tag"] for row in read(database, ATTEMPTS) if _age(row) <= window_seconds}
        records = {tag: record for tag, record in records.items() if tag in young}
    used = [record.used_seconds for record in records.values() if record.used_seconds is not None]
    reserved = [record.reserved_seconds for record in records.values() if record.used_seconds is None]
    for row in read(database, DUPLICATES, "executed = 1"):
        record = records.get(row["tag"])
        if record is not None:
            reserved.append(record.used_seconds or record.reserved_seconds)
    return Spent(sum(used), sum(reserved), sum(seconds > 0 for seconds in reserved))


def _age(row: Row) -> float:
    """Return how many seconds ago an attempt's job ended, by the wall clock; 0 for one that may be running."""
    ended = row["finished"]
    return 0.0 if ended is None else float(time.time() - ended)


def _record(row: Row, unit: Row, noted: Mapping[str, JobNote]) -> JobRecord:
    here = says_local(unit["settings"]) or bool(is_local(row["tag"], row["job"], watched=bool(row["watched"])))
    return JobRecord(
        row["tag"], row["unit"], unit["target"], unit["kind"], unit["settings"], unit["executions"], row["job"],
        row["outcome"], here, row["usage_seconds"], noted.get(row["tag"], JobNote()),
    )  # fmt: skip


class JournalTimes(JournalFile):
    """What a journal has on record of the time of its jobs."""

    def job_records(self) -> list[JobRecord]:
        """Return the jobs of all attempts, with what they were predicted to take and what they took."""
        with self._transaction(write=False) as database:
            return job_records(database)

    def spent(self, *, here: bool, window_seconds: float = math.inf) -> Spent:
        """Return what all jobs took of a processor's time, and what is reserved for those of which it is not known.

        Args:
            here: Whether those of this machine are meant, or those of a service.
            window_seconds: Which jobs count: those that may have run in the last so many seconds.
        """
        with self._transaction(write=False) as database:
            return spent(database, here=here, window_seconds=window_seconds)

    def note_time(self, tag: str, *, used_seconds: float | None = None, **known: float | None) -> None:
        """Write down what became known of the time of an attempt's job.

        Args:
            tag: The attempt's tag.
            used_seconds: What the service says that it took.
            **known: Fields of :class:`~qiskit_qml_ext.primitives.journal.disk.job_times.JobNote`.
        """
        with self._transaction() as database:
            note(database, tag, used_seconds=used_seconds, **known)
