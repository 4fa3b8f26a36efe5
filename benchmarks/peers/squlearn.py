"""sQUlearn's fidelity kernel; of its executors qulacs is the fastest."""

import itertools
from typing import Any

from numpy.typing import NDArray
from qiskit.circuit.library import zz_feature_map
from squlearn import Executor
from squlearn.encoding_circuit import QiskitEncodingCircuit
from squlearn.kernel.lowlevel_kernel import FidelityKernel

from benchmarks import inputs
from benchmarks.inputs import FEATURE_MAP_REPS
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


PREPARE = {"kernel": kernel}
