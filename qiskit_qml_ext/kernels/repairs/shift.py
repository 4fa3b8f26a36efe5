"""The diagonal raised by the size of the most negative eigenvalue."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.repair import RepairStep, check_symmetric


def shift_spectrum(matrix: FloatArray | RawKernel) -> FloatArray:
    """Add the size of the most negative eigenvalue to the diagonal: off-diagonal entries stay as they were measured.

    It takes a symmetric matrix, or as a :class:`~qiskit_qml_ext.kernels.Repair` a matrix with its errors.

    Raises:
        ValueError: If the matrix is not symmetric.
    """
    matrix = matrix.matrix if isinstance(matrix, RawKernel) else np.asarray(matrix, dtype=np.float64)
    check_symmetric(matrix, "ShiftPSD")
    if not len(matrix):
        return matrix.copy()
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    return matrix + max(0.0, -lowest) * np.eye(len(matrix))


@dataclass(frozen=True)
class ShiftPSD(RepairStep):
    """Raise the diagonal until no eigenvalue is negative; see :func:`shift_spectrum`. Its name is ``"shift"``.

    To first order the least eigenvalue varies by Σ v_i v_j δK_ij with its eigenvector v, which gives the errors of the
    new diagonal; all other entries keep theirs. The matrix of two sets of samples is left as it is.
    """

    makes_psd: ClassVar[bool] = True
    moves_diagonal_only: ClassVar[bool] = True

    def __call__(self, raw: RawKernel, /) -> RawKernel:
        """Return the matrix with its diagonal raised.

        Raises:
            ValueError: If the matrix is not symmetric.
        """
        shifted = shift_spectrum(raw)
        by = float((shifted - raw.matrix).trace() / max(len(shifted), 1))
        errors = raw.errors if raw.errors is None or not by else _with_error_of_shift(raw.matrix, raw.errors)
        return replace(raw, matrix=shifted, errors=errors, applied=(*raw.applied, f"ShiftPSD(by {by:.3g})"))


def _with_error_of_shift(matrix: FloatArray, errors: FloatArray) -> FloatArray:
    """Return the errors with those of K_ii - λ on the diagonal, for independent errors of the pairs."""
    weights = np.linalg.eigh(matrix)[1][:, 0] ** 2
    own = np.diagonal(errors) ** 2
    # Σ_{i≤j} of the squared derivatives v_i² and 2 v_i v_j: all ordered pairs count twice, the diagonal once
    of_eigenvalue = 2 * weights @ errors**2 @ weights - weights**2 @ own
    shifted = errors.copy()
    np.fill_diagonal(shifted, np.sqrt(np.maximum(own * (1 - 2 * weights) + of_eigenvalue, 0.0)))
    return shifted
