"""Parameter values of PUBs that nobody can have meant, found before anything is submitted.

Qiskit makes numbers of whatever comes: it drops the mask of a masked array, counts dates in nanoseconds, reads text and
forgets imaginary parts. A device would be paid for angles that are not finite.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives.containers.bindings_array import BindingsArray

from qiskit_qml_ext.checks import numeric_array

SAMPLER_VALUES, ESTIMATOR_VALUES = 1, 2
"""Where the values of a PUB stand when it comes as a tuple."""


def checked_pubs(pubs: Iterable[Any], place: int, *, angles: bool = True) -> list[Any]:
    """Return PUBs as they are, after checking that their parameter values are finite real numbers.

    Args:
        pubs: PUBs of a sampler or an estimator, of any form that Qiskit takes.
        place: :data:`SAMPLER_VALUES` or :data:`ESTIMATOR_VALUES`.
        angles: Whether to look at the numbers in the circuits' gates as well.

    Raises:
        TypeError: If values are masked, dates, text, complex or missing.
        ValueError: If values, or angles that stand in a circuit, are not finite.
    """
    given, seen = list(pubs), set()
    for number, pub in enumerate(given):
        name = f"The parameter values of PUB {number}"
        if isinstance(pub, (tuple, list)):
            circuit, values = (pub[0] if pub else None), (pub[place] if len(pub) > place else None)
        else:
            circuit, values = getattr(pub, "circuit", pub), getattr(pub, "parameter_values", None)
        if angles and isinstance(circuit, QuantumCircuit) and id(circuit) not in seen:
            check_angles(circuit)
            seen.add(id(circuit))
        check_values(name, values)
    return given


def check_values(name: str, values: Any) -> None:
    """Check parameter values: an array, or a mapping of parameters to arrays, or what Qiskit makes of these.

    Raises:
        TypeError: If they are masked, dates, text, complex or missing.
        ValueError: If they are not finite.
    """
    if values is None:
        return
    if isinstance(values, BindingsArray):
        values = values.data
    for part in values.values() if isinstance(values, Mapping) else [values]:
        numeric_array(name, part)
        array = np.asarray(part, dtype=np.float64)
        if not np.all(np.isfinite(array)):
            first = np.argwhere(~np.isfinite(array))[0].tolist()
            raise ValueError(
                f"{name} must be finite, but values{first or ''} is {array[tuple(first)]}. Fill in or drop such values."
            )


def check_angles(circuit: QuantumCircuit) -> None:
    """Check that the numbers in a circuit's own gates are finite.

    Raises:
        ValueError: If one is not; the message names the gate.
    """
    for item in circuit.data:
        for value in item.params:
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(
                    f"The gate {item.operation.name} of the circuit {circuit.name!r} has the angle {value}; angles "
                    "must be finite."
                )
