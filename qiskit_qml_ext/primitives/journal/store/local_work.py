"""Which work was run on this machine: its jobs ended with their process, and no service can be asked for them."""

import re
from collections.abc import Mapping

from qiskit_qml_ext.primitives.journal.disk.records import DONE, SUBMITTED, SUBMITTING, Unit
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.ownership import Liveness, Risk
from qiskit_qml_ext.primitives.journal.store.tags import is_without_place

_SERVICE_ID = re.compile(r"[a-z0-9]{15,24}")
"""Ids of IBM's service; those that simulators give their jobs have dashes or colons in them, or are numbers."""


def is_local(tag: str, job: str | None, *, watched: bool) -> bool | None:
    """Tell whether an attempt was made on this machine; ``None`` if it does not say.

    Args:
        tag: The attempt's tag.
        job: Its job.
        watched: Whether the service may still make jobs of it. Of what runs here no service is ever suspected.
    """
    placeless = is_without_place(tag)
    if placeless is False:
        return False
    if job:
        return not _SERVICE_ID.fullmatch(job)
    return None if placeless is None else not watched


def says_local(settings: Mapping[str, object]) -> bool:
    """Tell whether a unit's settings are those of a primitive on this machine: they say what the primitive holds."""
    return "content" in settings


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
