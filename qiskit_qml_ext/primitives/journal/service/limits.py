"""What the service says of its limit on the executions of a job, which it knows better than we do."""

import re

from qiskit_qml_ext.primitives.journal.service.faults import classify
from qiskit_qml_ext.primitives.journal.service.reactions import Step

_LIMIT = re.compile(r"\b(?:limit|maximum|at most|up to|more than)\b[^\d.;]{0,40}(\d[\d,]*)", re.IGNORECASE)


def limit_below(error: BaseException, executions: int) -> int | None:
    """Return how many executions a job may have at the most, by a refusal of one with more.

    Args:
        error: The client's exception when the job was to be submitted.
        executions: Of the job.

    Returns:
        The limit in the service's words, half of ``executions`` where it names none; ``None`` if it refused the job for
        another reason, or may have accepted it.
    """
    fault = classify(error)
    if fault.reaction.step is not Step.HALVE or executions < 2:
        return None
    named = (int(digits.replace(",", "")) for digits in _LIMIT.findall(fault.reason))
    return next((number for number in named if 0 < number < executions), executions // 2)
