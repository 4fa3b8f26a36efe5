"""A kernel matrix with its uncertainty, before and after its repair."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal


@dataclass(frozen=True)
class RawKernel:
    """A kernel matrix as it was found: what a repair sees."""

    matrix: FloatArray
    """The kernel matrix, shape (n, m)."""
    errors: FloatArray | None
    """The standard error of each entry, shape (n, m), 0 for entries that are exact; ``None`` where nothing was
    estimated."""
    shots: int | None
    """Shots behind each sampled entry, ``None`` for exact results."""
    target: str
    """The name of the target that ran the circuits."""
    applied: tuple[str, ...] = ()
    """The repairs that were applied, in order, with what they did."""
    diagonal: MeasuredDiagonal | None = None
    """Measures the kernel of samples with themselves, for a repair that needs it; ``None`` where none does."""
    entry_shots: IntArray | None = None
    """The shots behind each entry, shape (n, m), where they differ, 0 for exact entries; ``shots`` is then the least of
    the others. ``None`` where they are all alike."""

    @property
    def standard_errors(self) -> FloatArray:
        """The standard error of each entry, shape (n, m): :attr:`errors`, or zeros."""
        return np.zeros_like(self.matrix) if self.errors is None else self.errors


@dataclass(frozen=True)
class KernelEstimate:
    """A kernel matrix, its standard errors and where it came from."""

    matrix: FloatArray
    """The kernel matrix, shape (n, m), after the repair if one was asked for."""
    standard_errors: FloatArray
    """The standard error of each entry of ``raw``, shape (n, m); 0 where nothing was estimated (exact results, and a
    sample against itself)."""
    raw: FloatArray
    """The matrix before any repair, shape (n, m)."""
    shots: int | None
    """Shots behind each sampled entry, ``None`` for exact results."""
    target: str
    """The name of the target that ran the circuits."""
    synthesis_error: float | None = 0.0
    """By how much the states that ran differ from those of the feature map's exact unitary: the largest 1 -
    |⟨exact|run⟩|² over some of the samples. 0 unless the target runs a product formula in place of an exponential;
    ``None`` where it is not known (more than 12 qubits)."""
    applied: tuple[str, ...] = ()
    """The repairs that made ``matrix`` of ``raw``, in order, with what they did; empty if there were none."""
    repaired_errors: FloatArray | None = None
    """The standard error of each entry of ``matrix``, shape (n, m), as the repairs propagated those of ``raw``; one of
    the user's that returns a matrix only leaves the errors as they were. ``None`` if there were no repairs."""
    entry_shots: IntArray | None = None
    """The shots behind each entry of ``raw``, shape (n, m), where they differ, 0 for exact entries; ``shots`` is then
    the least of the others. ``None`` where they are all alike."""

    def __iter__(self) -> Iterator[FloatArray]:
        """Unpack as ``matrix, standard_errors, raw``."""
        return iter((self.matrix, self.standard_errors, self.raw))

    def __repr__(self) -> str:
        shots = "exact" if self.shots is None else f"shots={self.shots}"
        error = float(self.standard_errors.max(initial=0.0))
        return f"KernelEstimate({self.matrix.shape[0]}×{self.matrix.shape[1]}, error ≤ {error:.2g} [{shots}])"
