"""The metric tensor against 10-digit values that were found with inserted generators, independent of the package."""

import numpy as np
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.gradients import metric_tensor


def metric(circuit, point):
    return np.asarray(metric_tensor(circuit, point))


def test_metric_with_a_controlled_rotation():
    theta = ParameterVector("t", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(theta[0], 0)
    circuit.rx(theta[1], 1)
    circuit.cry(theta[2], 0, 1)
    found = metric(circuit, [0.4, 0.9, 1.3])
    assert_allclose(found, np.diag([0.25, 0.25, 0.0096284024]), atol=1e-10)


def test_metric_with_two_layers():
    theta = ParameterVector("t", 6)
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(theta[qubit], qubit)
    circuit.cz(0, 1)
    circuit.cz(1, 2)
    for qubit in range(3):
        circuit.rx(theta[3 + qubit], qubit)
    found = metric(circuit, 0.1 + 0.2 * np.arange(6))
    block = [
        [0.2477259259, -0.0061527940, 0.0010449884],
        [-0.0061527940, 0.2333528405, -0.0295472866],
        [0.0010449884, -0.0295472866, 0.1975560892],
    ]
    assert_allclose(found[3:, 3:], block, atol=1e-10)
    assert_allclose(found[:3, :3], np.eye(3) / 4, atol=1e-12)


def test_metric_with_shared_parameters_and_products_of_them():
    beta, gamma = Parameter("b"), Parameter("g")
    circuit = QuantumCircuit(3)
    circuit.h([0, 1, 2])
    circuit.rzz(gamma, 0, 1)
    circuit.rzz(2 * gamma, 1, 2)
    circuit.rz(gamma * beta, 0)
    circuit.rx(beta, [0, 1, 2])
    assert_allclose(metric(circuit, [0.8, 0.6]), [[1.0605522051, 0.12], [0.12, 1.41]], atol=1e-10)


def test_metric_is_how_fast_the_overlap_falls_averaged_over_samples():
    x, theta = ParameterVector("x", 2), ParameterVector("y", 3)
    circuit = QuantumCircuit(2, global_phase=theta[2])
    circuit.ry(theta[0] * x[0] + 0.3, 0)
    circuit.cp(theta[1], 0, 1)
    circuit.rxx(x[1] + theta[2], 0, 1)
    circuit.ry(theta[0], 1)
    rows = np.random.default_rng(1).normal(size=(4, 5))
    found = np.asarray(metric_tensor(circuit, rows, parameters=[2, 3, 4])).mean(axis=0)
    direction, step, overlaps = np.array([0.5, -0.8, 0.3]), 1e-3, []
    for row in rows:
        moved = [Statevector(circuit.assign_parameters([*row[:2], *(row[2:] + s * direction)])) for s in (-step, step)]
        overlaps.append(abs(moved[0].inner(moved[1])) ** 2)
    # 1 - overlap = d' g d for the step of 2 · step, up to its fourth power
    assert_allclose(direction @ found @ direction, (1 - np.mean(overlaps)) / (2 * step) ** 2, rtol=1e-4)
