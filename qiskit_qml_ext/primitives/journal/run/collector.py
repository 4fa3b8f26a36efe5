"""Watching submitted jobs and taking in their results."""

import time
from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.places import shown
from qiskit_qml_ext.primitives.journal.disk.records import Unit
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.run.times import Times
from qiskit_qml_ext.primitives.journal.service.faults import classify, classify_failure
from qiskit_qml_ext.primitives.journal.service.jobs import (
    CANCELLED,
    ERROR,
    FINISHED,
    RUNNING,
    JobGoneError,
    program_of,
    session_of,
    status_of,
)
from qiskit_qml_ext.primitives.journal.service.reactions import Step
from qiskit_qml_ext.primitives.journal.work.codec import EXTRACT, BadResultError, UnitResult, encode
from qiskit_qml_ext.primitives.targets.client.generations import unreadable

_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Collected:
    """What a look at a job brought."""

    moved: bool = False
    """Whether anything changed."""
    result: UnitResult | None = None
    """The result, if it is there."""
    too_large: str | None = None
    """The service's words if the unit has to be halved."""


class Collector:
    """Looks after submitted units.

    Args:
        run: What the run works with.
        times: Asks what jobs took.
    """

    def __init__(self, run: RunContext, times: Times):
        self._run = run
        self._times = times
        self._jobs: dict[str, Any] = {}
        self._failures: dict[int, int] = {}
        self._damaged: dict[int, list[Exception]] = {}
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
        if status in (ERROR, CANCELLED):
            self._times.note(unit.tag, job)  # such jobs may have cost something
        if status == ERROR:
            return self._failed(unit, job)
        if status == CANCELLED:
            # A copy of the file that submitted it may have taken it back for an older one.
            is_durable = self._run.service.is_durable
            if is_durable and self._run.reconciliation.take_over(unit, self._run.duplicates.matching(unit)):
                return Collected(moved=True)
            reason = f"The job {unit.job} was cancelled, but not by this journal. Run again to submit it again."
            self._run.journal.fail(unit.id, owner=self._run.owner, outcome="cancelled", reason=reason)
            return Collected(moved=True)
        return Collected()

    def _job(self, unit: Unit) -> Any:
        """Return a unit's job, looking for duplicates when it is met for the first time; ``None`` if there is none."""
        name = unit.job or ""
        if name in self._jobs:
            return self._jobs[name]
        job = self._job_to_wait_for(unit, name) if self._run.service.is_durable else self._fetch(name)
        if job is None:
            return None
        self._jobs[job.job_id()] = job
        return job if job.job_id() == name else None  # another one is on record now

    def _fetch(self, name: str) -> Any:
        return self._run.ask(lambda: self._run.service.fetch(name))

    def _status(self, unit: Unit, job: Any) -> str:
        """Ask for a job's status; raises :class:`JobGoneError` if it was deleted meanwhile."""
        try:
            return self._run.ask(lambda: status_of(job))
        except Exception as error:
            if not classify(error).is_network:
                self._fetch(unit.job or "")
            raise

    def _job_to_wait_for(self, unit: Unit, name: str) -> Any:
        """Return the job to wait for, when the service has several that compute the same; ``None`` for none."""
        tag = unit.tag or ""
        matching = self._run.duplicates.matching_posted(unit)
        listed = [job for job in matching.own if job.job_id() == name]
        job = listed[0] if listed else self._fetch(name)
        if len(matching.own) > 1:
            best = self._run.duplicates.choose(tag, matching.own)
            if best.job_id() != job.job_id():
                self._run.journal.submitted(unit.id, tag=tag, job=best.job_id(), session=session_of(best))
            return best
        for late, attempt in matching.late:
            if self._run.duplicates.is_free(late, attempt):
                self._run.duplicates.note(late.job_id(), attempt.tag)
        if self._run.reconciliation.take_back(unit, job, matching):
            return None
        return self._run.reconciliation.settle(unit, job, matching)

    def _gone(self, unit: Unit) -> None:
        if not self._run.service.is_durable:
            self._run.journal.retry(
                unit.id, owner=self._run.owner, outcome="gone", reason="The process that ran it ended."
            )
            return
        reason = (
            f"The service does not know the job {unit.job}: it was deleted, or this is another account or instance. It "
            "may have been paid for, so it is not submitted again by itself; 'qiskit-qml-ext jobs "
            f"{shown(self._run.journal.path)} cancel --unit {unit.id}' allows it."
        )
        self._run.journal.fail(unit.id, owner=self._run.owner, outcome="lost", reason=reason, lost=True)

    def _download(self, unit: Unit, job: Any) -> Collected:
        why = unreadable(program_of(job))
        if why is not None:
            self.given_up[unit.id] = f"{why}; until then it stays on the service"
            return Collected()
        try:
            raw = self._run.ask(job.result, self._run.policy.download_seconds)
            result = EXTRACT[unit.kind](raw, unit.layout)
        except Exception as error:
            fault = classify(error)
            broken_line = fault.is_network and not isinstance(error, TimeoutError)
            if broken_line or fault.reaction.ends_run:
                raise
            if isinstance(error, BadResultError) and not self._run.service.is_durable:
                return self._ended(unit, error)  # nothing is lost on the way: it would be the same again
            return self._not_downloaded(unit, error)
        arrays, metadata = encode(result, unit.layout)
        usage = self._times.note(unit.tag, job).used_seconds
        counts = self._run.journal.finish(
            unit.id, tag=unit.tag or "", arrays=arrays, metadata=metadata, usage_seconds=usage
        )
        self._jobs.pop(unit.job or "", None)
        # If another run's result came first, that one is read from the journal, as by every other run.
        return Collected(moved=True, result=result if counts else None)

    def _not_downloaded(self, unit: Unit, error: Exception) -> Collected:
        """A result that is damaged or does not come is fetched again; the job is never run again for it."""
        errors = self._damaged.setdefault(unit.id, [])
        errors.append(error)
        self._not_before[unit.id] = time.monotonic() + min(_LONGEST_PAUSE, 0.25 * 2 ** (len(errors) - 1))
        if len(errors) >= self._run.policy.download_tries:
            self.error = first = errors[0]  # later ones may come of asking again
            kind = "is not what was asked for" if isinstance(first, BadResultError) else "could not be downloaded"
            stays = "; it stays on the service" if self._run.service.is_durable else ""
            self.given_up[unit.id] = f"the result {kind} in {len(errors)} tries ({first}){stays}"
        return Collected()

    def _ended(self, unit: Unit, error: Exception) -> Collected:
        """Write down that a job of this machine came to nothing."""
        self.error = error
        reason = f"{type(error).__name__}: {error}"[:500]
        self._run.journal.fail(unit.id, owner=self._run.owner, outcome="failed", reason=reason)
        return Collected(moved=True)

    def _failed(self, unit: Unit, job: Any) -> Collected:
        if not self._run.service.is_durable:
            return self._ended(unit, _error_of(job))
        reason = str(self._run.ask(job.error_message) or "The service gave no reason.")
        reason = " ".join(reason.split())[:500]
        reaction = classify_failure(reason).reaction
        if reaction.step is Step.HALVE:
            return Collected(moved=True, too_large=reason)
        if reaction.step is Step.GIVE_UP:  # it would fail again
            self._run.journal.fail(unit.id, owner=self._run.owner, outcome="refused", reason=reason)
            return Collected(moved=True)
        if reaction.reopens:
            self._run.service.reopen()
        count = self._failures[unit.id] = self._failures.get(unit.id, 0) + 1
        end = self._run.journal.fail if count > self._run.policy.max_retries else self._run.journal.retry
        end(unit.id, owner=self._run.owner, outcome="failed", reason=reason)
        return Collected(moved=True)


def _error_of(job: Any) -> Exception:
    """Return the error in which a job of this machine ended."""
    try:
        job.result()
    except Exception as error:
        return error
    return RuntimeError("It says that it failed, and gives no reason.")
