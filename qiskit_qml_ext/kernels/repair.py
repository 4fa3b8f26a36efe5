"""Making a noisy kernel matrix positive semi-definite, on request only."""

from collections.abc import Callable

import numpy as np

from qiskit_qml_ext.arrays import FloatArray


def clip_spectrum(matrix: FloatArray) -> FloatArray:
    """Set negative eigenvalues to zero: the nearest positive semi-definite matrix in the Frobenius norm.

    Higham (1988), Linear Algebra Appl. 103, 103; for quantum kernels Hubregtsen et al., arXiv:2105.02276.
    """
    values, vectors = np.linalg.eigh(matrix)
    if values[0] >= 0:
        return matrix.copy()
    clipped = (vectors * np.maximum(values, 0)) @ vectors.T
    symmetric: FloatArray = (clipped + clipped.T) / 2
    return symmetric


def shift_spectrum(matrix: FloatArray) -> FloatArray:
    """Add the size of the most negative eigenvalue to the diagonal: off-diagonal entries stay as they were measured."""
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    return matrix + max(0.0, -lowest) * np.eye(len(matrix))


REPAIRS: dict[str, Callable[[FloatArray], FloatArray]] = {"clip": clip_spectrum, "shift": shift_spectrum}
"""The repairs by name."""
