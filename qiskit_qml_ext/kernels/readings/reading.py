"""What is read off an outcome: a number for each Hamming weight."""

from typing import Protocol

import numpy as np

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


def values_of(reading: Reading, num_qubits: int) -> FloatArray:
    """Return f(0), …, f(n) of a reading, shape (n + 1,).

    Raises:
        ValueError: If a reading of the user's returns other than n + 1 finite real numbers, or its settings mean
            nothing for so many qubits.
    """
    given = np.asarray(reading.values(num_qubits))
    if given.shape != (num_qubits + 1,) or given.dtype.kind not in "biuf" or not np.isfinite(given).all():
        raise ValueError(
            f"values({num_qubits}) of the reading {reading.name!r} must return {num_qubits + 1} finite real numbers, "
            f"f of 0 to {num_qubits} ones, but an array of {given.dtype} of the shape {given.shape} came: {given!r}."
        )
    return given.astype(np.float64)
