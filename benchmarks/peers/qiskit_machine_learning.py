"""qiskit-machine-learning with its own primitives and kernels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit.library import zz_feature_map
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.kernels import FidelityQuantumKernel, FidelityStatevectorKernel
from qiskit_machine_learning.neural_networks import EstimatorQNN
from qiskit_machine_learning.state_fidelities import ComputeUncompute

from benchmarks import inputs
from benchmarks.epoch import NUM_CLASSES, Pull, epoch_of, in_numpy, peak_of
from benchmarks.inputs import FEATURE_MAP_REPS, FloatArray
from benchmarks.peers.ours import qiskit_circuit, qnn_task
from benchmarks.task import Case, Task

PACKAGES = ("qiskit", "qiskit-machine-learning")


def states(case: Case) -> Task:
    """What FidelityStatevectorKernel does for its states."""
    circuit = zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full")
    x = inputs.zz_samples(case)

    def run() -> NDArray[Any]:
        return np.array([Statevector(circuit.assign_parameters(row)).data for row in x])

    return Task(run)


def kernel(case: Case) -> Task:
    circuit = zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full")
    x = inputs.zz_samples(case)
    matrix = FidelityStatevectorKernel(feature_map=circuit)  # clears its cache at every call
    return Task(lambda: matrix.evaluate(x))


def sampled(case: Case) -> Task:
    circuit = zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full")
    x = inputs.zz_samples(case)
    fidelity = ComputeUncompute(sampler=StatevectorSampler(default_shots=case["shots"], seed=5))
    # Its own repair of negative eigenvalues would move entries away from what was sampled.
    matrix = FidelityQuantumKernel(feature_map=circuit, fidelity=fidelity, enforce_psd=False)
    return Task(lambda: matrix.evaluate(x))


def qnn(case: Case) -> Task:
    estimator = StatevectorEstimator()
    return qnn_task(case, estimator=estimator, gradient=ParamShiftEstimatorGradient(estimator))


def epoch(case: Case) -> Task:
    """EstimatorQNN in mini-batches, with parameter shift on the exact estimator."""
    num_qubits, plan = case["num_qubits"], epoch_of(case)
    circuit = qiskit_circuit(num_qubits, plan.gates)
    parameters, estimator = list(circuit.parameters), StatevectorEstimator()
    network = EstimatorQNN(
        circuit=circuit,
        observables=[SparsePauliOp.from_sparse_list([("Z", [k], 1.0)], num_qubits) for k in range(NUM_CLASSES)],
        input_params=parameters[:num_qubits],
        weight_params=parameters[num_qubits:],
        estimator=estimator,
        gradient=ParamShiftEstimatorGradient(estimator),
        default_precision=0.0,
    )

    def evaluate(features: FloatArray, weights: FloatArray) -> tuple[FloatArray, Pull]:
        values = network.forward(features, weights)

        def pull(cotangents: FloatArray) -> FloatArray:
            _, jacobian = network.backward(features, weights)
            return np.einsum("bk,bkw->w", cotangents, np.asarray(jacobian))

        return values, pull

    return in_numpy(plan, evaluate)


PREPARE = {
    "states": states,
    "kernel": kernel,
    "sampled": sampled,
    "qnn": qnn,
    "epoch": epoch,
    "epoch_memory": peak_of(epoch),
}
