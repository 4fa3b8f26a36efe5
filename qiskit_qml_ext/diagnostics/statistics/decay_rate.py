"""How fast noise damps a variance with the depth, and the depth at which it falls below the variance of the shots."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student_t

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.intervals import jackknife

Losses = tuple[FloatArray, FloatArray, FloatArray]
"""Losses without noise, and two independent readings of those with noise; one twice where it is exact."""

_RESAMPLES = 1000
_BLOCK = 1 << 20  # numbers in a block of resamples
_SEEN = 2.0  # a depth counts for the rate if its damping is so many standard errors above 0
_NOTHING = 1e-24  # of the clean variance: exact losses under noise that scatter less scatter by rounding
_FLOOR = 0.01  # of the damping: what a resample counts as at the least, whose covariance came out near 0 or below


def damping_and_rate(
    layers: Sequence[int], losses: list[Losses], rng: np.random.Generator, confidence: float
) -> tuple[tuple[Estimate, ...], Estimate, tuple[int, ...]]:
    """The ratio of the variances at each depth, the slope of its logarithm, and the depths that it comes from.

    The error of a ratio is a jackknife, the interval of the slope a bootstrap of the points, each point with its losses
    with and without noise: where these scatter because trajectories are few, so do both.
    """
    size = len(losses[0][0])
    tail = (1 - confidence) / 2
    quantile = float(student_t.ppf(1 - tail, size - 1))
    method = f"bootstrap percentiles over {size} paired samples, {confidence:.0%}"
    damping, used, logs, drawn = [], [], [], []
    for depth, (clean, one, other) in zip(layers, losses, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = float(_covariance(one, other) / clean.var())
            error = jackknife(_covariances_without(one, other) / _covariances_without(clean, clean))
            draws = _resampled_ratios(clean, one, other, rng)
        half = quantile * error
        paired = f"jackknife over {size} paired samples, {confidence:.0%}"
        damping.append(Estimate(ratio, error, ratio - half, ratio + half, paired))
        if ratio > (_NOTHING if one is other else _SEEN * error):
            used.append(depth)
            with np.errstate(divide="ignore", invalid="ignore"):
                logs.append(float(np.log(ratio)))
                drawn.append(np.log(draws if one is other else np.maximum(draws, _FLOOR * ratio)))
    if len(used) < 2:
        return tuple(damping), Estimate(math.nan, math.nan, -math.inf, math.inf, method), tuple(used)
    depths = np.array(used, dtype=np.float64)
    weights = 1 / np.maximum(np.array([draw.std() for draw in drawn]), 1e-9) ** 2
    slopes = -_slope(depths, np.array(drawn), weights)
    low, high = np.quantile(slopes, [tail, 1 - tail])
    value = -float(_slope(depths, np.array(logs)[:, None], weights)[0])
    return tuple(damping), Estimate(value, float(slopes.std()), float(low), float(high), method), tuple(used)


def _resampled_ratios(clean: FloatArray, one: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The ratio of variances in each resample of the points, a few resamples at a time."""
    size = len(clean)
    step = max(_BLOCK // size, 1)
    ratios = []
    for first in range(0, _RESAMPLES, step):
        picks = rng.integers(0, size, (min(step, _RESAMPLES - first), size))
        ratios.append(_covariance(one[picks], other[picks]) / clean[picks].var(axis=1))
    return np.concatenate(ratios)


def _covariance(one: FloatArray, other: FloatArray) -> FloatArray:
    """The covariance along the last axis."""
    shifted = one - one.mean(axis=-1, keepdims=True)
    return np.asarray((shifted * (other - other.mean(axis=-1, keepdims=True))).mean(axis=-1))


def _covariances_without(one: FloatArray, other: FloatArray) -> FloatArray:
    """The covariances of all samples but one, shape (M,)."""
    a, b = one - one.mean(), other - other.mean()
    rest = len(a) - 1
    return np.asarray((np.sum(a * b) - a * b) / rest - a * b / rest**2)


def _slope(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted least-squares slope of each column of ``y``."""
    w = weights / weights.sum()
    centred = x - w @ x
    return np.asarray((w * centred) @ (y - w @ y) / (w @ centred**2))


def useful_depth(clean_variance: float, rate: Estimate, noise: float) -> Estimate:
    """Where clean variance times exp(-rate·L) meets the variance of the shots."""
    if math.isnan(rate.value):
        return Estimate(math.nan, math.nan, 0.0, math.inf, "no rate is known")
    headroom = math.log(max(clean_variance / noise, 1.0)) if noise > 0 else math.inf

    def depth(slope: float) -> float:
        return headroom / slope if slope > 0 else math.inf

    error = depth(rate.value) * rate.standard_error / rate.value if rate.value > 0 else math.nan
    return Estimate(
        depth(rate.value), error, depth(rate.high), depth(rate.low), "clean variance of the deepest circuit"
    )
