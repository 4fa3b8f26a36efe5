import numpy as np
import pytest
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit

from qiskit_qml_ext.program import lower

V = ParameterVector("v", 3)
A, B, C = V
Y = Parameter("y")

EXPRESSIONS = {
    "symbol": A,
    "affine": 2 * A - B / 3 + 0.5,
    "negated": -(A - 4),
    "zz": (np.pi - A) * (np.pi - B),
    "sin": A.sin(),
    "cos": (A + B).cos(),
    "tan": A.tan(),
    "arcsin": (A / 2).arcsin(),
    "arccos": (A * B).arccos(),
    "arctan": (A - 2 * B).arctan(),
    "exp": A.exp(),
    "log": (A + 1.5).log(),
    "sqrt": A**0.5,
    "square": (A - 1) ** 2,
    "cube": (A - 1) ** 3,
    "inverse": A**-1,
    "exponential": 2**A,
    "power": (A + 1) ** (B + 2),
    "power of function": A ** B.exp(),
    "abs": abs(A - B),
    "sign": (A - B).sign() * C,
    "conjugate": (A * B).conjugate(),
    "quotient": A / (B + C),
    "reciprocal": 2 / (A + B),
    "right difference": A - B.exp(),
    "left difference": B.exp() - A,
    "nested": ((A * B).sin() + C.cos() ** 2).exp().arctan() / (1 + A * A),
    "deep": (((A * B) * C) * A) * B,
    "imaginary cancels": (1j * A) * 1j + B,
    "substituted": (A + Y).subs({Y: B * C}),
    "substituted twice": (A * Y).subs({Y: B}).subs({B: C.sin()}),
    "bound": (A + Y).bind({Y: 2.0}) * B,
    "cancels": (A + B) - A + 0 * C,
}


def angle_of(expression, extra=()):
    circuit = QuantumCircuit(1)
    circuit.rx(expression, 0)
    for parameter in extra:
        circuit.rx(parameter, 0)
    return circuit, lower(circuit)


@pytest.mark.parametrize("label", sorted(EXPRESSIONS))
def test_angles_and_derivatives_match_qiskit_and_central_differences(label):
    expression = EXPRESSIONS[label]
    circuit, program = angle_of(expression, V)
    values = np.random.default_rng(5).uniform(0.2, 0.9, (7, circuit.num_parameters))
    angles = program.angles.evaluate(values)
    index = program.operations[0].angle
    for row, angle in zip(values, angles[:, index], strict=True):
        bindings = dict(zip(circuit.parameters, row, strict=True))
        assigned = expression.bind({p: bindings[p] for p in expression.parameters})
        assert angle == pytest.approx(complex(assigned).real, rel=1e-13, abs=1e-13)
    cotangents = np.zeros_like(angles)
    cotangents[:, index] = np.linspace(0.5, 2.0, len(values))
    step = 1e-6  # truncation and rounding errors of the central difference are both about 1e-10
    for column in range(circuit.num_parameters):
        shift = step * np.eye(circuit.num_parameters)[column]
        difference = (program.angles.evaluate(values + shift) - program.angles.evaluate(values - shift))[:, index]
        expected = cotangents[:, index] * difference / (2 * step)
        found = program.angles.vjp(values, cotangents)[:, column]
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (A**2 + B**2, 0.58),
        (A**0.5 - B**0.5, 0.3**0.5 - 0.7**0.5),
        ((2 / A) / (3 / B), 14 / 9),
        ((1 + A) + (-1 + A), 0.6),
        (A - A + 0.7, 0.7),
        ((A + Y).bind({Y: 0.0}), 0.3),
    ],
    ids=str,
)
def test_expressions_that_qiskit_before_2_5_2_simplifies_wrongly_are_right(expression, value):
    """Why older versions are not allowed: they run other angles, and nothing that is left of these shows it."""
    circuit, program = angle_of(expression)
    point = [{A: 0.3, B: 0.7}[parameter] for parameter in circuit.parameters]
    bound = circuit.assign_parameters(point).data[0].params[0]
    assert float(bound) == pytest.approx(value, abs=1e-13)
    assert program.angles.evaluate([point])[0, 0] == pytest.approx(value, abs=1e-13)


def test_affine_expressions_need_no_nodes():
    _, program = angle_of(2 * A - B / 3 + 0.5)
    assert program.angles.is_affine


def test_equal_angles_share_one_row():
    circuit = QuantumCircuit(2)
    circuit.rx(2 * A, 0)
    circuit.rx(A + A, 1)
    circuit.rz(A * B, 0)
    circuit.rz(B * A, 1)
    program = lower(circuit)
    assert program.angles.num_angles == 2
    assert len(program.angles.functions) == 1


def test_derivative_of_a_square_root_power_at_zero_exponent_is_zero():
    _, program = angle_of(A**0 * B)
    assert program.angles.is_affine


def test_leaving_the_domain_gives_nan():
    _, program = angle_of(A.arccos())
    angles = program.angles.evaluate([[0.5], [1.5]])
    assert np.isfinite(angles[0, 0])
    assert np.isnan(angles[1, 0])


def test_empty_batch_gives_empty_angles():
    _, program = angle_of(A * B)
    assert program.angles.evaluate(np.zeros((0, 2))).shape == (0, 1)
    assert program.angles.vjp(np.zeros((0, 2)), np.zeros((0, 1))).shape == (0, 2)


def test_wrong_shapes_are_refused():
    _, program = angle_of(A * B)
    with pytest.raises(ValueError, match=r"values must have the shape \(B, 2\).*\(1, 3\) came"):
        program.angles.evaluate([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match=r"cotangents must have the shape.*\(1, 2\) came"):
        program.angles.vjp([[1.0, 2.0]], [[1.0, 1.0]])


@pytest.mark.parametrize("label", sorted(EXPRESSIONS))
def test_jacobians_and_second_derivatives_match_central_differences(label):
    """Second derivatives against differences of first ones, which the test above compares with Qiskit's own."""
    circuit, program = angle_of(EXPRESSIONS[label], V)
    angles, step = program.angles, 1e-5
    values = np.random.default_rng(6).uniform(0.2, 0.9, (3, circuit.num_parameters))
    units = step * np.eye(circuit.num_parameters)
    each = [angles.vjp(values, np.tile(row, (3, 1))) for row in np.eye(angles.num_angles)]
    np.testing.assert_allclose(angles.jacobian(values), np.stack(each, axis=1), rtol=1e-13, atol=1e-13)
    weights = np.random.default_rng(7).normal(size=(3, angles.num_angles))
    columns = [(angles.vjp(values + unit, weights) - angles.vjp(values - unit, weights)) / (2 * step) for unit in units]
    found = angles.curvature(values, weights)
    scale = max(1.0, np.abs(found).max())
    np.testing.assert_allclose(found, np.stack(columns, axis=1), atol=1e-6 * scale)  # step² and eps/step
    with pytest.raises(ValueError, match="weights must have the shape"):
        angles.curvature(values, weights[:2])
