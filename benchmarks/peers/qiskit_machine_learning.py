"""qiskit-machine-learning with its own primitives and kernels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit.library import zz_feature_map
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import Statevector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.kernels import FidelityQuantumKernel, FidelityStatevectorKernel
from qiskit_machine_learning.state_fidelities import ComputeUncompute

from benchmarks import inputs
from benchmarks.inputs import FEATURE_MAP_REPS
from benchmarks.peers.ours import qnn_task
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


PREPARE = {"states": states, "kernel": kernel, "sampled": sampled, "qnn": qnn}
