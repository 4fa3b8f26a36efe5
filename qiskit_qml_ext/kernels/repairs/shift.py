"""The diagonal raised by the size of the most negative eigenvalue."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel


def shift(raw: RawKernel) -> FloatArray:
    """Repair a kernel matrix by :func:`shift_spectrum`."""
    return shift_spectrum(raw.matrix)


def shift_spectrum(matrix: FloatArray) -> FloatArray:
    """Add the size of the most negative eigenvalue to the diagonal: off-diagonal entries stay as they were measured."""
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    return matrix + max(0.0, -lowest) * np.eye(len(matrix))
