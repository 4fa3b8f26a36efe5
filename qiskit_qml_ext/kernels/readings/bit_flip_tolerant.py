"""Outcomes of zeros with at most a few of them flipped."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import whole_number, wrong_value


@dataclass(frozen=True)
class BitFlipTolerantReading:
    """f(h) = 1 for h ≤ d, else 0: outcomes with at most d ones count as zeros only.

    It is the Bit Flip Tolerance of Agliardi et al., arXiv:2412.07915. Of the paper only the abstract could be read; the
    diagonals that its authors published grow with d as the probability of at most d ones, which is this f.
    """

    tolerance: int = 1
    """How many qubits may read 1, d. At 0 the reading is the fidelity."""

    @property
    def name(self) -> str:
        """What ``reinterpret`` calls it, with its tolerance."""
        return f"bit_flip_tolerant (tolerance={self.tolerance})"

    def values(self, num_qubits: int) -> FloatArray:
        """Return f(0), …, f(n), shape (n + 1,).

        Raises:
            ValueError: If as many bits may flip as there are, so that every outcome counts.
        """
        tolerance = whole_number("tolerance", self.tolerance, minimum=0)
        if tolerance >= num_qubits:
            raise wrong_value(
                "tolerance",
                f"less than the number of qubits, {num_qubits}",
                tolerance,
                "Otherwise every outcome counts and every entry is 1.",
            )
        return (np.arange(num_qubits + 1) <= tolerance).astype(np.float64)
