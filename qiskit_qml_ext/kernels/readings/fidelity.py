"""The fidelity: 1 for the outcome of zeros only."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray


@dataclass(frozen=True)
class FidelityReading:
    """f(h) = 1 for h = 0, else 0: K_f is the fidelity |⟨φ(y)|φ(x)⟩|² (Havlíček et al., arXiv:1804.11326)."""

    name = "fidelity"

    def values(self, num_qubits: int) -> FloatArray:
        """Return f(0), …, f(n), shape (n + 1,)."""
        values = np.zeros(num_qubits + 1)
        values[0] = 1.0
        return values
