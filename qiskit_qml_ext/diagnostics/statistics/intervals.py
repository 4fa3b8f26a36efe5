"""Confidence intervals for means, variances and covariances of independent samples.

All intervals are studentised bootstraps (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 12):
each resample is measured in units of its own standard error, which corrects for skewness where a plain percentile
interval does not. Numbers that cannot be negative are handled on a logarithmic scale. A resample enters only through
the sums of its powers, so all columns of an array are resampled together by one matrix product, a few resamples at a
time: memory does not grow with the number of samples times that of resamples. The mean of very many samples is
resampled as that of the means of groups, whose t statistic has the same skewness.
"""

import math

import numpy as np
from scipy.stats import t as student_t

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.results.result import Estimate

RESAMPLES = 1000
_GROUPS = 4096  # groups of samples that are resampled instead of more than twice as many samples
_BLOCK = 1 << 20  # numbers in a block of resamples
_COLUMNS = 1024  # columns that are resampled together
_VANISHING = 1e-26  # squared relative rounding error of a sum of thousands of terms: a variance below it is zero


def mean_estimates(
    values: FloatArray, rng: np.random.Generator, *, confidence: float = 0.95, positive: bool = False
) -> list[Estimate]:
    """Estimate the mean of each column.

    Args:
        values: Independent samples, shape (M, P).
        rng: Draws the resamples.
        confidence: The probability with which an interval contains the mean.
        positive: Whether the values are never negative; then the interval is made for the logarithm of the mean.
    """
    values = _columns(values)
    if values.shape[1] > _COLUMNS:
        blocks = (values[:, k : k + _COLUMNS] for k in range(0, values.shape[1], _COLUMNS))
        return [e for block in blocks for e in mean_estimates(block, rng, confidence=confidence, positive=positive)]
    size = len(values)
    centre = values.mean(axis=0)
    shifted = values - centre
    error = np.sqrt(_mean(shifted**2) / max(size - 1, 1))
    method = f"mean of {size} samples, {_describe(confidence)}"
    if size < 3:
        return [Estimate(float(value), math.nan, -math.inf, math.inf, method) for value in centre]
    grouped = _grouped(shifted)
    first, second = _resampled((grouped, grouped**2), rng)
    errors = np.sqrt(np.maximum(second - first**2, 0.0) / (len(grouped) - 1))
    if positive:
        return _log_intervals(centre, error, centre + first, errors, _rounding(values), confidence, method)
    return _linear_intervals(centre, error, first, errors, confidence, method)


def variance_estimates(values: FloatArray, rng: np.random.Generator, *, confidence: float = 0.95) -> list[Estimate]:
    """Estimate the variance of each column, with intervals from its fourth moment on a logarithmic scale.

    Args:
        values: Independent samples, shape (M, P).
        rng: Draws the resamples.
        confidence: The probability with which an interval contains the variance.
    """
    values = _columns(values)
    if values.shape[1] > _COLUMNS:
        blocks = (values[:, k : k + _COLUMNS] for k in range(0, values.shape[1], _COLUMNS))
        return [estimate for block in blocks for estimate in variance_estimates(block, rng, confidence=confidence)]
    size = len(values)
    method = f"unbiased variance of {size} samples, {_describe(confidence)}"
    shifted = values - values.mean(axis=0)
    variance = _mean(shifted**2) * (size / max(size - 1, 1))
    if size < 4:
        return [Estimate(float(value), math.nan, 0.0, math.inf, method) for value in variance]
    error = _variance_error(variance, _mean(shifted**4), size)
    m1, m2, m3, m4 = _resampled(tuple(shifted**power for power in (1, 2, 3, 4)), rng)
    central = np.maximum(m2 - m1**2, 0.0)
    fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
    drawn = central * (size / (size - 1))
    errors = _variance_error(drawn, fourth, size)
    return _log_intervals(variance, error, drawn, errors, _rounding(values), confidence, method)


def covariance_estimates(
    first: FloatArray, second: FloatArray, rng: np.random.Generator, *, confidence: float = 0.95
) -> list[Estimate]:
    """Estimate the covariance of the columns of two arrays, for example of two noisy readings of one quantity.

    If the noise of the readings is independent, their covariance is the variance of the quantity itself, unbiased. It
    may come out negative; the upper end of the interval is then what can be said.

    Args:
        first: Samples, shape (M, P).
        second: Samples of the same shape; row i belongs to row i of ``first``.
        rng: Draws the resamples.
        confidence: The probability with which an interval contains the covariance.
    """
    first, second = _columns(first), _columns(second)
    if first.shape[1] > _COLUMNS:
        pairs = ((first[:, k : k + _COLUMNS], second[:, k : k + _COLUMNS]) for k in range(0, first.shape[1], _COLUMNS))
        return [e for one, other in pairs for e in covariance_estimates(one, other, rng, confidence=confidence)]
    size = len(first)
    a, b = first - first.mean(axis=0), second - second.mean(axis=0)
    value = _mean(a * b) * (size / max(size - 1, 1))
    method = f"product of independent halves, {size} samples, {_describe(confidence)}"
    if size < 4:
        return [Estimate(float(entry), math.nan, -math.inf, math.inf, method) for entry in value]
    products = a * b
    error = np.sqrt(np.maximum(_mean(products**2) - _mean(products) ** 2, 0.0) / (size - 1))
    mean, square, mean_a, mean_b = _resampled((products, products**2, a, b), rng)
    drawn = (mean - mean_a * mean_b) * (size / (size - 1))
    errors = np.sqrt(np.maximum(square - mean**2, 0.0) / (size - 1))
    return _linear_intervals(value, error, drawn - value, errors, confidence, method)


def jackknife(leave_one_out: FloatArray) -> float:
    """Return the delete-one jackknife standard error √((n-1)/n Σ(θ_(i) - θ̄)²) of a statistic of n samples.

    The entries of a kernel matrix share samples, so they are not independent: leaving out one sample with its whole
    row and column gives an error that takes this into account. It is too large rather than too small (Efron and Stein,
    Ann. Statist. 9, 586, 1981), at most by √2 for a mean of pairs.
    """
    size = leave_one_out.size
    if size < 3 or not np.all(np.isfinite(leave_one_out)):
        return math.nan
    return float(np.sqrt((size - 1) / size * np.sum((leave_one_out - leave_one_out.mean()) ** 2)))


def jackknife_estimate(value: float, leave_one_out: FloatArray, *, low: float = -math.inf) -> Estimate:
    """Return a statistic with its :func:`jackknife` error and 95 % interval, Student's t with n - 1 degrees of freedom.

    Args:
        value: The statistic of all samples.
        leave_one_out: The statistic without sample i, shape (n,).
        low: The least value that the statistic can have.
    """
    error = jackknife(leave_one_out)
    half = float(student_t.ppf(0.975, max(leave_one_out.size - 1, 1))) * error
    return Estimate(value, error, max(value - half, low), value + half)


def _columns(values: FloatArray) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def _mean(values: FloatArray) -> FloatArray:
    return np.asarray(values.mean(axis=0))


def _rounding(values: FloatArray) -> FloatArray:
    """The size below which a second moment of each column is rounding error."""
    return np.asarray(_VANISHING * np.maximum((values**2).max(axis=0, initial=0.0), 1e-280))


def _variance_error(variance: FloatArray, fourth: FloatArray, size: int) -> FloatArray:
    """√[(μ₄ - σ⁴(M-3)/(M-1))/M], the standard error of an unbiased variance."""
    return np.sqrt(np.maximum(fourth - variance**2 * (size - 3) / (size - 1), 0.0) / size)


def _describe(confidence: float) -> str:
    return f"{confidence:.0%} studentised bootstrap"


def _grouped(deviations: FloatArray) -> FloatArray:
    """Deviations of group means, which average to 0 as those of all samples do; those of few samples themselves.

    The groups differ by one sample in size at most; sums of deviations do not mind.
    """
    size, columns = deviations.shape
    if size <= 2 * _GROUPS:
        return deviations
    rest = -size % _GROUPS
    padded = np.concatenate([deviations, np.zeros((rest, columns))]).reshape(-1, _GROUPS, columns)
    return np.asarray(padded.sum(axis=0) * (_GROUPS / size))


def _resampled(arrays: tuple[FloatArray, ...], rng: np.random.Generator) -> list[FloatArray]:
    """The means of the columns of resampled arrays, shape (RESAMPLES, P) each; all arrays are resampled alike."""
    size, columns = arrays[0].shape
    resampled = [np.empty((RESAMPLES, columns)) for _ in arrays]
    step = max(_BLOCK // size, 1)
    for first in range(0, RESAMPLES, step):
        number = min(step, RESAMPLES - first)
        picks = rng.integers(0, size, size=(number, size))
        picks += np.arange(number)[:, None] * size
        weights = np.bincount(picks.ravel(), minlength=number * size).reshape(number, size) / size
        for draws, array in zip(resampled, arrays, strict=True):
            draws[first : first + number] = weights @ array
    return resampled


def _linear_intervals(
    value: FloatArray,
    error: FloatArray,
    deviations: FloatArray,
    errors: FloatArray,
    confidence: float,
    method: str,
) -> list[Estimate]:
    low, high = _quantiles(deviations, errors, confidence)
    bounds = zip(value, error, value - high * error, value - low * error, strict=True)
    return [Estimate(float(v), float(e), float(a), float(b), method) for v, e, a, b in bounds]


def _log_intervals(
    value: FloatArray,
    error: FloatArray,
    drawn: FloatArray,
    errors: FloatArray,
    rounding: FloatArray,
    confidence: float,
    method: str,
) -> list[Estimate]:
    zero = value <= rounding
    safe = np.where(zero, 1.0, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviations = np.log(np.where(drawn > 0, drawn, np.nan) / safe)
        low, high = _quantiles(deviations, errors / drawn, confidence)
    relative = np.where(zero, 0.0, error / safe)
    with np.errstate(over="ignore"):
        bottom = np.where(zero, 0.0, safe * np.exp(-high * relative))
        top = np.where(zero, 0.0, safe * np.exp(-low * relative))
    bounds = zip(np.where(zero, 0.0, value), np.where(zero, 0.0, error), bottom, top, strict=True)
    return [Estimate(float(v), float(e), float(a), float(b), method) for v, e, a, b in bounds]


def _quantiles(deviations: FloatArray, errors: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Quantiles of the resampled t statistics of each column; resamples without spread carry no information."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = deviations / errors
    t = np.where(np.isfinite(t), t, 0.0)
    tail = (1 - confidence) / 2
    low, high = np.quantile(t, [tail, 1 - tail], axis=0)
    return np.asarray(low), np.asarray(high)
