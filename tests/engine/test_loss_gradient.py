from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import efficient_su2, z_feature_map, zz_feature_map
from qiskit.quantum_info import Pauli, SparsePauliOp

from qiskit_qml_ext.engine import expectation_vjp, expectations, loss_gradient
from qiskit_qml_ext.engine.loss_gradient import LossGradient, LossTerms
from qiskit_qml_ext.engine.planning.encoding import split_encoding
from qiskit_qml_ext.models.losses import LOSSES
from qiskit_qml_ext.models.losses.choosing import compiled_loss
from qiskit_qml_ext.program import lower
from tests.engine.random_circuits import circuits
from tests.engine.test_expectation import all_kinds

HYPOTHESIS = settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck), derandomize=True)


class Problem:
    """A loss over samples, and the same from expectation values, NumPy's loss and a reverse pass of its own."""

    def __init__(self, circuit, weights, observables, *, samples, loss="cross_entropy", seed=0, **options):
        rng = np.random.default_rng(seed)
        self.program, self.weights, self.observables = lower(circuit), np.array(weights, dtype=np.int64), observables
        self.rows = rng.uniform(-1.5, 1.5, (samples, circuit.num_parameters))
        self.loss, self.mixing = LOSSES[loss](), rng.normal(size=(len(observables), 3))
        self.targets, self.sample_weight = rng.normal(size=(samples, 3)), rng.uniform(0.5, 2.0, samples)
        self.point = (rng.uniform(-1.5, 1.5, len(weights)), *rng.normal(size=(2, len(observables))))
        terms = LossTerms(*compiled_loss(self.loss), self.mixing, self.targets, self.sample_weight)
        self.gradient = LossGradient(self.program, self.rows, self.weights, observables, terms, **options)

    def expected(self, chosen):
        theta, scale, bias = self.point
        rows = self.rows[chosen]
        rows[:, self.weights] = theta
        values = expectations(self.program, rows, self.observables)
        losses, slopes = self.loss((values * scale + bias) @ self.mixing, self.targets[chosen])
        share = self.sample_weight[chosen] / len(chosen)
        by_value = (share[:, None] * slopes) @ self.mixing.T
        _, gradients = expectation_vjp(self.program, rows, self.observables, by_value * scale)
        return (
            share @ losses,
            gradients.sum(axis=0)[self.weights],
            (by_value * values).sum(axis=0),
            by_value.sum(axis=0),
        )

    def check(self, chosen):
        chosen = np.array(chosen)
        expected = self.expected(chosen)
        size = max(1.0, *(float(np.abs(part).max(initial=0.0)) for part in expected))
        for part, wanted in zip(self.gradient(chosen, *self.point), expected, strict=True):
            assert_allclose(part, wanted, rtol=0, atol=1e-12 * size)


def always(operators):
    """Take operators instead of states, or states, whichever is faster."""
    return patch.object(loss_gradient._OperatorCall, "pays", lambda *_: operators)


def encoding_and_rest(encoding, rest):
    """The one after the other, with parameters of their own: the circuit, and the columns of the weights."""
    x, theta = ParameterVector("a", encoding.num_parameters), ParameterVector("b", rest.num_parameters)
    circuit = encoding.assign_parameters(x).compose(rest.assign_parameters(theta))
    return circuit, [column for column, one in enumerate(circuit.parameters) if one in set(theta)]


@HYPOTHESIS
@given(circuits(max_qubits=4, max_gates=12), st.sets(st.integers(0, 3)), st.sampled_from(sorted(LOSSES)))
def test_a_step_of_any_circuit_is_the_loss_of_its_values_and_the_gradient_of_its_cotangents(circuit, weights, loss):
    columns = sorted(column for column in weights if column < circuit.num_parameters)
    observables = all_kinds(circuit.num_qubits)
    Problem(circuit, columns, observables, samples=11, loss=loss).check([3, 0, 7, 7, 10, 2, 1, 5, 9])


@HYPOTHESIS
@given(circuits(max_qubits=3, max_gates=8), circuits(max_qubits=3, max_gates=8), st.sampled_from(sorted(LOSSES)))
def test_states_kept_states_and_operators_take_the_same_step(encoding, rest, loss):
    width = max(encoding.num_qubits, rest.num_qubits)
    if any(one.operation.name == "initialize" for one in rest):
        rest = QuantumCircuit.from_instructions(
            [one for one in rest if one.operation.name != "initialize"], qubits=rest.qubits
        )
    wide = QuantumCircuit(width).compose(encoding, range(encoding.num_qubits))
    circuit, columns = encoding_and_rest(wide, QuantumCircuit(width).compose(rest, range(rest.num_qubits)))
    for operators in (False, True):
        with always(operators):
            problem = Problem(circuit, columns, all_kinds(width), samples=20, loss=loss)
            assert (problem.gradient._operators is not None) == operators
            problem.check(np.arange(20))
            problem.check([13])


@pytest.mark.parametrize("num_qubits", range(1, 13))
def test_every_width_takes_the_same_step_from_states_and_operators(num_qubits):
    encoding = zz_feature_map(num_qubits, reps=1) if num_qubits > 1 else z_feature_map(1)
    circuit, columns = encoding_and_rest(encoding, efficient_su2(num_qubits, reps=1, entanglement="linear"))
    observables = [Pauli("Z" * num_qubits), SparsePauliOp(["I" * (num_qubits - 1) + "X"], [0.7])]
    for operators in (False, True) if num_qubits < 8 else (False,):
        with always(operators):
            problem = Problem(circuit, columns, observables, samples=10)
            problem.check([4, 1, 9])
            assert operators or num_qubits < 4 or len(problem.gradient._kept)


def test_a_trained_rotation_before_the_data_leaves_nothing_to_keep():
    x, theta = ParameterVector("x", 1), ParameterVector("θ", 2)
    circuit = QuantumCircuit(1)
    circuit.ry(theta[0], 0)
    circuit.rx(x[0] * theta[1], 0)
    assert split_encoding(lower(circuit), np.array([1, 2])) is None
    problem = Problem(circuit, [1, 2], [Pauli("Z")], samples=30)
    problem.check(np.arange(30))
    assert problem.gradient._operators is None
    assert not len(problem.gradient._kept)


def test_states_that_do_not_fit_into_memory_are_not_kept_and_change_nothing():
    circuit, columns = encoding_and_rest(zz_feature_map(4), efficient_su2(4, reps=1))
    one, other = (
        Problem(circuit, columns, [Pauli("ZIIX")], samples=200, max_memory=limit) for limit in (None, 150_000)
    )
    assert one.gradient._operators is not None
    assert other.gradient._operators is None
    for part, wanted in zip(*(each.gradient(np.arange(200), *each.point) for each in (one, other)), strict=True):
        assert_allclose(part, wanted, rtol=0, atol=1e-12)


def test_many_samples_on_few_qubits_go_by_operators_and_few_samples_on_many_by_states():
    few, columns = encoding_and_rest(zz_feature_map(3), efficient_su2(3, reps=2))
    assert Problem(few, columns, [Pauli("ZII")], samples=64, num_threads=1).gradient._operators is not None
    many, columns = encoding_and_rest(zz_feature_map(8), efficient_su2(8, reps=2))
    assert Problem(many, columns, [Pauli("Z" * 8)], samples=64, num_threads=1).gradient._operators is None


@pytest.mark.parametrize("samples", [3, 64])
def test_threads_change_no_bit(samples):
    circuit, columns = encoding_and_rest(zz_feature_map(9), efficient_su2(9, reps=2))
    steps = [
        (problem := Problem(circuit, columns, [Pauli("Z" * 9)], samples=samples, num_threads=threads)).gradient(
            np.arange(samples), *problem.point
        )
        for threads in (1, 2)
    ]
    for one, other in zip(*steps, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("samples", [1, 64])
def test_an_angle_that_is_not_finite_and_an_observable_that_is_not_hermitian_are_refused(samples):
    circuit, columns = encoding_and_rest(zz_feature_map(2), efficient_su2(2, reps=1))
    problem = Problem(circuit, columns, [Pauli("ZZ")], samples=samples)
    theta, scale, bias = problem.point
    theta[0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        problem.gradient(np.arange(samples), theta, scale, bias)
    theta[0] = 0.5
    problem.check(np.arange(samples))  # the next step is as if nothing had been
    with pytest.raises(ValueError, match="Hermitian"):
        Problem(circuit, columns, [SparsePauliOp(["ZZ"], [1j])], samples=samples).gradient(
            np.arange(samples), *problem.point
        )
