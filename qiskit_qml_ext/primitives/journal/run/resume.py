"""Fetching what is on the service, and taking it back, without the program that asked for it.

A journal holds no circuits, so only that program can submit the rest.
"""

from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.records import DONE, FAILED, LOST, PLANNED, SUBMITTED, SUBMITTING, Unit
from qiskit_qml_ext.primitives.journal.run.collector import Collector
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.run.reconcile import Reconciliation
from qiskit_qml_ext.primitives.journal.run.times import Times
from qiskit_qml_ext.primitives.journal.service.account import RuntimeAccount
from qiskit_qml_ext.primitives.journal.service.jobs import CANCELLED, ERROR, FINISHED, session_of, status_of
from qiskit_qml_ext.primitives.journal.service.jobs import cancel as cancel_job
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.local_work import local_units
from qiskit_qml_ext.primitives.journal.store.ownership import Liveness, Risk


@dataclass(frozen=True)
class Resumed:
    """What the service was asked for, and what came of it."""

    fetched: int
    """Units whose results are in the journal now."""
    waiting: int
    """Units whose jobs wait or run on the service."""
    failed: int
    """Units whose jobs failed, were cancelled or are not known any more."""
    planned: int
    """Units that were never submitted."""
    adopted: int = 0
    """Jobs that the file did not know and that are waited for now."""
    unknown: int = 0
    """Jobs of the journal that the file does not know and that match none of its work."""
    busy: tuple[str, ...] = ()
    """Sentences on the units that other processes work on, which were left to them."""


def resume(
    journal: Journal, service: Any, *, policy: Policy | None = None, liveness: Liveness | None = None
) -> Resumed:
    """Fetch all results that are ready into the journal.

    Work that was run on this machine is left to the program that asked for it.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService`` of the account that ran the jobs.
        policy: Waiting times.
        liveness: What was seen earlier of other processes: one that cannot be seen from here is given up after
            it has been seen to be silent for a while.
    """
    run = RunContext.of(RuntimeAccount(service), journal, policy)
    times = Times(run)
    reconciliation, collector = run.reconciliation, Collector(run, times)
    liveness, busy = liveness or Liveness(journal), list[str]()
    before = {unit.id for unit in journal.units() if unit.state == DONE}
    here = local_units(journal)
    try:
        reconciliation.reconcile()
        run.duplicates.begin_pass()
        for unit in journal.units():
            if unit.state not in (SUBMITTING, SUBMITTED) or unit.is_unrecorded or unit.id in here:
                continue
            if unit.owner is not None and not liveness.is_gone(unit.owner, Risk.of(unit.state, durable=True)):
                busy.append(f"Unit {unit.id} is being worked on by {liveness.describe(unit.owner)}.")
                continue
            if not journal.take_over(unit.id, owner=run.owner, gone=unit.owner):
                continue
            if unit.state == SUBMITTING and not _adopt(run, unit):
                continue
            for _ in range(2):  # the first time may put another job on record
                (adopted,) = journal.units([unit.id])
                if adopted.state == SUBMITTED:
                    collector.collect(adopted)
        run.duplicates.drop()
        times.settle()
    finally:
        journal.release(run.owner)
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


def settle_times(journal: Journal, service: Any, *, policy: Policy | None = None) -> None:
    """Ask what jobs took that ended before the service said it, and write it down.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService`` of the account that ran the jobs.
        policy: Waiting times.
    """
    Times(RunContext.of(RuntimeAccount(service), journal, policy)).settle()


def reconcile(journal: Journal, service: Any, *, policy: Policy | None = None) -> list[str]:
    """Hold a journal's file against the service once: take over what it needs, and note what nobody waits for.

    Args:
        journal: The journal.
        service: A ``QiskitRuntimeService`` of the account that ran the jobs.
        policy: Waiting times.

    Returns:
        The jobs of the journal that the file does not know and that match none of its work.
    """
    return [stray.id for stray in _reconciled(journal, service, policy).unplaced]


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
    return _reconciled(journal, service, policy).disown()


def _reconciled(journal: Journal, service: Any, policy: Policy | None) -> Reconciliation:
    reconciliation = RunContext.of(RuntimeAccount(service), journal, policy).reconciliation
    reconciliation.reconcile()
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


def _adopt(run: RunContext, unit: Unit) -> bool:
    tag = unit.tag or ""
    matching = run.duplicates.matching(unit)
    if not matching.own:
        return run.reconciliation.take_over(unit, matching)
    job = run.duplicates.choose(tag, matching.own)
    return run.journal.submitted(unit.id, tag=tag, job=job.job_id(), session=session_of(job), owner=run.owner)


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
