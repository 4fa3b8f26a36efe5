"""A kernel matrix with its uncertainty, before and after its repair, and what else its outcomes can say."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal
from qiskit_qml_ext.kernels.readings import Reading, ReadoutErrors


@runtime_checkable
class KeptOutcomes(Protocol):
    """What was kept behind a kernel matrix, from which other kernels of the same samples can be computed."""

    def reinterpret(
        self,
        reading: str | Reading,
        *,
        tolerance: int | None = None,
        orders: str = "both",
        readout_correction: ReadoutErrors | None = None,
    ) -> "ReinterpretedKernel":
        """Return another kernel of the same outcomes, at no cost; see :meth:`KernelEstimate.reinterpret`."""


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
    outcomes: KeptOutcomes | None = None
    """What was kept of the outcomes, ``None`` where a method keeps nothing."""
    applied: tuple[str, ...] = ()
    """The names of the steps that were applied to what was measured, in order, with their parameters."""
    truncation_errors: FloatArray | None = None
    """How far the truncation of matrix-product states may have moved each entry, shape (n, m); ``None`` where states
    were not truncated."""
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
    outcomes: KeptOutcomes | None = None
    """What was kept of the outcomes, uncorrected; ``None`` where a method keeps nothing."""
    applied: tuple[str, ...] = ()
    """The names of the steps that were applied to what was measured, in order, with their parameters."""
    truncation_errors: FloatArray | None = None
    """How far the truncation of matrix-product states may have moved each entry of ``raw``, shape (n, m); ``None``
    where states were not truncated."""
    repaired_errors: FloatArray | None = None
    """The standard error of each entry of ``matrix``, shape (n, m), as the repairs propagated those of ``raw``; one of
    the user's that returns a matrix only leaves the errors as they were. ``None`` if there were no repairs."""
    entry_shots: IntArray | None = None
    """The shots behind each entry of ``raw``, shape (n, m), where they differ, 0 for exact entries; ``shots`` is then
    the least of the others. ``None`` where they are all alike."""
    conditions: tuple[str, ...] = ()
    """What was on while the circuits ran: options of the primitives such as twirling, as ``"name=value"``."""

    def reinterpret(
        self,
        reading: str | Reading,
        *,
        tolerance: int | None = None,
        orders: str = "both",
        readout_correction: ReadoutErrors | None = None,
    ) -> "ReinterpretedKernel":
        """Return another kernel of the same samples from the outcomes that were kept: nothing runs.

        Args:
            reading: ``"fidelity"``; ``"bit_flip_tolerant"``, the probability of at most ``tolerance`` ones;
                ``"hamming"``, the mean share of qubits that read 0; or a :class:`~qiskit_qml_ext.kernels.Reading` of
                your own.
            tolerance: How many qubits may read 1 in ``"bit_flip_tolerant"``, 1 by default.
            orders: A pair read as U(y)†U(x) and as U(x)†U(y) gives the same fidelity, but in general not the same of
                the others, whose kernel is the mean of both. ``"both"`` is that mean; it is an error if only one order
                ran and the other may differ. ``"one"`` takes the order that ran, as if the other gave the same: it is
                fixed by the values of the two samples, and the errors do not say how far it is from the mean.
            readout_correction: Readout errors that are undone; by default the outcomes count as they were read, also
                where this estimate was corrected. Errors of single qubits need ``keep="outcomes"`` of the kernel; those
                that a device reports are known to the kernel's own ``reinterpret``.

        Returns:
            The kernel, without a repair, with standard errors.

        Raises:
            ValueError: If the outcomes were not kept, hold only one order, or cannot give this kernel.
        """
        if self.outcomes is None:
            raise ValueError(
                "No outcomes were kept behind this matrix: the method that found it sees fidelities only. Find it with "
                "method='sampled' or 'exact'."
            )
        read = self.outcomes.reinterpret(
            reading, tolerance=tolerance, orders=orders, readout_correction=readout_correction
        )
        return replace(read, synthesis_error=self.synthesis_error, conditions=self.conditions)

    def __iter__(self) -> Iterator[FloatArray]:
        """Unpack as ``matrix, standard_errors, raw``."""
        return iter((self.matrix, self.standard_errors, self.raw))

    def __repr__(self) -> str:
        shots = "exact" if self.shots is None else f"shots={self.shots}"
        error = float(self.standard_errors.max(initial=0.0))
        size = f"{self.matrix.shape[0]}×{self.matrix.shape[1]}"
        return f"{type(self).__name__}({size}, error ≤ {error:.2g} [{shots}])"


@dataclass(frozen=True, repr=False)
class ReinterpretedKernel(KernelEstimate):
    """A kernel matrix that was read off outcomes which ran for another one."""

    reading: str = "fidelity"
    """The name of the reading, with its settings."""
    orders: str = "both"
    """``"both"`` for the mean over both orders of each pair; ``"one"`` for one of them."""
    is_positive_semidefinite: bool | None = None
    """Whether the exact kernel is positive semi-definite: ``True`` for all data, ``False`` if it need not be, ``None``
    if that is not known for this feature map. Shots and noise can make a matrix indefinite in any case."""
    reason: str = ""
    """Why, in words."""
