r"""Means over all pairs of samples, with errors that know that pairs share samples.

For a symmetric function h of two independent samples, the mean U over the n(n-1)/2 pairs has the variance
[4(n-2) ζ₁ + 2 ζ₂]/(n(n-1)), ζ₁ the covariance of h over pairs that share one sample and ζ₂ the variance of h
(Hoeffding, Ann. Math. Stat. 19, 293, 1948). Both are estimated without bias from products of pairs that share no more
than they should. A jackknife, in contrast, is too large by up to √2 where ζ₁ vanishes, which is the case for encodings
of data that are uniform over their full range.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from qiskit_qml_ext.diagnostics.estimate import Estimate

FloatArray = NDArray[np.float64]


def pair_mean_variance(values: FloatArray) -> float:
    """Return the variance of the mean of ``values`` over the pairs, without bias (it may come out negative).

    Args:
        values: h of each pair, symmetric, shape (n, n); the diagonal does not count. At least four samples.
    """
    off = values.copy()
    np.fill_diagonal(off, 0.0)
    n = len(off)
    if n < 4:
        return math.nan
    zeta_1, zeta_2 = _hoeffding(off)
    return (4 * (n - 2) * zeta_1 + 2 * zeta_2) / (n * (n - 1))


def _error(off: FloatArray) -> float:
    """The standard error of the mean over the pairs, with estimates of ζ₁ below its smallest value 0 raised to 0."""
    n = len(off)
    if n < 4:
        return math.nan
    zeta_1, zeta_2 = _hoeffding(off)
    return math.sqrt((4 * (n - 2) * max(zeta_1, 0.0) + 2 * max(zeta_2, 0.0)) / (n * (n - 1)))


def _hoeffding(off: FloatArray) -> tuple[float, float]:
    """Unbiased estimates of ζ₁ and ζ₂; the diagonal must be 0."""
    n = len(off)
    total, rows, squares = float(off.sum()), off.sum(axis=1), float(np.sum(off**2))
    # sums over ordered tuples of different samples: (i,j)(i,j), (i,j)(i,k), (i,j)(k,l)
    same = squares
    sharing = float(np.sum(rows**2)) - squares
    apart = total**2 - 2 * same - 4 * sharing
    mean_same = same / (n * (n - 1))
    mean_sharing = sharing / (n * (n - 1) * (n - 2))
    mean_apart = apart / (n * (n - 1) * (n - 2) * (n - 3))
    return mean_sharing - mean_apart, mean_same - mean_apart


def kernel_moments(matrix: FloatArray, noise: FloatArray, *, confidence: float = 0.95) -> tuple[Estimate, Estimate]:
    r"""Estimate mean and variance of a kernel over independent pairs of samples.

    The variance is the mean over the pairs of k² minus that of the products of entries without a common sample, minus
    the shot noise: unbiased. Its error is that of its linear part, the mean over the pairs of (k - E k)². The interval
    is made on a logarithmic scale where the estimate is positive.

    Args:
        matrix: The kernel matrix, shape (n, n).
        noise: The variance of each entry due to shots, shape (n, n).
        confidence: The confidence of the intervals.
    """
    n = len(matrix)
    off = matrix.copy()
    np.fill_diagonal(off, 0.0)
    pairs = n * (n - 1)
    mean = float(off.sum() / pairs)
    method = f"U-statistic over the pairs of {n} samples, {confidence:.0%}"
    freedom = max(n - 1, 1)
    mean_error = _error(off)
    half = float(student_t.ppf((1 + confidence) / 2, freedom)) * mean_error
    first = Estimate(mean, mean_error, mean - half, mean + half, method)
    value = float(np.sum(off**2) / pairs) - _mean_square(off) - float(noise.sum() / pairs)
    centred = (off - mean) ** 2
    np.fill_diagonal(centred, 0.0)
    error = _error(centred)
    half = float(student_t.ppf((1 + confidence) / 2, freedom)) * error
    if value > 0 and math.isfinite(half):
        low, high = value * math.exp(-half / value), value * math.exp(min(half / value, 700.0))
    else:
        low, high = 0.0, max(value, 0.0) + half if math.isfinite(half) else math.inf
    return first, Estimate(value, error, low, high, method)


def _mean_square(off: FloatArray) -> float:
    """(E k)² without bias: the mean of products of entries that share no sample."""
    n = len(off)
    if n < 4:
        return float(off.sum() / (n * (n - 1))) ** 2
    squares = float(np.sum(off**2))
    sharing = float(np.sum(off.sum(axis=1) ** 2)) - squares
    return (float(off.sum()) ** 2 - 2 * squares - 4 * sharing) / (n * (n - 1) * (n - 2) * (n - 3))
