"""A kernel matrix with its uncertainty."""

from collections.abc import Iterator
from dataclasses import dataclass

from qiskit_qml_ext.arrays import FloatArray


@dataclass(frozen=True)
class KernelEstimate:
    """A kernel matrix, its standard errors and where it came from.

    Attributes:
        matrix: The kernel matrix, shape (n, m), after the repair if one was asked for.
        standard_errors: The standard error of each entry of ``raw``, shape (n, m); 0 where nothing was estimated
            (exact results, and a sample against itself).
        raw: The matrix before any repair, shape (n, m).
        shots: Shots behind each sampled entry, ``None`` for exact results.
        target: The name of the target that ran the circuits.
        synthesis_error: By how much the states that ran differ from those of the feature map's exact unitary: the
            largest 1 - |⟨exact|run⟩|² over some of the samples. 0 unless the target runs a product formula in place of
            an exponential; ``None`` where it is not known (more than 12 qubits).
    """

    matrix: FloatArray
    standard_errors: FloatArray
    raw: FloatArray
    shots: int | None
    target: str
    synthesis_error: float | None = 0.0

    def __iter__(self) -> Iterator[FloatArray]:
        """Unpack as ``matrix, standard_errors, raw``."""
        return iter((self.matrix, self.standard_errors, self.raw))

    def __repr__(self) -> str:
        shots = "exact" if self.shots is None else f"shots={self.shots}"
        error = float(self.standard_errors.max(initial=0.0))
        return f"KernelEstimate({self.matrix.shape[0]}×{self.matrix.shape[1]}, error ≤ {error:.2g} [{shots}])"
