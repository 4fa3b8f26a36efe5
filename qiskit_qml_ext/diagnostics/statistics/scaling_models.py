r"""Laws of decay with an intrinsic scatter, fitted to log variances for whole grids of shapes at once.

No family of circuits follows a simple law exactly, and some widths are known exactly while others are sampled. So each
point y_i scatters with the variance s_i² + τ²: its own squared error and the square of a scatter τ that all points
share, because the law is not exact. A point of known error 10⁻⁶ then counts no more than the law's own misfit allows.

Each law is linear in its coefficients, y = X β, once its shape (an exponent, a place) is fixed. The functions here take
a stack of designs, one for each shape, and maximise the likelihood over β in closed form and over τ on a grid.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import f as f_distribution

from qiskit_qml_ext.arrays import FloatArray

_SCATTERS = np.concatenate([[0.0], np.geomspace(1e-3, 5.0, 24)])  # 45 % apart: deviances are exact to some tenths
SHAPES = np.round(np.arange(-3.0, 3.01, 0.1), 10)
"""The exponents γ of the laws dy/dn ∝ -n^(γ-1) that are compared."""
_NO_POWER = SHAPES[:, None] == 0
_RATES = np.geomspace(0.2, 1.5, 8)  # per qubit, of exponentials that level off
_KNEES = np.linspace(0.1, 0.9, 9)  # where they do, as a share of the range


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """The best fit of each of G designs."""

    deviances: FloatArray
    """-2 ln L up to a constant, shape (G,)."""
    coefficients: FloatArray
    """β, shape (G, k)."""
    scatters: FloatArray
    """τ, shape (G,)."""
    covariances: FloatArray
    """The covariance of β for the known errors and τ, shape (G, k, k)."""
    evidence: FloatArray
    """ln of the likelihood integrated over flat β and ln τ, shape (G,)."""


def fit_designs(designs: FloatArray, y: FloatArray, s: FloatArray) -> Likelihoods:
    """Fit a stack of designs.

    Args:
        designs: Shape (G, N, k).
        y: Log variances, shape (N,).
        s: Their standard errors, shape (N,).
    """
    variances = s**2 + _SCATTERS[:, None] ** 2  # (T, N)
    weights = 1 / variances
    weighted = designs.transpose(0, 2, 1)[:, None] * weights[:, None]  # (G, T, k, N)
    normal = weighted @ designs[:, None]
    coefficients = np.linalg.solve(normal, (weighted @ y)[..., None])[..., 0]  # (G, T, k)
    residuals = y - coefficients @ designs.transpose(0, 2, 1)  # (G, T, N)
    deviances = np.log(variances).sum(axis=1) + np.sum(residuals**2 * weights, axis=2)
    marginal = -0.5 * (deviances + np.linalg.slogdet(normal)[1])
    top = marginal.max(axis=1)
    best, all_designs = deviances.argmin(axis=1), np.arange(len(designs))
    return Likelihoods(
        deviances=deviances[all_designs, best],
        coefficients=coefficients[all_designs, best],
        scatters=_SCATTERS[best],
        covariances=np.linalg.inv(normal[all_designs, best]),
        evidence=top + np.log(np.exp(marginal - top[:, None]).sum(axis=1)),
    )


def shaped_designs(x: FloatArray) -> FloatArray:
    """Return 1 and (n^γ - 1)/γ for each shape γ, the latter over a range of 1, shape (G, N, 2).

    γ = 0 is a power, γ = 1 an exponential; below 0 the decay dies out, between 0 and 1 lie stretched exponentials and
    the likes of n^(-ln n).
    """
    logs = np.log(x) - np.log(x).mean()
    curves = np.where(_NO_POWER, logs, np.expm1(SHAPES[:, None] * logs) / np.where(_NO_POWER, 1.0, SHAPES[:, None]))
    curves -= curves.mean(axis=1, keepdims=True)
    curves /= np.ptp(curves, axis=1)[:, None]
    return np.stack([np.ones_like(curves), -curves], axis=2)


def shape_bounds(likelihoods: Likelihoods, tail: float) -> tuple[float, float]:
    """Return the shapes below and above which a flat prior leaves the probability ``tail``."""
    probability = np.exp(likelihoods.evidence - likelihoods.evidence.max())
    cumulated = np.cumsum(probability / probability.sum())
    low, high = np.searchsorted(cumulated, [tail, 1 - tail])
    return float(SHAPES[low]), float(SHAPES[min(int(high), len(SHAPES) - 1)])


def parity_matters(x: FloatArray, y: FloatArray, s: FloatArray) -> bool:
    """Whether odd widths follow another curve than even ones: an F test at 1 % against every smooth shape.

    With three odd widths or more their offset may grow with the width; with two it is one number.
    """
    odd = x % 2 == 1
    extra = 2 if odd.sum() >= 3 and len(x) >= 7 else 1
    if min(odd.sum(), (~odd).sum()) < 2 or len(x) < 6:
        return False
    columns = [np.where(odd, 0.5, -0.5), np.where(odd, x - x[odd].mean(), 0.0) / x.max()][:extra]
    smooth = shaped_designs(x)[::5]
    both = np.concatenate([smooth, np.tile(np.column_stack(columns), (len(smooth), 1, 1))], axis=2)
    gain = fit_designs(smooth, y, s).deviances.min() - fit_designs(both, y, s).deviances.min()
    return bool(gain > _largest_gain(len(x), 3 + extra, extra, 0.99))


@lru_cache(maxsize=256)
def _largest_gain(points: int, coefficients: int, extra: int, confidence: float) -> float:
    """The deviance that useless columns gain at most, where the scatter is unknown: N ln(1 + extra·F/freedom)."""
    freedom = points - coefficients
    quantile = float(f_distribution.ppf(confidence, extra, freedom))
    return points * float(np.log1p(extra * quantile / freedom))


def deviance_of_levelling(x: FloatArray, y: FloatArray, s: FloatArray) -> float:
    """The smallest deviance of exponentials that level off within the range, y = a + ln(e^(-bn) + e^(-bm))."""
    places = x.min() + _KNEES * (x.max() - x.min())
    rates = _RATES[:, None, None]
    curves = np.logaddexp(-rates * x, -rates * places[None, :, None]).reshape(-1, len(x))
    variances = s**2 + _SCATTERS[:, None] ** 2
    weights = 1 / variances
    rest = y - curves
    offset = rest @ weights.T / weights.sum(axis=1)
    chi_squared = rest**2 @ weights.T - offset**2 * weights.sum(axis=1)
    return float(np.min(np.log(variances).sum(axis=1) + chi_squared))
