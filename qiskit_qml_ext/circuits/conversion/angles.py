"""Numbers of other packages as the parameters of gates."""

import math
from typing import TypeAlias

import numpy as np
from qiskit.circuit import ParameterExpression

from qiskit_qml_ext.circuits.conversion.symbolic_argument import SymbolicArgument
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

Angle: TypeAlias = float | ParameterExpression
"""A parameter of a gate."""


def angle(value: object, what: str) -> Angle:
    """Return a number or symbol as the parameter of a gate.

    Args:
        value: A real number of any library, an array of one without axes, or a symbol.
        what: The operation, for the error.

    Raises:
        UnsupportedCircuitError: If it is several numbers, complex, infinite or no number.
    """
    one = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(one, SymbolicArgument):
        if one.imaginary:
            raise UnsupportedCircuitError(f"{what} has the angle {one!r}; angles must be real numbers.")
        return one.expression
    if isinstance(one, ParameterExpression):
        return one
    if np.ndim(one) != 0:  # type: ignore[arg-type]
        raise UnsupportedCircuitError(
            f"{what} has {np.size(one)} angles for one gate (a batch). "  # type: ignore[arg-type]
            "Convert the circuit for one sample, with shapes= for what differs between samples."
        )
    try:
        number = float(one)  # type: ignore[arg-type]
    except TypeError as error:
        raise UnsupportedCircuitError(f"{what} has the angle {one!r}; angles must be real numbers.") from error
    if not math.isfinite(number):
        raise UnsupportedCircuitError(f"{what} has the angle {number}; angles must be finite.")
    return number
