"""Fetching what is on the service, and taking it back, without the program that asked for it.

A journal holds no circuits, so only that program can submit the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.collector import Collector
from qiskit_qml_ext.primitives.journal.deadline import Questions
from qiskit_qml_ext.primitives.journal.ownership import Liveness, new_owner
from qiskit_qml_ext.primitives.journal.policy import Policy
from qiskit_qml_ext.primitives.journal.records import DONE, FAILED, LOST, PLANNED, SUBMITTED, SUBMITTING, Unit
from qiskit_qml_ext.primitives.journal.services import (
    CANCELLED,
    ERROR,
    FINISHED,
    runtime_job,
    status_of,
)
from qiskit_qml_ext.primitives.journal.store import Journal
from qiskit_qml_ext.primitives.journal.twins import Twins


class RuntimeAccount:
    """The jobs of an IBM account: they can be found and fetched, but nothing is submitted.

    Args:
        service: A ``QiskitRuntimeService``.
    """

    target = ""
    default: float | None = None
    is_durable = True
    more_shots = False

    def __init__(self, service: Any):
        self._service = service
        self.options: dict[str, Any] = {}

    def submit(self, pubs: Sequence[Any], *, tags: list[str], seed: int | None) -> Any:
        """Refuse: the circuits are known to the user's program only.

        Raises:
            JournalError: Always; :func:`resume` asks for results only.
        """
        raise JournalError("A journal holds no circuits: run the program that asked for this work to submit it.")

    def fetch(self, job: str) -> Any:
        """Ask the service for a job."""
        return runtime_job(self._service, job)

    def find(self, tag: str, *, since: float | None = None) -> list[Any]:
        """List the jobs with a tag."""
        after = None if since is None else datetime.fromtimestamp(since - 60)  # clocks differ
        return list(self._service.jobs(limit=None, job_tags=[tag], created_after=after))

    def reopen(self) -> None:
        """Do nothing: nothing is submitted."""

    def close(self) -> None:
        """Do nothing: nothing was opened."""

    def calibration(self) -> str | None:
        """Return nothing: nothing is submitted."""
        return None


@dataclass(frozen=True)
class Resumed:
    """What a look at the service brought.

    Attributes:
        fetched: Units whose results are in the journal now.
        waiting: Units whose jobs wait or run.
        failed: Units whose jobs failed, were cancelled or are not known any more.
        planned: Units that were never submitted.
    """

    fetched: int
    waiting: int
    failed: int
    planned: int


def resume(journal: Journal, service: Any, *, policy: Policy | None = None) -> Resumed:
    """Fetch all results that are ready into the journal.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService`` of the account that ran the jobs.
        policy: Waiting times.
    """
    policy = policy or Policy()
    account = RuntimeAccount(service)
    owner = new_owner()
    ask = Questions(policy.call_seconds, lambda: None)
    twins = Twins(account, journal, ask)
    liveness = Liveness(journal)
    collector = Collector(account, journal, twins, policy, owner=owner, ask=ask)
    before = {unit.id for unit in journal.units() if unit.state == DONE}
    try:
        for unit in journal.units():
            if unit.state not in (SUBMITTING, SUBMITTED) or not liveness.is_gone(
                unit.owner, harmless=unit.state == SUBMITTED
            ):
                continue
            if not journal.take_over(unit.id, owner=owner, gone=unit.owner):
                continue
            if unit.state == SUBMITTING and not _adopt(journal, twins, unit):
                continue
            (adopted,) = journal.units([unit.id])
            collector.collect(adopted)
        twins.drop()
    finally:
        journal.release(owner)
    states = {unit.id: unit.state for unit in journal.units()}
    return Resumed(
        fetched=sum(state == DONE and unit not in before for unit, state in states.items()),
        waiting=sum(state in (SUBMITTING, SUBMITTED) for state in states.values()),
        failed=sum(state in (FAILED, LOST) for state in states.values()),
        planned=sum(state == PLANNED for state in states.values()),
    )


def cancel(journal: Journal, service: Any, unit: Unit) -> str:
    """Cancel a unit's job and plan the unit again, for a later run of the program that asked for it.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService``; needed for units that are submitted only.
        unit: The unit.

    Returns:
        A sentence on what was done.
    """
    liveness = Liveness(journal)
    if unit.owner is not None and liveness.shows_life(unit.owner):
        return f"Unit {unit.id} is being worked on by {liveness.describe(unit.owner)}. Stop that program first."
    if unit.state == DONE:
        return f"Unit {unit.id} is done."
    if unit.state == PLANNED:
        return f"Unit {unit.id} was not submitted."
    if unit.state in (SUBMITTING, SUBMITTED):
        sentence = _cancel_jobs(RuntimeAccount(service), unit)
        if sentence is not None:
            return sentence
    journal.reset(unit.id, outcome="cancelled", reason="Cancelled by the user.")
    return f"Unit {unit.id} is planned again; the program that asked for it will submit it when it is run."


def _adopt(journal: Journal, twins: Twins, unit: Unit) -> bool:
    jobs = twins.find(unit.tag or "")
    if not jobs:
        return False
    job = twins.choose(unit.tag or "", jobs)
    journal.submitted(unit.id, tag=unit.tag or "", job=job.job_id(), session=getattr(job, "_session_id", None))
    return True


def _cancel_jobs(account: RuntimeAccount, unit: Unit) -> str | None:
    """Cancel all jobs of a unit; return why that is not possible."""
    for job in account.find(unit.tag or ""):
        if status_of(job) in (CANCELLED, ERROR):
            continue
        if status_of(job) != FINISHED:
            try:
                job.cancel()
            except Exception as error:
                if type(error).__name__ != "RuntimeInvalidStateError":  # it has just finished
                    raise
        if status_of(account.fetch(job.job_id())) == FINISHED:
            return f"The job {job.job_id()} of unit {unit.id} is finished already: 'resume' fetches its result."
    return None
