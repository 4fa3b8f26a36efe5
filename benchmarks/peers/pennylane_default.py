"""PennyLane's default.qubit with parameter broadcasting."""

from typing import Any

import numpy as np
import pennylane as qml
from numpy.typing import NDArray

from benchmarks import inputs
from benchmarks.peers.pennylane_circuits import zz_operations
from benchmarks.task import Case, Task

PACKAGES = ("pennylane",)


def states(case: Case) -> Task:
    num_qubits = case["num_qubits"]
    x = inputs.zz_samples(case)

    @qml.qnode(qml.device("default.qubit", wires=num_qubits))
    def circuit(singles: Any, doubles: Any) -> Any:
        zz_operations(singles, doubles, num_qubits)
        return qml.state()

    return Task(lambda: np.asarray(circuit(*inputs.zz_angles(x))))


def kernel(case: Case) -> Task:
    run_states = states(case).run

    def run() -> NDArray[Any]:
        vectors = run_states()
        return np.abs(vectors.conj() @ vectors.T) ** 2

    return Task(run)


PREPARE = {"states": states, "kernel": kernel}
