r"""Scalar products of gradients: k_ij = Σ_m ĝ_im · P ĝ_jm, without the bias that shots give.

Two samples have noise of their own, and the product of their estimates is unbiased, with the variance
Σ σ_i² (P g_j)² + Σ (P g_i)² σ_j² + Σ σ_i² P² σ_j². A sample with itself has the same noise twice: the square is too
large by Σ σ² P_ww on average, which is subtracted, and its variance is 4 Σ σ² (P g)² + 2 Σ σ² P² σ². Estimates in the
place of g make the sums with g too large by one of the last one for each sample, which is subtracted too.
"""

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray
from qiskit_qml_ext.kernels.tangents.gradients import Gradients


def products(x: Gradients, y: Gradients, is_same: BoolArray, metric: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the products of the gradients of samples and their variances, both of shape (n, m).

    Args:
        x: Gradients of the rows.
        y: Gradients of the columns.
        is_same: Which pairs are one sample, with one estimate, shape (n, m).
        metric: P, symmetric, shape (W, W).
    """
    turned = y.values @ metric
    matrix = _dots(x.values, turned)
    if not (x.errors.any() or y.errors.any()):
        return matrix, np.zeros_like(matrix)
    rows, columns = x.errors**2, y.errors**2
    first = _dots(rows, turned**2)
    second = _dots((x.values @ metric) ** 2, columns)
    both = _dots(rows @ metric**2, columns)
    bias = rows.sum(axis=1) @ np.diagonal(metric)
    matrix = matrix - np.where(is_same, bias[:, None], 0.0)
    # what estimates in the place of g leave of a variance is no less than what the last one makes of it
    own, other = np.maximum(4 * first - 2 * both, 2 * both), np.maximum(first + second - both, both)
    return matrix, np.where(is_same, own, other)


def _dots(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return Σ_mw x_imw y_jmw, shape (n, m)."""
    return np.asarray(x.reshape(len(x), -1) @ y.reshape(len(y), -1).T)
