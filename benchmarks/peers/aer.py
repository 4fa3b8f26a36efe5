"""Qiskit Aer: one run with parameter binds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import transpile
from qiskit.circuit.library import zz_feature_map
from qiskit_aer import AerSimulator

from benchmarks import inputs
from benchmarks.inputs import FEATURE_MAP_REPS
from benchmarks.task import Case, Task

PACKAGES = ("qiskit", "qiskit-aer")


def states(case: Case) -> Task:
    circuit = zz_feature_map(case["num_qubits"], FEATURE_MAP_REPS, entanglement="full")
    circuit.save_statevector()
    backend = AerSimulator(method="statevector", runtime_parameter_bind_enable="runtime_parameter_bind_enable" in case)
    isa = transpile(circuit, backend)
    x = inputs.zz_samples(case)

    def run() -> NDArray[Any]:
        binds = [{parameter: x[:, column].tolist() for column, parameter in enumerate(isa.parameters)}]
        result = backend.run(isa, parameter_binds=binds).result()
        return np.array([np.asarray(result.data(index)["statevector"]) for index in range(len(x))])

    return Task(run)


def kernel(case: Case) -> Task:
    run_states = states(case).run

    def run() -> NDArray[Any]:
        vectors = run_states()
        return np.abs(vectors.conj() @ vectors.T) ** 2

    return Task(run)


PREPARE = {"states": states, "kernel": kernel}
