r"""Does a variance fall exponentially, as a power, or not at all? Three models, one cautious answer.

The logarithm y of a variance at n qubits, with standard error s, is fitted by weighted least squares to

    constant:     y = a
    polynomial:   y = a - p ln n
    exponential:  y = a - b n

No family of circuits follows one of these exactly at small n, so the scatter of the best model beyond the standard
errors (the Birge ratio) widens all errors, and the models are compared by the small-sample criterion AICc. A model is
only named if it beats every rival that has a different consequence by ``DECISIVE`` units, its rate is different from 0
in the same data, and the wider half of the data agrees. A barren plateau must also beat all shifted powers
y = a - p ln(n + c) with c ≥ 0 and p ≤ 4, which look like exponentials at small n. In all other cases the answer is
"undetermined".
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from qiskit_qml_ext.diagnostics.estimate import Estimate

FloatArray = NDArray[np.float64]
Verdict = Literal["barren plateau", "polynomial", "constant", "undetermined"]

DECISIVE = 6.0
"""Units of AICc by which a model must win: a likelihood ratio of about 20."""
FEWEST_POINTS = 5
"""Fewer widths than this cannot tell three models apart."""
_SMALLEST_RATE = 0.1  # an exponential slower than this per qubit halves only every 7 qubits
_SMALLEST_POWER = 0.4  # a power below this changes a variance by less than a factor 3 from 2 to 20 qubits
_LARGEST_FLAT_POWER = 0.3  # the exponent that the interval of a constant may still contain
_LATER_SHARE = 0.75  # of the overall rate that the wider half must still show; a plateau that ends shows less
_SHIFTS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0)
_LARGEST_POWER = 4.0  # the degree of the polynomials that a barren plateau must exclude
_SMALLEST_ERROR = 1e-6  # of exact variances: only the misfit of the models counts
_LARGEST_ERROR = 0.5  # a point whose log variance is less certain than this does not count


@dataclass(frozen=True)
class ScalingFit:
    """One model fitted to log variances."""

    name: Literal["constant", "polynomial", "exponential"]
    """The model."""
    intercept: float
    """a, the logarithm of the variance at n = 0 (exponential) or n = 1 (polynomial)."""
    rate: Estimate
    """b per qubit (exponential) or the power p (polynomial); 0 for a constant."""
    chi_squared: float
    """The sum of squared residuals in units of the standard errors."""
    aicc: float
    """Akaike's criterion, corrected for small samples, with errors widened to what the best model needs."""
    covariance: tuple[tuple[float, ...], ...]
    """The covariance matrix of intercept and rate, widened likewise."""

    def log_variance(self, num_qubits: float) -> float:
        """Return the model's logarithm of the variance."""
        return float(_design(self.name, np.array([float(num_qubits)]))[0] @ self._coefficients())

    def log_error(self, num_qubits: float) -> float:
        """Return the standard error of :meth:`log_variance`."""
        row = _design(self.name, np.array([float(num_qubits)]))[0]
        return math.sqrt(max(float(row @ np.array(self.covariance) @ row), 0.0))

    def _coefficients(self) -> FloatArray:
        return np.array([self.intercept] if self.name == "constant" else [self.intercept, self.rate.value])


@dataclass(frozen=True)
class ScalingVerdict:
    """The three fits and what follows from them."""

    verdict: Verdict
    """The answer."""
    reason: str
    """Why, in one sentence."""
    fits: tuple[ScalingFit, ...]
    """The fits, best first; empty if there were too few points."""
    used: tuple[bool, ...]
    """Which points were certain enough to be used."""

    @property
    def chosen(self) -> ScalingFit | None:
        """The fit that belongs to the verdict; None if it is undetermined."""
        name = {"barren plateau": "exponential", "polynomial": "polynomial", "constant": "constant"}.get(self.verdict)
        return next((fit for fit in self.fits if fit.name == name), None)

    def fit(self, name: str) -> ScalingFit:
        """Return a fit by its name."""
        return next(fit for fit in self.fits if fit.name == name)


def judge_scaling(
    num_qubits: FloatArray, log_variances: FloatArray, log_errors: FloatArray, *, confidence: float = 0.95
) -> ScalingVerdict:
    """Fit the three models to log variances and say which one holds, if the data can tell.

    Args:
        num_qubits: The widths, shape (N,).
        log_variances: Natural logarithms of the variances, shape (N,); NaN where a variance was not positive.
        log_errors: Their standard errors, shape (N,).
        confidence: The confidence of the intervals of the rates.
    """
    x, y, s = (np.asarray(values, dtype=np.float64) for values in (num_qubits, log_variances, log_errors))
    used = np.isfinite(y) & np.isfinite(s) & (s < _LARGEST_ERROR)
    flags = tuple(bool(flag) for flag in used)
    if used.sum() < 3:
        return ScalingVerdict("undetermined", _few(int(used.sum())), (), flags)
    fits = _fit_all(x[used], y[used], s[used], confidence)
    if used.sum() < FEWEST_POINTS:
        return ScalingVerdict("undetermined", _few(int(used.sum())), fits, flags)
    verdict, reason = _decide(fits, x[used], y[used], np.maximum(s[used], _SMALLEST_ERROR))
    return ScalingVerdict(verdict, reason, fits, flags)


def _few(number: int) -> str:
    return f"{number} usable widths are too few to tell a power from an exponential; {FEWEST_POINTS} are needed."


def _design(name: str, x: FloatArray) -> FloatArray:
    if name == "constant":
        return np.ones((len(x), 1))
    return np.column_stack([np.ones(len(x)), -np.log(x) if name == "polynomial" else -x])


def _fit_all(x: FloatArray, y: FloatArray, s: FloatArray, confidence: float) -> tuple[ScalingFit, ...]:
    names: tuple[Literal["constant", "polynomial", "exponential"], ...] = ("constant", "polynomial", "exponential")
    s = np.maximum(s, _SMALLEST_ERROR)
    solved = {name: _least_squares(_design(name, x), y, s) for name in names}
    freedom = {name: len(x) - solved[name][0].size for name in names}
    widening = _widening(x, y, s)
    fits = []
    for name in names:
        coefficients, covariance, chi_squared = solved[name]
        covariance = covariance * widening
        size = coefficients.size
        aicc = chi_squared / widening + 2 * size + 2 * size * (size + 1) / max(len(x) - size - 1, 1)
        rate = Estimate.exact(0.0)
        if size == 2:
            value, error = float(coefficients[1]), math.sqrt(float(covariance[1, 1]))
            half = float(student_t.ppf((1 + confidence) / 2, freedom[name])) * error
            rate = Estimate(value, error, value - half, value + half, f"weighted least squares, {confidence:.0%}")
        matrix = tuple(tuple(float(entry) for entry in row) for row in covariance)
        fits.append(ScalingFit(name, float(coefficients[0]), rate, float(chi_squared), float(aicc), matrix))
    return tuple(sorted(fits, key=lambda fit: fit.aicc))


def _widening(x: FloatArray, y: FloatArray, s: FloatArray) -> float:
    """The factor on the squared errors at which the best model, shifted powers included, fits as well as it should."""
    ratios = [_least_squares(_design(name, x), y, s)[2] / (len(x) - 2) for name in ("polynomial", "exponential")]
    ratios.append(_least_squares(_design("constant", x), y, s)[2] / (len(x) - 1))
    ratios.append(_shifted_power(x, y, s) / max(len(x) - 3, 1))
    return max(1.0, min(ratios))


def _shifted_power(x: FloatArray, y: FloatArray, s: FloatArray) -> float:
    """The smallest sum of squares of a - p ln(n + c) over the shifts c ≥ 0 and the powers p up to the largest."""
    found = []
    for shift in _SHIFTS:
        coefficients, _, chi_squared = _least_squares(_design("polynomial", x + shift), y, s)
        if coefficients[1] > _LARGEST_POWER:
            rest = y + _LARGEST_POWER * np.log(x + shift)
            chi_squared = _least_squares(_design("constant", x), rest, s)[2]
        found.append(chi_squared)
    return min(found)


def _least_squares(design: FloatArray, y: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    weighted = design / s[:, None]
    covariance = np.linalg.inv(weighted.T @ weighted)
    coefficients = covariance @ weighted.T @ (y / s)
    return (
        np.asarray(coefficients),
        np.asarray(covariance, dtype=np.float64),
        float(np.sum(((y - design @ coefficients) / s) ** 2)),
    )


def _decide(fits: tuple[ScalingFit, ...], x: FloatArray, y: FloatArray, s: FloatArray) -> tuple[Verdict, str]:
    named = {fit.name: fit for fit in fits}
    constant, power, exponential = (named[name] for name in ("constant", "polynomial", "exponential"))
    later = x >= np.median(x)
    slope = _slope(x[later], y[later], s[later])
    shifted = _shifted_power(x, y, s) / _widening(x, y, s)
    gap = f"by {abs(power.aicc - exponential.aicc):.1f} units of AICc"
    if (
        exponential.aicc + DECISIVE < min(power.aicc, constant.aicc)
        and exponential.chi_squared / _widening(x, y, s) + DECISIVE < shifted
        and exponential.rate.low > _SMALLEST_RATE
        and slope > _LATER_SHARE * exponential.rate.value
    ):
        return "barren plateau", f"an exponential fits better than a power {gap}, and the larger half agrees."
    if (
        power.aicc + DECISIVE < min(exponential.aicc, constant.aicc)
        and power.rate.low > _SMALLEST_POWER
        and slope > power.rate.value / (2 * float(np.mean(x[later])))
    ):
        return "polynomial", f"a power of the number of qubits fits better than an exponential {gap}."
    # a constant is a claim about the rivals' rates, not about a test that did not reject
    flat = abs(power.rate.value) < _LARGEST_FLAT_POWER / 2 and power.rate.high < _LARGEST_FLAT_POWER
    if flat and power.rate.low > -_LARGEST_FLAT_POWER and exponential.rate.high < _SMALLEST_RATE:
        return "constant", f"the power of the number of qubits is {power.rate.value:.2f} {power.rate.interval()}."
    return "undetermined", f"power and exponential differ {gap}, which does not decide; study more or wider circuits."


def _slope(x: FloatArray, y: FloatArray, s: FloatArray) -> float:
    """The decay per qubit in part of the data."""
    return float(_least_squares(_design("exponential", x), y, s)[0][1])
