"""What is read off an outcome: a number for each Hamming weight."""

from typing import Protocol

from qiskit_qml_ext.arrays import FloatArray


class Reading(Protocol):
    """A function f of the number h of qubits that read 1, so that K_f(x, y) = Σ_z f(|z|) |⟨z|U(y)†U(x)|0⟩|²."""

    @property
    def name(self) -> str:
        """What ``reinterpret`` calls it, with its settings."""

    def values(self, num_qubits: int) -> FloatArray:
        """Return f(0), …, f(n), shape (n + 1,).

        Raises:
            ValueError: If the settings mean nothing for so many qubits.
        """
