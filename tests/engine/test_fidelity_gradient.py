"""Gradients of functions of fidelities against central differences of Qiskit's own states."""

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import StatePreparation
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.engine import Projector, expectation_jacobian
from qiskit_qml_ext.engine.fidelity_gradient import FidelityGradient
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.program import lower
from tests.engine.random_circuits import circuits

STEP = 1e-5


def fidelities(circuit, values):
    states = np.array([Statevector(circuit.assign_parameters(row)).data for row in values])
    return np.abs(states.conj() @ states.T) ** 2


def differences(circuit, values, weights):
    """Return the derivatives of Σ weights · K by the parameters of each row, one central difference each."""
    slopes = np.zeros(values.shape)
    for place in np.ndindex(*values.shape):
        ends = []
        for sign in (1, -1):
            moved = values.copy()
            moved[place] += sign * STEP
            ends.append(np.sum(weights * fidelities(circuit, moved)))
        slopes[place] = (ends[0] - ends[1]) / (2 * STEP)
    return slopes


def entangled(num_qubits, *, begin="zero"):
    """Return a circuit with shared parameters, Clifford frames, phases and a controlled rotation."""
    t = ParameterVector("t", 4)
    circuit = QuantumCircuit(num_qubits, global_phase=t[3])
    if begin == "state":
        circuit.append(StatePreparation([0.6, 0.0, 0.0, 0.8j]), [0, 1])
    if begin == "uniform":
        circuit.h(range(num_qubits))
    for qubit in range(num_qubits):
        circuit.ry(t[qubit % 3] * (qubit + 1), qubit)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.p(t[3], 0)
    circuit.rzz(t[0] * t[1], 0, num_qubits - 1)
    circuit.s(0)
    circuit.crx(t[2], 0, 1)
    circuit.y(1)
    circuit.rz(t[1], num_qubits - 1)
    circuit.rx(t[3], range(num_qubits))
    return circuit


@pytest.mark.parametrize("begin", ["zero", "uniform", "state"])
@pytest.mark.parametrize(("num_qubits", "number"), [(2, 1), (2, 3), (3, 11)])
def test_gradients_are_those_of_finite_differences(begin, num_qubits, number):
    rng = np.random.default_rng(1)
    circuit = entangled(num_qubits, begin=begin)
    values, weights = rng.uniform(-2, 2, (number, 4)), rng.normal(size=(number, number))
    source = FidelityGradient(lower(circuit), values)
    assert_allclose(source.fidelities(), fidelities(circuit, values), atol=1e-12)
    assert_allclose(source.pull_back(weights), differences(circuit, values, weights), atol=1e-8)  # 1e-16 / STEP


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own, of an evolution gate
@settings(max_examples=10, deadline=None)
@given(circuits())
def test_gradients_of_any_circuit_are_those_of_the_projector_on_the_other_state(circuit):
    rng = np.random.default_rng(2)
    values = rng.uniform(0.1, 0.9, (2, circuit.num_parameters))
    found = FidelityGradient(lower(circuit), values).pull_back(np.array([[0.0, 1.0], [0.0, 0.0]]))
    for row, other in ((0, 1), (1, 0)):
        state = Statevector(circuit.assign_parameters(values[other])).data
        _, expected = expectation_jacobian(circuit, values[row : row + 1], [Projector(state)])
        assert_allclose(found[row], expected[0, 0], atol=1e-10)


def test_threads_and_the_diagonal_change_nothing_and_single_precision_little():
    rng = np.random.default_rng(3)
    program, values, weights = lower(entangled(3)), rng.uniform(-1, 1, (40, 4)), rng.normal(size=(40, 40))
    found = FidelityGradient(program, values).pull_back(weights)
    np.testing.assert_array_equal(FidelityGradient(program, values, num_threads=4).pull_back(weights), found)
    np.testing.assert_array_equal(FidelityGradient(program, values).pull_back(weights + 5 * np.eye(40)), found)
    assert_allclose(FidelityGradient(program, values, dtype="complex64").pull_back(weights), found, atol=1e-4)


def test_states_that_do_not_fit_are_refused_before_they_are_simulated():
    with pytest.raises(StateTooLargeError, match="fidelities of 100 states of 3 qubits"):
        FidelityGradient(lower(entangled(3)), np.zeros((100, 4)), max_memory=20_000)
