"""The diagonal raised by the size of the most negative eigenvalue."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel


def shift_spectrum(matrix: FloatArray | RawKernel) -> FloatArray:
    """Add the size of the most negative eigenvalue to the diagonal: off-diagonal entries stay as they were measured.

    It takes a matrix, or as a :class:`~qiskit_qml_ext.kernels.Repair` a matrix with its errors.
    """
    matrix = matrix.matrix if isinstance(matrix, RawKernel) else matrix
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    return matrix + max(0.0, -lowest) * np.eye(len(matrix))
