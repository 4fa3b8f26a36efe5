"""The numbers of the quantum kernel that the findings of its diagnosis do not say."""

from qiskit_qml_ext.evaluation.outcomes.kernel_diagnosis import concentration_of, difference_of
from qiskit_qml_ext.evaluation.outcomes.record import Record

Row = tuple[str, str, str]
"""Name, value and meaning."""

# The diagnosis has its own moments and shots; on an exact target those of the health would be the same once more.
SAID_BY_THE_DIAGNOSIS = ("mean", "variance", "shots_to_resolve")


def where(record: Record) -> str:
    """Say which kernel was diagnosed, on what, and how."""
    kernel, diagnosis = record.kernel, record.diagnosis
    assert kernel is not None
    assert diagnosis is not None
    concentration = concentration_of(diagnosis)
    size = len(kernel.y) if concentration is None else concentration.num_samples
    samples = f"{size:,} samples of" if size < len(kernel.y) else f"the {size:,} samples of"
    return f"bandwidth {kernel.bandwidth:g}, simulated exactly on {samples} {kernel.place}"


def numbers(record: Record) -> list[Row]:
    """Return what the findings do not say.

    Without a diagnosis this is the kernel's health. Beside a diagnosis it is the model complexity and, if the health is
    that of an exact kernel too, those of its numbers that the diagnosis lacks; see :func:`measured`.
    """
    health = {} if record.health is None else record.health.keyed_rows()
    if record.diagnosis is None:
        return list(health.values())
    said = SAID_BY_THE_DIAGNOSIS if concentration_of(record.diagnosis) is not None else ()
    rows = [row for key, row in health.items() if key not in said] if record.settings.is_exact else []
    other = difference_of(record.diagnosis)
    # a complexity whose bound says nothing would only read as bad news about a kernel that may score well
    telling = None if other is None or other.conclusion == "quantum_bound_silent" else other
    if telling is not None and telling.quantum_complexity is not None and telling.simplest is not None:
        least, identity = telling.simplest.complexity or 0.0, telling.identity_complexity or 0.0
        meaning = f"least of the classical kernels: {_size(least)}; of the identity: {_size(identity)}"
        rows.append(("Complexity of the labels", _size(telling.quantum_complexity), meaning))
    return rows


def measured(record: Record) -> list[Row]:
    """Return the health of a sampled kernel, where a diagnosis of the exact kernel stands beside it."""
    if record.health is None or record.diagnosis is None or record.settings.is_exact:
        return []
    cost = record.hardware
    # on a target without errors the exact entries say how many shots it takes, and say it better
    said = ("shots_to_resolve",) if cost is not None and not cost.measured else ()
    return [row for key, row in record.health.keyed_rows().items() if key not in said]


def _size(complexity: float) -> str:
    return f"{complexity:,.0f}" if 100 <= complexity < 1e6 else f"{complexity:.3g}"
