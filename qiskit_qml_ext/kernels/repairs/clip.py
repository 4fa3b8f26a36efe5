"""Negative eigenvalues set to zero."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.repair import RepairStep, check_symmetric


def clip_spectrum(matrix: FloatArray | RawKernel) -> FloatArray:
    """Set negative eigenvalues to zero: the nearest positive semi-definite matrix in the Frobenius norm.

    It takes a symmetric matrix, or as a :class:`~qiskit_qml_ext.kernels.Repair` a matrix with its errors. Higham
    (1988), Linear Algebra Appl. 103, 103; for quantum kernels Hubregtsen et al., arXiv:2105.02276.

    Raises:
        ValueError: If the matrix is not symmetric.
    """
    matrix = matrix.matrix if isinstance(matrix, RawKernel) else np.asarray(matrix, dtype=np.float64)
    check_symmetric(matrix, "ClipPSD")
    values, vectors = np.linalg.eigh(matrix)
    if not len(values) or values[0] >= 0:
        return matrix.copy()
    clipped = (vectors * np.maximum(values, 0)) @ vectors.T
    symmetric: FloatArray = (clipped + clipped.T) / 2
    return symmetric


@dataclass(frozen=True)
class ClipPSD(RepairStep):
    """Set negative eigenvalues to zero; see :func:`clip_spectrum`. As ``psd_repair`` it is called ``"clip"``.

    The errors are handed on as they are: a projection onto a convex set brings no two matrices further apart, so that
    in the Frobenius norm the error of the result is at most theirs. A single entry may gain what others lose. The
    matrix of two sets of samples is left as it is.
    """

    makes_psd: ClassVar[bool] = True

    def __call__(self, raw: RawKernel, /) -> RawKernel:
        """Return the nearest positive semi-definite matrix.

        Raises:
            ValueError: If the matrix is not symmetric.
        """
        clipped = clip_spectrum(raw)
        moved = float(np.linalg.norm(clipped - raw.matrix))
        return replace(raw, matrix=clipped, applied=(*raw.applied, f"ClipPSD(moved by {moved:.3g})"))
