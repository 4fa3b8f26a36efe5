"""Time the engine on the circuits of the benchmark tables: states of a ZZ feature map, and training steps.

Prints microseconds per state, and milliseconds per step (value and gradients of the mean of <Z0>² over a batch, with RY
encoding and layers of RY, RZ and a ring of CNOTs). Run it as ``python benchmarks/engine_profile.py``.
"""

import time
from collections.abc import Callable

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.engine import expectation_jacobian, statevectors
from qiskit_qml_ext.program import lower


def best_time(call: Callable[[], object], repeats: int = 7) -> float:
    """The least of several timings, in seconds, of a call that is repeated for at least 20 ms each time."""
    call()
    start = time.perf_counter()
    call()
    loops = max(1, int(0.02 / (time.perf_counter() - start)))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(loops):
            call()
        times.append((time.perf_counter() - start) / loops)
    return min(times)


def training_circuit(num_qubits: int, layers: int) -> QuantumCircuit:
    """RY encoding, then layers of RY, RZ and a CNOT ring."""
    x = ParameterVector("x", num_qubits)
    w = ParameterVector("w", 2 * num_qubits * layers)
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.ry(x[qubit], qubit)
    for layer in range(layers):
        for qubit in range(num_qubits):
            circuit.ry(w[2 * (num_qubits * layer + qubit)], qubit)
            circuit.rz(w[2 * (num_qubits * layer + qubit) + 1], qubit)
        for qubit in range(num_qubits):
            circuit.cx(qubit, (qubit + 1) % num_qubits)
    return circuit


def training_step(num_qubits: int, layers: int, batch: int, dtype: str) -> Callable[[], object]:
    """One step: with one observable the Jacobian costs one reverse pass, and any loss follows from it."""
    program = lower(training_circuit(num_qubits, layers))
    rng = np.random.default_rng(7)
    values = rng.uniform(-3, 3, (batch, program.num_parameters))
    observable = SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], num_qubits)
    first_feature = 2 * num_qubits * layers  # the parameters are sorted by name: w before x

    def step() -> object:
        z, jacobian = expectation_jacobian(program, values, observable, dtype=dtype)
        gradient = (2.0 / batch) * (z[:, 0] @ jacobian[:, 0])
        return z[:, 0] @ z[:, 0] / batch, gradient[:first_feature]

    return step


def main() -> None:
    """Print both tables."""
    for num_qubits, samples in ((4, 200), (8, 200), (12, 200), (16, 50)):
        program = lower(zz_feature_map(num_qubits, 2, entanglement="full"))
        values = np.random.default_rng(7).uniform(-1, 1, (samples, num_qubits))
        for dtype in ("complex128", "complex64"):
            seconds = best_time(lambda: statevectors(program, values, dtype=dtype))  # noqa: B023
            print(f"states  {num_qubits:2d} qubits {dtype:10s} {1e6 * seconds / samples:10.3f} µs per state")
    for num_qubits, layers, batch in ((4, 4, 64), (8, 4, 64), (10, 6, 64), (12, 6, 32)):
        for dtype in ("complex128", "complex64"):
            seconds = best_time(training_step(num_qubits, layers, batch, dtype))
            print(f"step    {num_qubits:2d} qubits {layers} layers {batch} samples {dtype:10s} {1e3 * seconds:8.3f} ms")


if __name__ == "__main__":
    main()
