"""Which work was run on this machine: its jobs ended with their process, and no service can be asked for them."""

from qiskit_qml_ext.primitives.journal.disk.records import DONE, SUBMITTED, SUBMITTING, Unit, says_local
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.ownership import Liveness, Risk
from qiskit_qml_ext.primitives.journal.store.tags import is_local


def local_units(journal: Journal) -> set[int]:
    """Return the units that were run, are being run or will be run on this machine."""
    answers: dict[int, set[bool | None]] = {}
    for attempt in journal.attempts():
        answer = is_local(attempt.tag, attempt.job, watched=attempt.watched)
        answers.setdefault(attempt.unit, set()).add(answer)
    # Journals of the first schema, and records that were damaged, say it by their attempts only.
    by_attempts = {number for number, said in answers.items() if True in said and False not in said}
    return by_attempts | {unit.id for unit in journal.units() if says_local(unit.settings)}


def died_with_its_process(unit: Unit, liveness: Liveness) -> bool:
    """Tell whether a unit of this machine was under way in a process that is gone, so that it has to be run again.

    Args:
        unit: A unit that runs on this machine.
        liveness: Tells which processes are gone.
    """
    return unit.state in (SUBMITTING, SUBMITTED) and liveness.is_gone(unit.owner, Risk.SECOND_RUN)


def is_known(unit: Unit, liveness: Liveness, *, durable: bool) -> bool:
    """Tell whether a run that needs a unit takes or awaits its result, instead of running it.

    Args:
        unit: The unit.
        liveness: Tells which processes are gone.
        durable: Whether its jobs live on without the process that submitted them.
    """
    if unit.state in (SUBMITTING, SUBMITTED):
        return durable or not died_with_its_process(unit, liveness)
    return unit.state == DONE


def watched(journal: Journal) -> int:
    """Count the submissions of which the service may still make jobs that nobody waits for."""
    here = local_units(journal)
    return sum(attempt.watched and attempt.unit not in here for attempt in journal.attempts())
