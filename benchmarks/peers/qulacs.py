"""qulacs; its rotations turn the other way: RY(θ) is exp(+iθY/2)."""

from typing import Any

import numpy as np
import qulacs
from numpy.typing import NDArray

from benchmarks import inputs
from benchmarks.inputs import FEATURE_MAP_REPS, FloatArray
from benchmarks.task import Case, Task

PACKAGES = ("qulacs",)


def states(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    circuit = qulacs.ParametricQuantumCircuit(num_qubits)
    for _ in range(FEATURE_MAP_REPS):
        for qubit in range(num_qubits):
            circuit.add_H_gate(qubit)
        for qubit in range(num_qubits):
            circuit.add_parametric_RZ_gate(qubit, 0.0)
        for first, second in inputs.zz_pairs(num_qubits):
            circuit.add_CNOT_gate(first, second)
            circuit.add_parametric_RZ_gate(second, 0.0)
            circuit.add_CNOT_gate(first, second)
    x = inputs.zz_samples(case)
    state = qulacs.QuantumState(num_qubits)

    def run() -> NDArray[Any]:
        angles = -np.concatenate(inputs.zz_angles(x) * FEATURE_MAP_REPS, axis=1)
        out = np.empty((len(x), 2**num_qubits), dtype=complex)
        for row, sample in enumerate(angles.tolist()):
            for index, angle in enumerate(sample):
                circuit.set_parameter(index, angle)
            state.set_zero_state()
            circuit.update_quantum_state(state)
            out[row] = state.get_vector()
        return out

    return Task(run)


def kernel(case: Case) -> Task:
    run_states = states(case).run

    def run() -> NDArray[Any]:
        vectors = run_states()
        return np.abs(vectors.conj() @ vectors.T) ** 2

    return Task(run)


def training(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    features, weights = inputs.training_data(case)
    circuit = qulacs.ParametricQuantumCircuit(num_qubits)
    columns = []  # the parameters of the circuit, in the order of its gates
    for name, qubits, column in inputs.training_gates(num_qubits, case["layers"]):
        if name == "cx":
            circuit.add_CNOT_gate(*qubits)
        else:
            getattr(circuit, f"add_parametric_{name.upper()}_gate")(*qubits, 0.0)
            columns.append(column)
    assert columns == sorted(columns)
    observable = qulacs.Observable(num_qubits)
    observable.add_operator(1.0, "Z 0")
    state = qulacs.QuantumState(num_qubits)

    def run() -> FloatArray:
        z, jacobian = np.empty(len(features)), np.empty((len(features), len(weights)))
        for index, angle in enumerate(weights.tolist(), start=num_qubits):
            circuit.set_parameter(index, -angle)
        for row, sample in enumerate(features.tolist()):
            for index, angle in enumerate(sample):
                circuit.set_parameter(index, -angle)
            state.set_zero_state()
            circuit.update_quantum_state(state)
            z[row] = observable.get_expectation_value(state)
            jacobian[row] = circuit.backprop(observable)[num_qubits:]
        return inputs.value_and_gradient(z, -jacobian)

    return Task(run)


PREPARE = {"states": states, "kernel": kernel, "training": training}
