"""SymPy's expressions as Qiskit's, by walking over them: nothing is evaluated as text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from qiskit.circuit import Parameter, ParameterExpression

from qiskit_qml_ext.circuits.conversion.angles import Angle, angle
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    import sympy

Function = Callable[[ParameterExpression], ParameterExpression]


def qiskit_expression(value: object, parameters: Mapping[str, Parameter], what: str) -> Angle:
    """Return a number or a SymPy expression as the parameter of a gate.

    Args:
        value: A real number or an expression.
        parameters: The parameter of each symbol, by its name.
        what: The operation, for the error.

    Raises:
        UnsupportedCircuitError: If it is complex, infinite, or has a function that Qiskit's expressions lack.
    """
    import sympy

    if not isinstance(value, sympy.Basic):
        return angle(value, what)
    if isinstance(value, sympy.Symbol):
        return parameters[value.name]
    if not value.free_symbols:
        return _number(value, what)
    parts = [qiskit_expression(part, parameters, what) for part in value.args]
    if isinstance(value, sympy.Add):
        return functools.reduce(lambda left, right: left + right, parts)
    if isinstance(value, sympy.Mul):
        return functools.reduce(lambda left, right: left * right, parts)
    if isinstance(value, sympy.Pow):
        return parts[0] ** parts[1]
    function = _functions().get(type(value))
    if function is None:
        raise UnsupportedCircuitError(
            f"{what} has the angle {value}, and {type(value).__name__} is no function of Qiskit's expressions. "
            "Put a symbol in its place, and compute its values yourself."
        )
    return function(parts[0])


def _number(value: sympy.Basic, what: str) -> Angle:
    number = complex(value)
    if number.imag != 0:
        raise UnsupportedCircuitError(f"{what} has the angle {value}; angles must be real numbers.")
    return angle(number.real, what)


@functools.cache
def _functions() -> Mapping[type, Function]:
    import sympy

    return {
        sympy.sin: ParameterExpression.sin,
        sympy.cos: ParameterExpression.cos,
        sympy.tan: ParameterExpression.tan,
        sympy.asin: ParameterExpression.arcsin,
        sympy.acos: ParameterExpression.arccos,
        sympy.atan: ParameterExpression.arctan,
        sympy.exp: ParameterExpression.exp,
        sympy.log: ParameterExpression.log,
        sympy.Abs: ParameterExpression.abs,
        sympy.sign: ParameterExpression.sign,
        sympy.conjugate: ParameterExpression.conjugate,
    }
