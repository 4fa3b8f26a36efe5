"""Gradients of outcome probabilities in qiskit-machine-learning's interface."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.quantum_info import Statevector
from qiskit_machine_learning.neural_networks import SamplerQNN

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.gradients import AdjointSamplerGradient, ShiftSamplerGradient
from qiskit_qml_ext.gradients.outcome_derivatives import outcome_derivatives
from qiskit_qml_ext.primitives import ExactSampler, connect


def model():
    t = ParameterVector("t", 3)
    circuit = QuantumCircuit(3)
    circuit.ry(t[0], [0, 1, 2])
    circuit.crx(t[1] * t[0], 0, 1)
    circuit.cp(t[2], 1, 2)
    circuit.rx(t[1], [0, 1, 2])
    return circuit


def differences(circuit, values, step=1e-3):
    """Fourth-order central differences of Qiskit's own probabilities: step⁴ f⁽⁵⁾/30 and eps/step, below 1e-11."""

    def chances(point):
        return Statevector(circuit.assign_parameters(point)).probabilities()

    columns = []
    for unit in step * np.eye(len(values)):
        terms = [(8, 1), (-8, -1), (-1, 2), (1, -2)]
        columns.append(sum(weight * chances(values + count * unit) for weight, count in terms) / (12 * step))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("kind", [AdjointSamplerGradient, ShiftSamplerGradient])
def test_exact_gradients_are_differences_of_qiskits_probabilities(kind):
    circuit, values = model(), np.array([0.4, -0.9, 1.7])
    expected = differences(circuit, values)
    circuit.measure_all()
    found = kind().run([circuit, circuit], [values, -values], [list(circuit.parameters)[::-1]] * 2).result()
    table = np.array([[column[outcome] for outcome in range(8)] for column in found.gradients[0]])
    assert_allclose(table, expected.T[::-1], atol=1e-9)
    assert found.metadata[0]["parameters"] == list(circuit.parameters)[::-1]


def test_bits_of_the_register_may_stand_in_any_order_and_read_a_part():
    circuit, values = model(), np.array([0.4, -0.9, 1.7])
    full = differences(circuit, values).reshape(2, 2, 2, 3)  # axes: qubits 2, 1, 0
    circuit.add_register(ClassicalRegister(3, "c"))
    circuit.measure(2, 0)
    circuit.measure(0, 2)
    for connection in (connect(), connect("exact", shots=200_000, seed=1)):
        read = outcome_derivatives(circuit, values[None], connection)
        expected = full.sum(axis=1)  # qubit 2 is bit 0, qubit 0 bit 2, and bit 1 stays 0
        assert read.outcomes == (0, 1, 4, 5)
        table = np.stack([expected[outcome & 1, outcome >> 2] for outcome in read.outcomes])
        # frequencies have deviations of ½/√S at most; three uses of a parameter with Σ|c| = 1 each, 5 of them
        assert_allclose(read.jacobian[0], table, atol=1e-9 if connection.is_exact else 5 * 3 / 2 / np.sqrt(200_000))
        assert_allclose(read.probabilities.sum(axis=1), 1.0)


def test_a_sampler_network_differentiates_through_it():
    feature_map, ansatz = zz_feature_map(2, 1), real_amplitudes(2, reps=1)
    circuit = feature_map.compose(ansatz)
    network = SamplerQNN(
        circuit=circuit,
        input_params=list(feature_map.parameters),
        weight_params=list(ansatz.parameters),
        sampler=ExactSampler(),
        gradient=AdjointSamplerGradient(),
        input_gradients=True,
    )
    x, weights = np.array([[0.3, 0.8]]), np.array([0.1, -0.5, 0.7, 0.2])
    by_input, by_weight = network.backward(x, weights)
    order = [list(circuit.parameters).index(one) for one in [*feature_map.parameters, *ansatz.parameters]]
    values = np.zeros(6)
    values[order] = np.concatenate([x[0], weights])
    expected = differences(circuit, values)[:, order]
    assert_allclose(by_input[0], expected[:, :2], atol=1e-9)
    assert_allclose(by_weight[0], expected[:, 2:], atol=1e-9)


def test_a_circuit_without_one_register_is_refused():
    circuit = model()
    with pytest.raises(UnsupportedCircuitError, match=r"one classical register.*0 registers"):
        outcome_derivatives(circuit, np.zeros((1, 3)), connect())
