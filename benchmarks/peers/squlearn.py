"""sQUlearn's fidelity kernel and its low-level network; of its executors qulacs is the fastest."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import zz_feature_map
from squlearn import Executor
from squlearn.encoding_circuit import QiskitEncodingCircuit
from squlearn.kernel.lowlevel_kernel import FidelityKernel
from squlearn.observables import SinglePauli
from squlearn.qnn.lowlevel_qnn import LowLevelQNN

from benchmarks import inputs
from benchmarks.epoch import NUM_CLASSES, Pull, epoch_of, in_numpy, peak_of
from benchmarks.inputs import FEATURE_MAP_REPS, FloatArray, Gate
from benchmarks.task import Case, Task

PACKAGES = ("squlearn", "qulacs", "qiskit")

_SHIFT = 1e-12  # far below the tolerance of the check


def kernel(case: Case) -> Task:
    circuit = zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full")
    matrix = FidelityKernel(QiskitEncodingCircuit(circuit, mode="features"), Executor("qulacs"))
    x = inputs.zz_samples(case)
    calls = itertools.count()

    def run() -> NDArray[Any]:
        # It remembers the state of every sample that it has seen, so no two calls may see the same ones.
        return matrix.evaluate(x + _SHIFT * next(calls))

    return Task(run)


def epoch(case: Case) -> Task:
    """LowLevelQNN in mini-batches: values, and their derivatives by the weights."""
    num_qubits, plan = case["num_qubits"], epoch_of(case)
    network = LowLevelQNN(
        QiskitEncodingCircuit(
            _circuit(num_qubits, plan.num_weights, plan.gates), feature_label="x", parameter_label="p"
        ),
        [SinglePauli(num_qubits, k, "Z") for k in range(NUM_CLASSES)],
        Executor("qulacs"),
        num_features=num_qubits,
        caching=False,
    )
    none: list[float] = []

    def evaluate(features: FloatArray, weights: FloatArray) -> tuple[FloatArray, Pull]:
        found = network.evaluate(features, weights, none, "f", "dfdp")

        def pull(cotangents: FloatArray) -> FloatArray:
            return np.einsum("bk,bkw->w", cotangents, np.asarray(found["dfdp"]))

        return np.asarray(found["f"]), pull

    return in_numpy(plan, evaluate)


def _circuit(num_qubits: int, num_weights: int, gates: list[Gate]) -> QuantumCircuit:
    columns = [*ParameterVector("x", num_qubits), *ParameterVector("p", num_weights)]
    circuit = QuantumCircuit(num_qubits)
    for name, qubits, column in gates:
        getattr(circuit, name)(*([] if column < 0 else [columns[column]]), *qubits)
    return circuit


PREPARE = {"kernel": kernel, "epoch": epoch, "epoch_memory": peak_of(epoch)}
