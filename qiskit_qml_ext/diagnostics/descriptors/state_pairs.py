"""Random states of a circuit, and fidelities of independent pairs of them."""

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.circuits import InitialDistribution
from qiskit_qml_ext.engine import statevectors

_CHUNK_AMPLITUDES = 1 << 22  # 64 MiB of amplitudes at a time


def chunks(size: int, num_qubits: int) -> list[int]:
    """Split a number of states into sizes that fit into a modest amount of memory."""
    step = max(1, min(size, _CHUNK_AMPLITUDES >> num_qubits))
    return [min(step, size - start) for start in range(0, size, step)]


def random_states(
    circuit: QuantumCircuit, distribution: InitialDistribution, size: int, rng: np.random.Generator
) -> ComplexArray:
    """Return states at random angles, shape (size, 2**n)."""
    values = distribution.sample(circuit, size, rng)
    return np.asarray(statevectors(circuit, values), dtype=np.complex128)


def pair_fidelities(
    circuit: QuantumCircuit, distribution: InitialDistribution, pairs: int, rng: np.random.Generator
) -> FloatArray:
    """Return |⟨ψ|φ⟩|² of independent pairs of states, shape (pairs,), without the rounding that leaves [0, 1]."""
    fidelities = []
    for size in chunks(pairs, circuit.num_qubits):
        first = random_states(circuit, distribution, size, rng)
        second = random_states(circuit, distribution, size, rng)
        fidelities.append(np.abs(np.einsum("ij,ij->i", first.conj(), second)) ** 2)
    return np.clip(np.concatenate(fidelities), 0.0, 1.0)
