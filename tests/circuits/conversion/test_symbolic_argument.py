"""Stand-ins for numbers: what they compute is what numbers compute, and nothing can look at them."""

import math

import numpy as np
import pytest
from qiskit.circuit import Parameter

from qiskit_qml_ext.circuits.conversion.symbolic_argument import SymbolicArgument
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

FORMULAS = [
    lambda x: 2 + x - 1,
    lambda x: 2 - x,
    lambda x: np.float64(2) * x / 3,
    lambda x: 2 / x,
    lambda x: x / x + x * x - (x + x) - (-x) + (+x),
    lambda x: x**3 + 2**x + x**x,
    lambda x: abs(x - 3),
    lambda x: 1j * (x * 1j) / 2 + 1,
    lambda x: (1j * x).conjugate() * 1j + x.conjugate(),
    lambda x: (x / 2j) * 1j,
    *(
        lambda x, name=name: getattr(np, name)(np.array([x]))[0]
        for name in ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "exp", "log", "sqrt", "tanh", "negative")
    ),
    lambda x: np.linalg.norm(np.array([x, 2 * x])),
    lambda x: np.array([x, 1.0]) @ np.array([[1.0, 2.0], [3.0, 4.0]]) @ np.array([x, x]),
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_arithmetic_is_that_of_numbers(formula):
    parameter = Parameter("x")
    expression = formula(SymbolicArgument(parameter)).expression
    assert complex(expression.bind({parameter: 0.37})) == pytest.approx(complex(formula(np.float64(0.37))), abs=1e-15)


@pytest.mark.parametrize(
    "look",
    [
        *(bool, float, int, complex, round, math.sin, range),
        *(lambda x: x == 1, lambda x: x != 1, lambda x: x < 1, lambda x: x in [1, 2], lambda x: max(x, 0)),
        *(lambda x: x % 2, lambda x: x // 2, lambda x: np.array([x]).astype(float)),
        *(lambda x: (1 + 1j) * x, lambda x: 1j * x + 1, lambda x: 2 ** (1j * x), lambda x: (1j * x).exp()),
    ],
)
def test_what_needs_the_value_is_refused(look):
    with pytest.raises(UnsupportedCircuitError, match=r"needs the value of x|angles must be real"):
        look(SymbolicArgument(Parameter("x")))


def test_text_shows_the_expression():
    argument = SymbolicArgument(Parameter("x"))
    assert (repr(2 * argument), repr(1j * argument)) == ("2*x", "1j*(x)")
