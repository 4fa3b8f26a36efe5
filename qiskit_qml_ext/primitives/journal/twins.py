"""Jobs that exist twice although they were asked for once: found by their tag, cancelled while queued, else reported.

The client submits again by itself when the service answers 500 after it has accepted a job. Both jobs carry the tag.
"""

from functools import partial
from typing import Any

from qiskit_qml_ext.primitives.journal.deadline import Questions
from qiskit_qml_ext.primitives.journal.services import (
    CANCELLED,
    FINISHED,
    QUEUED,
    RUNNING,
    JobGoneError,
    Service,
    never_ran,
    status_of,
)
from qiskit_qml_ext.primitives.journal.store import Journal

_ORDER = {FINISHED: 0, RUNNING: 1, QUEUED: 2}


class Twins:
    """Keeps one job of each attempt and gets rid of the others.

    Args:
        service: Where the jobs are.
        journal: Where they are written down.
        ask: Runs a question to the service within the time that a question may take.
    """

    def __init__(self, service: Service, journal: Journal, ask: Questions):
        self._service = service
        self._journal = journal
        self._ask = ask
        self._known = {item.job for item in journal.surplus()}
        self._to_drop: dict[str, str] = {}

    def find(self, tag: str) -> list[Any]:
        """Return the jobs of an attempt that are not on record as surplus, oldest first."""
        jobs: list[Any] = self._ask(lambda: self._service.find(tag))
        return [job for job in reversed(jobs) if job.job_id() not in self._known]

    def choose(self, tag: str, jobs: list[Any]) -> Any:
        """Return the job to keep, the furthest one and of equals the oldest; the others are noted for dropping."""
        if len(jobs) == 1:
            return jobs[0]
        states = [self._ask(partial(status_of, job)) for job in jobs]
        best = min(range(len(jobs)), key=lambda place: (_ORDER.get(states[place], 3), place))
        for place, job in enumerate(jobs):
            if place != best:
                self._to_drop[job.job_id()] = tag
        return jobs[best]

    def drop(self) -> None:
        """Cancel the noted jobs, and write down whether they ran all the same."""
        for job_id, tag in list(self._to_drop.items()):
            executed = self._ask(partial(self._cancel, job_id))
            self._journal.add_surplus(job_id, tag, executed=executed)
            self._known.add(job_id)
            del self._to_drop[job_id]

    def sweep(self, units: list[int]) -> None:
        """Look through all jobs of the journal, while the service may still make some of attempts at these units."""
        open_ones = [attempt for attempt in self._journal.attempts(units) if attempt.watched]
        if not open_ones or not self._service.is_durable:
            return
        jobs = self._ask(lambda: self._service.find(self._journal.tag))
        attempts = {attempt.tag: attempt for attempt in self._journal.attempts()}
        for job in jobs:
            attempt = next((attempts[tag] for tag in job.tags or [] if tag in attempts), None)
            if attempt is None or job.job_id() in self._known:
                continue
            is_open = attempt.job is None and attempt.outcome == "open"  # another process is about to find it
            if job.job_id() != attempt.job and not is_open:
                self._to_drop[job.job_id()] = attempt.tag
        self.drop()

    def _cancel(self, job_id: str) -> bool:
        """Cancel a job and return whether it ran."""
        try:
            job = self._service.fetch(job_id)
        except JobGoneError:
            return False
        if status_of(job) in (QUEUED, RUNNING):
            try:
                job.cancel()
            except Exception as error:
                if type(error).__name__ != "RuntimeInvalidStateError":  # it has just finished
                    raise
            job = self._service.fetch(job_id)
        return not (status_of(job) == CANCELLED and never_ran(job))
