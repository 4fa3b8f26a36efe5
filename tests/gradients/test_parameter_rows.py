"""Values and choices of parameters by name: the same as rows and positions."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.gradients import hessian, hvp, jacobian, jvp, metric_tensor, vjp
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(0)
ANGLES, INPUTS, A = ParameterVector("angles", 11), ParameterVector("inputs", 2), Parameter("b")
OBSERVABLES = [SparsePauliOp("ZI"), SparsePauliOp("XY")]


def circuit():
    """Names out of the order of the gates; eleven angles, whose names sort otherwise than their numbers."""
    built = QuantumCircuit(2)
    for qubit in range(2):
        built.ry(INPUTS[qubit], qubit)
    built.rx(A, 0)
    built.cx(0, 1)
    for place, angle in enumerate(ANGLES):
        (built.rz if place % 2 else built.ry)(angle, place % 2)
        built.cx(place % 2, 1 - place % 2)
    return built


CIRCUIT = circuit()
NAMES = [parameter.name for parameter in CIRCUIT.parameters]
X, W, B = RNG.uniform(0, 3, (4, 2)), RNG.uniform(0, 3, 11), RNG.uniform(0, 3)
BY_NAME = {"inputs": X, "b": B, "angles": W}


def rows():
    """By hand: each column by the name of its parameter."""
    found = np.empty((4, len(NAMES)))
    for column, name in enumerate(NAMES):
        vector, _, index = name.rstrip("]").partition("[")
        found[:, column] = {"inputs": lambda i: X[:, i], "angles": lambda i: W[i], "b": lambda _: B}[vector](
            int(index or 0)
        )
    return found


CHOSEN = ["inputs", "b"]
PLACES = [NAMES.index("inputs[0]"), NAMES.index("inputs[1]"), NAMES.index("b")]
DUAL, TANGENTS = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 3))


@pytest.mark.parametrize(
    "derivatives",
    [
        lambda values, some: jacobian(CIRCUIT, OBSERVABLES, values, parameters=some).jacobian,
        lambda values, some: vjp(CIRCUIT, OBSERVABLES, values, DUAL, parameters=some).products,
        lambda values, some: jvp(CIRCUIT, OBSERVABLES, values, TANGENTS, parameters=some).products,
        lambda values, some: hvp(CIRCUIT, OBSERVABLES, values, TANGENTS, parameters=some).products,
        lambda values, some: hessian(CIRCUIT, OBSERVABLES, values, parameters=some).matrix,
        lambda values, some: metric_tensor(CIRCUIT, values, parameters=some).matrix,
    ],
    ids=["jacobian", "vjp", "jvp", "hvp", "hessian", "metric_tensor"],
)
def test_names_mean_what_rows_and_positions_mean(derivatives):
    assert_array_equal(derivatives(BY_NAME, CHOSEN), derivatives(rows(), PLACES))


def test_names_mean_what_qiskit_binds_by_them():
    from qiskit.quantum_info import Statevector

    values = jacobian(CIRCUIT, OBSERVABLES, BY_NAME).values
    for sample, expected in zip(X, values, strict=True):
        state = Statevector(CIRCUIT.assign_parameters({INPUTS: sample, A: B, ANGLES: W}))
        np.testing.assert_allclose([state.expectation_value(one).real for one in OBSERVABLES], expected, atol=1e-12)


def test_columns_come_in_the_order_of_the_names():
    whole = jacobian(CIRCUIT, OBSERVABLES, rows()).jacobian
    chosen = ["b", "angles", "inputs[1]"]
    order = [NAMES.index(name) for name in ["b", *(f"angles[{place}]" for place in range(11)), "inputs[1]"]]
    np.testing.assert_allclose(
        jacobian(CIRCUIT, OBSERVABLES, BY_NAME, parameters=chosen).jacobian, whole[..., order], atol=1e-13
    )
    for one in ("angles", ANGLES, list(ANGLES), [parameter.name for parameter in ANGLES]):
        found = jacobian(CIRCUIT, OBSERVABLES, BY_NAME, parameters=one).jacobian
        np.testing.assert_allclose(found, whole[..., order[1:-1]], atol=1e-13)


def test_rows_and_columns_of_a_block_have_names_of_their_own():
    block = hessian(CIRCUIT, OBSERVABLES[0], BY_NAME, parameters=["b"], other_parameters="angles")
    assert (block.rows, block.columns) == (("b",), tuple(f"angles[{place}]" for place in range(11)))
    whole = hessian(CIRCUIT, OBSERVABLES[0], rows()).matrix
    order = [NAMES.index(f"angles[{place}]") for place in range(11)]
    np.testing.assert_allclose(block.matrix[:, 0], whole[:, NAMES.index("b")][:, order], atol=1e-12)


def test_leading_axes_are_broadcast():
    whole = jacobian(CIRCUIT, OBSERVABLES, {"inputs": X[:, None], "b": [0.1, 0.2, 0.3], "angles": W})
    assert whole.jacobian.shape == (4, 3, 2, 14)
    one = jacobian(CIRCUIT, OBSERVABLES, {"inputs": X[1], "b": 0.3, "angles": W})
    assert one.jacobian.shape == (2, 14)
    np.testing.assert_allclose(whole.jacobian[1, 2], one.jacobian, atol=1e-13)


def test_parameters_and_elements_of_vectors_may_be_keys_too():
    values = {A: B, "inputs[1]": X[:, 1], INPUTS[0]: X[:, 0], "angles": W}
    assert_array_equal(jacobian(CIRCUIT, OBSERVABLES, values).jacobian, jacobian(CIRCUIT, OBSERVABLES, rows()).jacobian)


def test_estimates_take_names_too():
    sampled = [
        jacobian(CIRCUIT, OBSERVABLES, values, parameters=some, connection=connect("exact", shots=100, seed=1))
        for values, some in ((BY_NAME, CHOSEN), (rows(), PLACES))
    ]
    assert_array_equal(sampled[0].jacobian, sampled[1].jacobian)


@pytest.mark.parametrize(
    ("values", "error", "match"),
    [
        ({"inputs": X, "b": B}, ValueError, r"values has no numbers for angles\[0\], angles\[1\]"),
        ({**BY_NAME, "w": 1.0}, ValueError, "values has w, which is no parameter of the circuit; it has angles"),
        ({**BY_NAME, Parameter("b"): 1.0}, ValueError, "same object"),
        ({**BY_NAME, "inputs[0]": 1.0}, ValueError, r"values has inputs\[0\] twice"),
        ({**BY_NAME, "inputs": X.T}, ValueError, r"values\['inputs'\] must have 2 numbers.*shape \(2, 4\) came"),
        ({**BY_NAME, "inputs": 1.0}, ValueError, r"values\['inputs'\] must have 2 numbers"),
        (
            {**BY_NAME, "b": np.ones(3)},
            ValueError,
            r"leading axes that do not fit together: inputs: \(4, 2\), b: \(3,\)",
        ),
        ({**BY_NAME, "b": np.nan}, ValueError, "values must be finite"),
        ({**BY_NAME, "b": "one"}, TypeError, r"values\['b'\]"),
        ({**BY_NAME, "b": 1j}, TypeError, r"values\['b'\]"),
        ({}, ValueError, "values has no numbers for"),
    ],
    ids=str,
)
def test_values_that_do_not_fit_are_refused_by_name(values, error, match):
    for call in (lambda: jacobian(CIRCUIT, OBSERVABLES, values), lambda: metric_tensor(CIRCUIT, values)):
        with pytest.raises(error, match=match):
            call()


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ("b", TypeError, "parameters must be a list of parameters"),
        ("angle", TypeError, "parameters must be a list .* The circuit has angles"),
        (A, TypeError, "parameters must be a list of parameters"),
        (["angle"], ValueError, "parameters has angle, which is no parameter"),
        (["b", "b"], ValueError, "parameters has a parameter twice: b, b"),
        (["angles", "angles[3]"], ValueError, "twice"),
        ([0, "b"], ValueError, "parameters has 0, which is no parameter"),
        ([], ValueError, "parameters must"),
        ([14], ValueError, "different positions from 0 to 13"),
    ],
    ids=str,
)
def test_choices_that_mean_nothing_are_refused(parameters, error, match):
    with pytest.raises(error, match=match):
        jacobian(CIRCUIT, OBSERVABLES, BY_NAME, parameters=parameters)
    with pytest.raises(error, match=f"other_{match}" if match.startswith("parameters") else match):
        hessian(CIRCUIT, OBSERVABLES, BY_NAME, other_parameters=parameters)
