"""Watching submitted jobs and taking in their results."""

import time
from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.places import shown
from qiskit_qml_ext.primitives.journal.disk.records import Unit
from qiskit_qml_ext.primitives.journal.run.context import Tools
from qiskit_qml_ext.primitives.journal.service.faults import Meaning, understand, understand_failure
from qiskit_qml_ext.primitives.journal.service.services import (
    CANCELLED,
    ERROR,
    FINISHED,
    RUNNING,
    JobGoneError,
    status_of,
    usage_of,
)
from qiskit_qml_ext.primitives.journal.work.codec import EXTRACT, BadResultError, UnitResult, encode

_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Collected:
    """What a look at a job brought.

    Attributes:
        moved: Whether anything changed.
        result: The result, if it is there.
        too_large: The service's words if the unit has to be halved.
    """

    moved: bool = False
    result: UnitResult | None = None
    too_large: str | None = None


class Collector:
    """Looks after submitted units.

    Args:
        tools: What the run works with.
        owner: The claim of the run.
    """

    def __init__(self, tools: Tools, *, owner: str):
        self._service = tools.service
        self._journal = tools.journal
        self._twins = tools.twins
        self._reconciliation = tools.reconciliation
        self._policy = tools.policy
        self._ask = tools.ask
        self._owner = owner
        self._jobs: dict[str, Any] = {}
        self._failures: dict[int, int] = {}
        self._damaged: dict[int, int] = {}
        self._not_before: dict[int, float] = {}
        self.running: set[int] = set()
        """The units whose jobs are known to run."""
        self.given_up: dict[int, str] = {}
        """Units whose jobs are done but whose results could not be had in this run, and why."""
        self.error: BaseException | None = None

    def collect(self, unit: Unit) -> Collected:
        """Look at a unit's job and write down what became of it."""
        if time.monotonic() < self._not_before.get(unit.id, 0.0):
            return Collected()
        try:
            job = self._job(unit)
            status = None if job is None else self._status(unit, job)
        except JobGoneError:
            self._gone(unit)
            return Collected(moved=True)
        if job is None:
            return Collected(moved=True)
        if status == RUNNING:
            self.running.add(unit.id)
            return Collected()
        self.running.discard(unit.id)
        if status == FINISHED:
            return self._download(unit, job)
        if status == ERROR:
            return self._failed(unit, job)
        if status == CANCELLED:
            # A copy of the file that submitted it may have taken it back for an older one.
            if self._service.is_durable and self._reconciliation.take_over(
                unit, self._twins.kin(unit), owner=self._owner
            ):
                return Collected(moved=True)
            reason = f"The job {unit.job} was cancelled, but not by this journal. Run again to submit it again."
            self._journal.fail(unit.id, owner=self._owner, outcome="cancelled", reason=reason)
            return Collected(moved=True)
        return Collected()

    def _job(self, unit: Unit) -> Any:
        """Return a unit's job, looking for twins when it is met for the first time; ``None`` if there is none."""
        name = unit.job or ""
        if name in self._jobs:
            return self._jobs[name]
        job = self._first_look(unit, name) if self._service.is_durable else self._fetch(name)
        if job is None:
            return None
        self._jobs[job.job_id()] = job
        return job if job.job_id() == name else None  # another one is on record now

    def _fetch(self, name: str) -> Any:
        return self._ask(lambda: self._service.fetch(name))

    def _status(self, unit: Unit, job: Any) -> str:
        """Ask for a job's status; raises :class:`JobGoneError` if it was deleted meanwhile."""
        try:
            return self._ask(lambda: status_of(job))
        except Exception as error:
            if not understand(error).is_network:
                self._fetch(unit.job or "")
            raise

    def _first_look(self, unit: Unit, name: str) -> Any:
        """Return the job to wait for, when the service has several that compute the same; ``None`` for none."""
        tag = unit.tag or ""
        kin = self._twins.kin_of_posted(unit)
        listed = [job for job in kin.own if job.job_id() == name]
        job = listed[0] if listed else self._fetch(name)
        if len(kin.own) > 1:
            best = self._twins.choose(tag, kin.own)
            if best.job_id() != job.job_id():
                session = getattr(best, "_session_id", None)
                self._journal.submitted(unit.id, tag=tag, job=best.job_id(), session=session)
            return best
        for late, attempt in kin.late:
            if self._twins.is_free(late, attempt):
                self._twins.note(late.job_id(), attempt.tag)
        if self._reconciliation.take_back(unit, job, kin, owner=self._owner):
            return None
        return self._reconciliation.settle(unit, job, kin, owner=self._owner)

    def _gone(self, unit: Unit) -> None:
        if not self._service.is_durable:
            self._journal.retry(unit.id, owner=self._owner, outcome="gone", reason="The process that ran it ended.")
            return
        reason = (
            f"The service does not know the job {unit.job}: it was deleted, or this is another account or instance. It "
            "may have been paid for, so it is not submitted again by itself; 'qiskit-qml-ext jobs "
            f"{shown(self._journal.path)} cancel --unit {unit.id}' allows it."
        )
        self._journal.fail(unit.id, owner=self._owner, outcome="lost", reason=reason, lost=True)

    def _download(self, unit: Unit, job: Any) -> Collected:
        try:
            raw = self._ask(job.result, self._policy.download_seconds)
            result = EXTRACT[unit.kind](raw, unit.layout)
        except Exception as error:
            fault = understand(error)
            broken_line = fault.is_network and not isinstance(error, TimeoutError)
            if broken_line or fault.meaning is Meaning.UNAUTHORIZED:
                raise
            return self._not_downloaded(unit, error)
        arrays, metadata = encode(result, unit.layout)
        usage = self._ask(lambda: usage_of(job)) if self._service.is_durable else None
        counts = self._journal.finish(
            unit.id, tag=unit.tag or "", arrays=arrays, metadata=metadata, usage_seconds=usage
        )
        self._jobs.pop(unit.job or "", None)
        # If another run's result came first, that one is read from the journal, as by every other run.
        return Collected(moved=True, result=result if counts else None)

    def _not_downloaded(self, unit: Unit, error: Exception) -> Collected:
        """A result that is damaged or does not come is fetched again; the job is never run again for it."""
        count = self._damaged[unit.id] = self._damaged.get(unit.id, 0) + 1
        self._not_before[unit.id] = time.monotonic() + min(_LONGEST_PAUSE, 0.25 * 2 ** (count - 1))
        if count >= self._policy.download_tries:
            kind = "is not what was asked for" if isinstance(error, BadResultError) else "could not be downloaded"
            self.given_up[unit.id] = f"the result {kind} in {count} tries ({error}); it stays on the service"
            self.error = error
        return Collected()

    def _failed(self, unit: Unit, job: Any) -> Collected:
        if not self._service.is_durable:
            try:
                job.result()
            except Exception as error:
                self.error = error
                reason = f"{type(error).__name__}: {error}"
            self._journal.fail(unit.id, owner=self._owner, outcome="failed", reason=reason[:500])
            return Collected(moved=True)
        reason = str(self._ask(job.error_message) or "The service gave no reason.")
        reason = " ".join(reason.split())[:500]
        meaning = understand_failure(reason).meaning
        if meaning is Meaning.TOO_LARGE:
            return Collected(moved=True, too_large=reason)
        if meaning is Meaning.REFUSED:  # it would fail again
            self._journal.fail(unit.id, owner=self._owner, outcome="refused", reason=reason)
            return Collected(moved=True)
        if meaning is Meaning.SESSION_CLOSED:
            self._service.reopen()
        count = self._failures[unit.id] = self._failures.get(unit.id, 0) + 1
        end = self._journal.fail if count > self._policy.max_retries else self._journal.retry
        end(unit.id, owner=self._owner, outcome="failed", reason=reason)
        return Collected(moved=True)
