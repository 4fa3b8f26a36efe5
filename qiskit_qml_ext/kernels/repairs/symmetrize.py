"""Both triangles of a matrix replaced by their mean."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.repair import RepairStep


@dataclass(frozen=True)
class Symmetrize(RepairStep):
    """Take the mean of K and its transpose: the symmetric matrix that is nearest in the Frobenius norm.

    Where k(x, y) and k(y, x) were measured apart, their errors are taken as independent, so that the mean has the error
    √(σ² + σ'²)/2. A matrix that is symmetric already is left as it is: its two triangles are one measurement.

    The matrix of two sets of samples has only one order of each pair, and is left as it is: with a kernel for which
    k(x, y) and k(y, x) differ by more than noise, decision values then follow the order (row, column).

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.kernels import RawKernel, Symmetrize
        >>> raw = RawKernel(np.array([[1.0, 0.4], [0.2, 1.0]]), errors=None, shots=None, target="a file")
        >>> Symmetrize()(raw).matrix.round(3).tolist()
        [[1.0, 0.3], [0.3, 1.0]]
    """

    on_any_matrix: ClassVar[bool] = False

    def __call__(self, raw: RawKernel, /) -> RawKernel:
        """Return the mean of the matrix and its transpose.

        Raises:
            ValueError: If the matrix is not square.
        """
        matrix = raw.matrix
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"Symmetrize needs a square kernel matrix, but one of shape {matrix.shape} came.")
        asymmetry = float(abs(matrix - matrix.T).max(initial=0.0))
        done = (*raw.applied, f"Symmetrize(largest difference {asymmetry:.3g})")
        if not asymmetry:
            return replace(raw, applied=done)
        errors = raw.errors
        if errors is not None:
            errors = np.sqrt(errors**2 + errors.T**2) / 2
            np.fill_diagonal(errors, np.diagonal(raw.standard_errors))
        return replace(raw, matrix=(matrix + matrix.T) / 2, errors=errors, applied=done)
