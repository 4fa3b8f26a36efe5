"""Which work was run on this machine: its jobs ended with their process, and no service can be asked for them."""

import re
from collections.abc import Iterable

from qiskit_qml_ext.primitives.journal.records import Attempt
from qiskit_qml_ext.primitives.journal.store import Journal
from qiskit_qml_ext.primitives.journal.tags import is_without_place

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


def local_units(journal: Journal) -> set[int]:
    """Return the units that were run, or were being run, on this machine.

    What a repair has put in the place of an attempt does not say where it was made; then it was where the others at
    the same target were.
    """
    by_unit: dict[int, list[bool | None]] = {}
    for attempt in journal.attempts():
        by_unit.setdefault(attempt.unit, []).append(_is_local(attempt))
    targets = {unit.id: unit.target for unit in journal.units()}
    here = {target for target in set(targets.values()) if _agree(_of_target(by_unit, targets, target))}
    return {
        number
        for number, answers in by_unit.items()
        if _agree(answers) or (set(answers) == {None} and targets.get(number) in here)
    }


def watched(journal: Journal) -> int:
    """Count the submissions of which the service may still make jobs that nobody waits for."""
    here = local_units(journal)
    return sum(attempt.watched and attempt.unit not in here for attempt in journal.attempts())


def _is_local(attempt: Attempt) -> bool | None:
    return is_local(attempt.tag, attempt.job, watched=attempt.watched)


def _of_target(by_unit: dict[int, list[bool | None]], targets: dict[int, str], target: str) -> list[bool | None]:
    return [answer for number, answers in by_unit.items() if targets.get(number) == target for answer in answers]


def _agree(answers: Iterable[bool | None]) -> bool:
    """Tell whether some say that it was here, and none that it was elsewhere."""
    said = {answer for answer in answers if answer is not None}
    return said == {True}
