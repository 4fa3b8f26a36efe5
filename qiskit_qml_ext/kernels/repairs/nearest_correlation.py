"""The nearest positive semi-definite matrix with ones on its diagonal."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import real_number, whole_number
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.repair import RepairStep, check_symmetric


@dataclass(frozen=True)
class NearestCorrelation(RepairStep):
    """Take the nearest correlation matrix in the Frobenius norm: positive semi-definite, with a unit diagonal.

    Alternating projections with Dykstra's correction (Higham, IMA J. Numer. Anal. 22, 329 (2002), algorithm 3.3). Use
    it where k(x, x) = 1 is known to hold: a diagonal that was measured is overwritten, and so is what a step before it
    did to the diagonal only; ``"shift"`` and ``"regularize_by_error"`` right before it are refused. The errors are
    handed on, as by :class:`ClipPSD`, but for the diagonal, which is exact. The matrix of two sets of samples is left
    as it is.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.kernels import NearestCorrelation, RawKernel
        >>> given = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
        >>> NearestCorrelation()(RawKernel(given, errors=None, shots=None, target="a file")).matrix.round(4).tolist()
        [[1.0, 0.7607, 0.1573], [0.7607, 1.0, 0.7607], [0.1573, 0.7607, 1.0]]
    """

    tolerance: float = 1e-12
    """The relative change of an iteration, and the distance of its two projections, at which it ends."""
    max_iterations: int = 10_000
    """How many iterations there may be."""
    makes_psd: ClassVar[bool] = True
    ignores_diagonal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        real_number("tolerance", self.tolerance, above=0.0)
        whole_number("max_iterations", self.max_iterations)

    def __call__(self, raw: RawKernel, /) -> RawKernel:
        """Return the nearest correlation matrix.

        Raises:
            ValueError: If the matrix is not symmetric, or the iterations do not suffice.
        """
        check_symmetric(raw.matrix, "NearestCorrelation")
        nearest = self._nearest(raw.matrix)
        moved = float(np.linalg.norm(nearest - raw.matrix))
        errors = raw.errors
        if errors is not None:
            errors = errors.copy()
            np.fill_diagonal(errors, 0.0)
        done = (*raw.applied, f"NearestCorrelation(moved by {moved:.3g})")
        return replace(raw, matrix=nearest, errors=errors, applied=done)

    def _nearest(self, matrix: FloatArray) -> FloatArray:
        if not len(matrix):
            return matrix.copy()
        with_ones, positive = (matrix + matrix.T) / 2, matrix
        correction = np.zeros_like(matrix)
        for _ in range(self.max_iterations):
            before, positive_before = with_ones, positive
            corrected = with_ones - correction
            positive = _positive_part(corrected)
            correction = positive - corrected
            with_ones = positive.copy()
            np.fill_diagonal(with_ones, 1.0)
            scale = np.linalg.norm(with_ones)
            moves = (with_ones - before, positive - positive_before, with_ones - positive)
            if max(np.linalg.norm(move) for move in moves) <= self.tolerance * scale:
                return _with_unit_diagonal(positive)
        raise ValueError(
            f"The nearest correlation matrix was not found to {self.tolerance:g} in {self.max_iterations:,} "
            "iterations. Raise max_iterations or tolerance."
        )


def _positive_part(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    part: FloatArray = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return (part + part.T) / 2


def _with_unit_diagonal(positive: FloatArray) -> FloatArray:
    """Scale the last projection, whose diagonal is one to the tolerance: it stays positive semi-definite."""
    scale = np.sqrt(np.diagonal(positive))
    scaled: FloatArray = positive / np.outer(scale, scale)
    np.fill_diagonal(scaled, 1.0)
    return scaled
