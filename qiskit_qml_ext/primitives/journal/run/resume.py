"""Fetching what is on the service, and taking it back, without the program that asked for it.

A journal holds no circuits, so only that program can submit the rest.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.records import DONE, FAILED, LOST, PLANNED, SUBMITTED, SUBMITTING, Unit
from qiskit_qml_ext.primitives.journal.run.collector import Collector
from qiskit_qml_ext.primitives.journal.run.context import Tools
from qiskit_qml_ext.primitives.journal.run.duplicates import cancel as cancel_job
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.run.reconcile import Reconciliation
from qiskit_qml_ext.primitives.journal.service.services import (
    CANCELLED,
    ERROR,
    FINISHED,
    runtime_job,
    runtime_jobs,
    status_of,
)
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.local_work import local_units
from qiskit_qml_ext.primitives.journal.store.ownership import Liveness, Risk, new_owner
from qiskit_qml_ext.primitives.journal.store.tags import place_of


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
        listed = service.instances() if hasattr(service, "instances") else []
        self._instances: list[str | None] = [item["crn"] for item in listed] or [None]
        self.places = tuple(place_of(instance) for instance in self._instances)

    def submit(self, pubs: Sequence[Any], *, tags: list[str], seed: int | None) -> Any:
        """Refuse: the circuits are known to the user's program only.

        Raises:
            JournalError: Always; :func:`resume` asks for results only.
        """
        raise JournalError("A journal holds no circuits: run the program that asked for this work to submit it.")

    def fetch(self, job: str) -> Any:
        """Ask the service for a job."""
        return runtime_job(self._service, job)

    def find(self, tag: str, known: Collection[str] = ()) -> list[Any]:
        """List the jobs with a tag on all instances of the account."""
        return [job for instance in self._instances for job in runtime_jobs(self._service, tag, instance, known)]

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
        waiting: Units whose jobs wait or run on the service.
        failed: Units whose jobs failed, were cancelled or are not known any more.
        planned: Units that were never submitted.
        adopted: Jobs that the file did not know and that are waited for now.
        unknown: Jobs of the journal that the file does not know and that match none of its work.
        busy: Sentences on the units that other processes work on, which were left to them.
    """

    fetched: int
    waiting: int
    failed: int
    planned: int
    adopted: int = 0
    unknown: int = 0
    busy: tuple[str, ...] = ()


def resume(
    journal: Journal, service: Any, *, policy: Policy | None = None, liveness: Liveness | None = None
) -> Resumed:
    """Fetch all results that are ready into the journal.

    Work that was run on this machine is left to the program that asked for it.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService`` of the account that ran the jobs.
        policy: Waiting times.
        liveness: What earlier looks have seen of other processes: one that cannot be seen from here is given up after
            it has been seen to be silent for a while.
    """
    policy = policy or Policy()
    account = RuntimeAccount(service)
    owner = new_owner()
    tools = Tools.of(account, journal, policy)
    reconciliation, collector = tools.reconciliation, Collector(tools, owner=owner)
    liveness, busy = liveness or Liveness(journal), list[str]()
    before = {unit.id for unit in journal.units() if unit.state == DONE}
    here = local_units(journal)
    try:
        reconciliation.look()
        tools.twins.begin_pass()
        for unit in journal.units():
            if unit.state not in (SUBMITTING, SUBMITTED) or unit.is_unrecorded or unit.id in here:
                continue
            if unit.owner is not None and not liveness.is_gone(unit.owner, Risk.of(unit.state, durable=True)):
                busy.append(f"Unit {unit.id} is being worked on by {liveness.describe(unit.owner)}.")
                continue
            if not journal.take_over(unit.id, owner=owner, gone=unit.owner):
                continue
            if unit.state == SUBMITTING and not _adopt(tools, unit, owner):
                continue
            for _ in range(2):  # the first look may put another job on record
                (adopted,) = journal.units([unit.id])
                if adopted.state == SUBMITTED:
                    collector.collect(adopted)
        tools.twins.drop()
    finally:
        journal.release(owner)
    states = {unit.id: unit.state for unit in journal.units() if not unit.is_unrecorded}
    return Resumed(
        fetched=sum(state == DONE and unit not in before for unit, state in states.items()),
        waiting=sum(state in (SUBMITTING, SUBMITTED) for unit, state in states.items() if unit not in here),
        failed=sum(state in (FAILED, LOST) for state in states.values()),
        planned=sum(state == PLANNED for state in states.values()),
        adopted=len(reconciliation.adopted),
        unknown=len(reconciliation.unplaced),
        busy=tuple(busy),
    )


def look(journal: Journal, service: Any, *, policy: Policy | None = None) -> list[str]:
    """Hold a journal's file against the service once: take over what it needs, and note what nobody waits for.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService`` of the account that ran the jobs.
        policy: Waiting times.

    Returns:
        The jobs of the journal that the file does not know and that match none of its work.
    """
    return [stray.id for stray in _looked(journal, service, policy).unplaced]


def disown(journal: Journal, service: Any, *, policy: Policy | None = None) -> list[str]:
    """Say that the jobs which the file does not know, and which match none of its work, shall not be waited for.

    They stay on record as jobs that nobody waits for. Should the same be asked for some day, they are taken over.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService`` of the account that ran the jobs.
        policy: Waiting times.

    Returns:
        The jobs.
    """
    return _looked(journal, service, policy).disown()


def _looked(journal: Journal, service: Any, policy: Policy | None) -> Reconciliation:
    reconciliation = Tools.of(RuntimeAccount(service), journal, policy or Policy()).reconciliation
    reconciliation.look()
    return reconciliation


def cancel(journal: Journal, service: Any, unit: Unit) -> str:
    """Cancel a unit's job and plan the unit again, for a later run of the program that asked for it.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService``; needed for units that are submitted to the service only.
        unit: The unit.

    Returns:
        A sentence on what was done.
    """
    liveness = Liveness(journal)
    if unit.is_unrecorded:
        return f"Unit {unit.id}: {kept(unit)} Nothing is cancelled."
    if unit.owner is not None and liveness.shows_life(unit.owner):
        return f"Unit {unit.id} is being worked on by {liveness.describe(unit.owner)}. Stop that program first."
    if unit.state == DONE:
        return f"Unit {unit.id} is done."
    if unit.state == PLANNED:
        return f"Unit {unit.id} was not submitted."
    cancelled = list[str]()
    if unit.state in (SUBMITTING, SUBMITTED) and unit.id not in local_units(journal):
        sentence = _cancel_jobs(RuntimeAccount(service), unit, cancelled)
        if sentence is not None:
            return sentence
    if not journal.reset(unit.id, outcome="cancelled", reason="Cancelled by the user.", seen=unit):
        return f"Unit {unit.id} was changed by another program meanwhile, or is no more. Look at it again."
    jobs = f"Job{'s' * (len(cancelled) > 1)} {', '.join(cancelled)} cancelled. " if cancelled else ""
    return f"{jobs}Unit {unit.id} is planned again; the program that asked for it will submit it when it is run."


def kept(unit: Unit) -> str:
    """Say what there is of a unit whose record was damaged."""
    what = "its result is" if unit.state == DONE else "what is known of its jobs is"
    return (
        f"its record was damaged, but {what} in the journal and comes back when the program that asked for it is run "
        "again."
    )


def _adopt(tools: Tools, unit: Unit, owner: str) -> bool:
    tag = unit.tag or ""
    kin = tools.twins.kin(unit)
    if not kin.own:
        return tools.reconciliation.take_over(unit, kin, owner=owner)
    job = tools.twins.choose(tag, kin.own)
    session = getattr(job, "_session_id", None)
    return tools.journal.submitted(unit.id, tag=tag, job=job.job_id(), session=session, owner=owner)


def _cancel_jobs(account: RuntimeAccount, unit: Unit, cancelled: list[str]) -> str | None:
    """Cancel all jobs of a unit and add their ids to a list; return why that is not possible."""
    for job in account.find(unit.tag or ""):
        if status_of(job) in (CANCELLED, ERROR):
            continue
        if status_of(job) != FINISHED:
            cancel_job(job)
        if status_of(account.fetch(job.job_id())) == FINISHED:
            return f"The job {job.job_id()} of unit {unit.id} is finished already: 'resume' fetches its result."
        cancelled.append(job.job_id())
    return None
