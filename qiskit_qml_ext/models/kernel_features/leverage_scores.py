"""How much each sample adds to the span of the others: ridge leverage scores, exact and from a few columns."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import numeric_array, positive_number


def leverage_scores(kernel_matrix: FloatArray, regularization: float) -> FloatArray:
    """Return the ridge leverage scores l_i = [K (K + λ)⁻¹]_ii, each from 0 to 1.

    Their sum is the effective dimension of the kernel on the samples: the number of landmarks that a Nyström
    approximation needs, up to a logarithm.

    Args:
        kernel_matrix: A symmetric matrix K, shape (n, n); negative eigenvalues (of shots) count as zero.
        regularization: The ridge λ, positive, in units of the kernel's.

    Returns:
        Shape (n,).

    Raises:
        ValueError: If the matrix is not square or the ridge is not positive.

    References:
        Musco and Musco, arXiv:1605.07583.

    Examples:
        >>> import numpy as np
        >>> leverage_scores(np.diag([1.0, 3.0]), 1.0).tolist()
        [0.5, 0.75]
    """
    numeric_array("kernel_matrix", kernel_matrix)
    ridge = positive_number("regularization", regularization)
    matrix = np.asarray(kernel_matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"kernel_matrix must be square, but its shape is {matrix.shape}.")
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values = np.maximum(values, 0.0)
    scores: FloatArray = vectors**2 @ (values / (values + ridge))
    return scores


def scores_from_columns(
    diagonal: FloatArray, columns: FloatArray, core: FloatArray, weights: FloatArray, ridge: float
) -> FloatArray:
    """Return leverage scores that see the kernel through weighted columns only, each from 0 to 1.

    (k_ii - c_iᵀ S (Sᵀ K S + λ)⁻¹ Sᵀ c_i) / λ, where S picks the columns and gives them their weights; with all columns
    of weight 1 it is the score itself. Musco and Musco, arXiv:1605.07583.

    Args:
        diagonal: k_ii of the samples, shape (n,).
        columns: Their kernel with the samples of the columns, shape (n, s).
        core: The kernel of these among themselves, shape (s, s).
        weights: The weights, shape (s,).
        ridge: The ridge λ, positive.
    """
    values, vectors = weighted_spectrum(core, weights)
    seen = (columns * weights) @ vectors
    scores: FloatArray = np.clip((diagonal - np.sum(seen**2 / (values + ridge), axis=1)) / ridge, 0.0, 1.0)
    return scores


def ridge_of_tail(core: FloatArray, weights: FloatArray, rank: int) -> float:
    """Return the ridge at which about ``rank`` directions count: the mean weight of all others, Σ_{i>k} λ_i / k.

    Args:
        core: The kernel of the samples of some columns among themselves, shape (s, s).
        weights: The weights of the columns, shape (s,).
        rank: How many directions, k.
    """
    values, _ = weighted_spectrum(core, weights)
    total = float(values.sum())
    tail = float(values[: max(len(values) - rank, 0)].sum()) / rank
    return max(tail, _SMALLEST_RIDGE * total, np.finfo(np.float64).tiny)


_SMALLEST_RIDGE = 1e-6  # of the trace: above rounding, below what a landmark adds


def weighted_spectrum(core: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the eigenvalues, ascending and none below zero, and the eigenvectors of Sᵀ K S."""
    weighted = core * weights[:, None] * weights
    values, vectors = np.linalg.eigh((weighted + weighted.T) / 2)
    return np.maximum(values, 0.0), vectors
