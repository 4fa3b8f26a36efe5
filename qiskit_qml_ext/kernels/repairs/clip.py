"""Negative eigenvalues set to zero."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel


def clip_spectrum(matrix: FloatArray | RawKernel) -> FloatArray:
    """Set negative eigenvalues to zero: the nearest positive semi-definite matrix in the Frobenius norm.

    It takes a matrix, or as a :class:`~qiskit_qml_ext.kernels.Repair` a matrix with its errors. Higham (1988), Linear
    Algebra Appl. 103, 103; for quantum kernels Hubregtsen et al., arXiv:2105.02276.
    """
    matrix = matrix.matrix if isinstance(matrix, RawKernel) else matrix
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= 0:
        return matrix.copy()
    clipped = (vectors * np.maximum(values, 0)) @ vectors.T
    symmetric: FloatArray = (clipped + clipped.T) / 2
    return symmetric
