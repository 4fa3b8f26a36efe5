"""qiskit-qml-ext."""

import itertools
import resource
import sys
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import SparsePauliOp

from benchmarks import inputs
from benchmarks.inputs import FEATURE_MAP_REPS, FloatArray, Gate
from benchmarks.task import Case, Task
from qiskit_qml_ext.diagnostics import scaling_study
from qiskit_qml_ext.engine import expectation_vjp, statevectors
from qiskit_qml_ext.gradients import AdjointEstimatorGradient
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler
from qiskit_qml_ext.program import lower

PACKAGES = ("qiskit", "qiskit-machine-learning", "numba", "scipy")


def qiskit_circuit(num_qubits: int, gates: list[Gate]) -> QuantumCircuit:
    """A list of gates as a circuit whose parameters are the columns in order."""
    v = ParameterVector("v", 1 + max(column for _, _, column in gates))
    circuit = QuantumCircuit(num_qubits)
    for name, qubits, column in gates:
        getattr(circuit, name)(*([v[column]] if column >= 0 else []), *qubits)
    return circuit


def z0(num_qubits: int) -> SparsePauliOp:
    """Z on qubit 0."""
    return SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], num_qubits)


def states(case: Case) -> Task:
    program = lower(zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full"))
    x = inputs.zz_samples(case)
    return Task(lambda: statevectors(program, x))


def kernel(case: Case) -> Task:
    matrix = FidelityKernel(zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full"))
    x = inputs.zz_samples(case)
    return Task(lambda: matrix.evaluate(x))


def training(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    program = lower(qiskit_circuit(num_qubits, inputs.training_gates(num_qubits, case["layers"])))
    features, weights = inputs.training_data(case)
    dtype = {"double": "complex128", "single": "complex64"}[case["precision"]]
    observable, ones = z0(num_qubits), np.ones((len(features), 1))
    values = np.empty((len(features), num_qubits + len(weights)))

    def run() -> FloatArray:
        values[:, :num_qubits], values[:, num_qubits:] = features, weights
        z, gradients = expectation_vjp(program, values, observable, ones, dtype=dtype)
        return inputs.value_and_gradient(z[:, 0].real, gradients[:, num_qubits:].real)

    return Task(run)


def plateau(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    program = lower(qiskit_circuit(num_qubits, inputs.plateau_gates(num_qubits, case["layers"])))
    first, angles = inputs.plateau_angles(case)
    observable = SparsePauliOp.from_sparse_list([("ZZ", [0, 1], 1.0)], num_qubits)
    ones = np.ones((len(angles), 1))

    def run() -> FloatArray:
        values = np.concatenate([np.broadcast_to(first, (len(angles), num_qubits)), angles], axis=1)
        z, gradients = expectation_vjp(program, values, observable, ones)
        return inputs.variances(z[:, 0].real, gradients[:, num_qubits:].real)

    return Task(run)


def plateau_study(case: Case) -> Task:
    def circuit(num_qubits: int) -> QuantumCircuit:
        whole = qiskit_circuit(num_qubits, inputs.plateau_gates(num_qubits, case["layers"]))
        return whole.assign_parameters(dict.fromkeys(list(whole.parameters)[:num_qubits], np.pi / 4))

    def observable(num_qubits: int) -> SparsePauliOp:
        return SparsePauliOp.from_sparse_list([("ZZ", [0, 1], 1.0)], num_qubits)

    def run() -> FloatArray:
        study = scaling_study(
            circuit, observable, widths=range(2, case["num_qubits"] + 1), num_samples=case["samples"], seed=0
        )
        return np.array([variance.value for variance in study.variances])

    return Task(run)


def first_call(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    features, weights = inputs.training_data(case)
    numbers = itertools.count()

    def run() -> FloatArray:
        circuit = qiskit_circuit(num_qubits, inputs.new_gates(num_qubits, case["layers"], next(numbers)))
        values = np.concatenate([features, np.broadcast_to(weights, (len(features), len(weights)))], axis=1)
        z, gradients = expectation_vjp(circuit, values, z0(num_qubits), np.ones((len(features), 1)))
        return inputs.value_and_gradient(z[:, 0].real, gradients[:, num_qubits:].real)

    return Task(run)


def sampled(case: Case) -> Task:
    feature_map = zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full")
    x = inputs.zz_samples(case)

    def run() -> FloatArray:
        # A kernel never runs the same pair twice: a new one has everything to do.
        return FidelityKernel(feature_map, sampler=ExactSampler(default_shots=case["shots"], seed=3)).evaluate(x)

    return Task(run)


def qnn(case: Case) -> Task:
    return qnn_task(case, estimator=ExactEstimator(), gradient=AdjointEstimatorGradient())


def qnn_task(case: Case, **primitives: Any) -> Task:
    """Forward and backward pass of qiskit-machine-learning's EstimatorQNN."""
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    num_qubits = case["num_qubits"]
    circuit = qiskit_circuit(num_qubits, inputs.training_gates(num_qubits, case["layers"]))
    features, weights = inputs.training_data(case)
    parameters = list(circuit.parameters)
    network = EstimatorQNN(
        circuit=circuit,
        observables=z0(num_qubits),
        input_params=parameters[:num_qubits],
        weight_params=parameters[num_qubits:],
        default_precision=0.0,  # exact on both sides; otherwise it asks for noise of 1/64
        **primitives,
    )

    def run() -> FloatArray:
        z = network.forward(features, weights)
        _, jacobian = network.backward(features, weights)
        return inputs.value_and_gradient(z[:, 0], np.asarray(jacobian)[:, 0])

    return Task(run)


def memory(case: Case) -> Task:
    """The bytes of a whole kernel matrix beyond its own size: the growth of this process's largest memory so far."""
    matrix = FidelityKernel(zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full"))
    x = inputs.zz_samples(case)
    matrix.evaluate(x[:64])  # loads what is loaded once

    def run() -> FloatArray:
        before = _peak_bytes()
        result = matrix.evaluate(x)
        return np.array([max(0, _peak_bytes() - before - result.nbytes)], dtype=np.float64)

    return Task(run)


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


PREPARE = {
    "states": states,
    "kernel": kernel,
    "training": training,
    "plateau": plateau,
    "plateau_study": plateau_study,
    "first_call": first_call,
    "sampled": sampled,
    "qnn": qnn,
    "memory": memory,
}
