r"""Does a variance fall exponentially, as a power, or not at all? Three models, one cautious answer.

The logarithm y of a variance at n qubits, with standard error s, is fitted to

    constant:     y = a
    polynomial:   y = a - p ln n
    exponential:  y = a - b n

No family of circuits follows one of these exactly at small n, so every point has, beside its own error, a scatter τ
that all share, found by maximum likelihood (:mod:`~qiskit_qml_ext.diagnostics.statistics.scaling_models`): a point that
is known exactly counts no more than the misfit of the law allows. Which law holds is read off the shape γ of the
general one

    y = a - k (n^γ - 1)/γ,

a power at γ = 0 and an exponential at γ = 1. A law is named only if the data confine γ to its neighbourhood, so that
what lies in between (exp(-√n), n^(-ln n)) is named neither; if even and odd widths follow one curve; if the rate is
different from 0 and the wider half agrees. A barren plateau must also beat all shifted powers y = a - p ln(n + c) with
c ≥ 0 and p ≤ 4, which look like exponentials at small n, and a power must not be an exponential that levels off. If the
wider half is flat over a factor of two in width, the variance has levelled off: constant from there on. Constant means
a power whose whole interval is small, not one that is 0. In all other cases the answer is "undetermined". Every answer
holds for the widths that were studied.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.scaling_models import (
    SHAPES,
    deviance_of_levelling,
    fit_designs,
    parity_matters,
    shape_bounds,
    shaped_designs,
)

Model = Literal["constant", "polynomial", "exponential"]
ScalingVerdict = Literal["barren plateau", "polynomial", "constant", "undetermined"]

FEWEST_POINTS = 5
"""Fewer widths than this cannot tell three models apart."""
_DECISIVE = 6.0  # the difference of deviances by which shifted powers must lose: a likelihood ratio of 20
_SMALLEST_RATE = 0.1  # an exponential slower than this per qubit halves only every 7 qubits
_SMALLEST_POWER = 0.4  # a power below this changes a variance by less than a factor 3 from 2 to 20 qubits
_LARGEST_FLAT_POWER = 0.3  # the exponent that the interval of a constant may still contain
_LATER_SHARE = 0.75  # of the overall rate that the wider half must still show; a plateau that ends shows less
_SMALLEST_LATER_SHARE = 0.6  # of the overall power, if the error of the wider half's is large
_LEVEL_FACTOR = 2.0  # the wider half must reach so many times as far as where it starts to have levelled off
_TAIL = 0.1  # the probability on either side that a shape may lie beyond its bounds
# A law is named if the lower (upper) bound of γ is large (small) enough; less is asked of it where the best γ fits.
_EXPONENTIAL_SHAPES = ((0.75, -math.inf), (0.6, 0.8), (0.5, 0.9))  # 2^-n/n has γ = 0.75 from some ten qubits on
_POWER_SHAPES = ((0.4, math.inf), (0.5, 0.1))
_STEEPENING = 0.2  # the largest γ of a power if the data show that the decay steepens
_SMALLEST_POWER_SHAPE, _LIKELY_POWER_SHAPE = -1.25, -0.85  # below, the decay dies out within the range
_LEVELLING_MARGIN = 2.0  # the deviance by which a decay that ends must be better before it forbids a power
_SHIFTS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0)
_LARGEST_POWER = 4.0  # the degree of the polynomials that a barren plateau must exclude
_SMALLEST_ERROR = 1e-3  # of exact variances: no family follows a law more closely
_LARGEST_ERROR = 0.5  # a point whose log variance is less certain than this does not count


@dataclass(frozen=True)
class ScalingFit:
    """One model fitted to log variances."""

    name: Model
    """The model."""
    intercept: float
    """a, the logarithm of the variance at n = 0 (exponential) or n = 1 (polynomial)."""
    rate: Estimate
    """b per qubit (exponential) or the power p (polynomial); 0 for a constant."""
    chi_squared: float
    """The sum of squared residuals in units of √(s² + τ²)."""
    aicc: float
    """Akaike's criterion, corrected for small samples; τ counts as a coefficient."""
    covariance: tuple[tuple[float, ...], ...]
    """The covariance matrix of intercept and rate."""
    scatter: float = 0.0
    """τ, the scatter of log variances about the model beyond their errors."""
    first_width: float = 0.0
    """The smallest width that was fitted: the wider half's for a variance that has levelled off."""

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
class ScalingJudgement:
    """The three fits and what follows from them."""

    verdict: ScalingVerdict
    """The answer."""
    reason: str
    """Why, in one sentence."""
    fits: tuple[ScalingFit, ...]
    """The fits, best first; empty if there were too few points."""
    used: tuple[bool, ...]
    """Which points were certain enough to be used."""
    shape: Estimate | None = None
    """γ with the bounds that leave 10 % on either side: 0 for a power, 1 for an exponential; None if there were too few
    points, or they are flat."""
    levelled_off_from: float | None = None
    """The width from which on the variance is constant, if it is so only from there on."""
    flat: ScalingFit | None = None
    """The power that was fitted to a variance that is called constant: its interval bounds how much it changes."""

    @property
    def chosen(self) -> ScalingFit | None:
        """The fit that belongs to the verdict; None if it is undetermined."""
        name = {"barren plateau": "exponential", "polynomial": "polynomial", "constant": "constant"}.get(self.verdict)
        return next((fit for fit in self.fits if fit.name == name), None)

    def fit(self, name: str) -> ScalingFit:
        """Return a fit by its name."""
        return next(fit for fit in self.fits if fit.name == name)


def judge_scaling(
    num_qubits: FloatArray,
    log_variances: FloatArray,
    log_errors: FloatArray,
    *,
    confidence: float = 0.95,
    unit: str = "qubit",
) -> ScalingJudgement:
    """Fit the three models to log variances and say which one holds, if the data can tell.

    Args:
        num_qubits: The widths, shape (N,).
        log_variances: Natural logarithms of the variances, shape (N,); NaN where a variance was not positive.
        log_errors: Their standard errors, shape (N,).
        confidence: The confidence of the intervals of the rates.
        unit: What the widths count, for the words.
    """
    x, y, s = (np.asarray(values, dtype=np.float64) for values in (num_qubits, log_variances, log_errors))
    used = np.isfinite(y) & np.isfinite(s) & (s < _LARGEST_ERROR)
    flags = tuple(bool(flag) for flag in used)
    if used.sum() < 3:
        return ScalingJudgement("undetermined", _few(int(used.sum())), (), flags)
    data = _Data(x[used], y[used], np.maximum(s[used], _SMALLEST_ERROR), confidence, unit)
    if used.sum() < FEWEST_POINTS:
        return ScalingJudgement("undetermined", _few(int(used.sum())), data.fits(), flags)
    return _decide(data, flags)


def _few(number: int) -> str:
    return f"{number} usable widths are too few to tell a power from an exponential; {FEWEST_POINTS} are needed."


def _design(name: str, x: FloatArray) -> FloatArray:
    if name == "constant":
        return np.ones((len(x), 1))
    return np.column_stack([np.ones(len(x)), -np.log(x) if name == "polynomial" else -x])


@dataclass(frozen=True, eq=False)
class _Data:
    """Widths, log variances and their errors that can be used."""

    x: FloatArray
    y: FloatArray
    s: FloatArray
    confidence: float
    unit: str

    def later(self) -> "_Data":
        """The wider half."""
        late = self.x >= np.median(self.x)
        return _Data(self.x[late], self.y[late], self.s[late], self.confidence, self.unit)

    def fits(self) -> tuple[ScalingFit, ...]:
        names: tuple[Model, ...] = ("constant", "polynomial", "exponential")
        return tuple(sorted((self.fit(name) for name in names), key=lambda fit: fit.aicc))

    def fit(self, name: Model) -> ScalingFit:
        design = _design(name, self.x)
        solution = fit_designs(design[None], self.y, self.s)
        size, number = design.shape[1], len(self.x)
        coefficients, scatter = solution.coefficients[0], float(solution.scatters[0])
        freedom = max(number - size, 1)
        # the likelihood's τ is too small by the degrees of freedom that the coefficients took
        covariance = solution.covariances[0] * (number / freedom if scatter > 0 else 1.0)
        counted = size + 1
        rate = Estimate.exact(0.0)
        if size == 2:
            value, error = float(coefficients[1]), math.sqrt(float(covariance[1, 1]))
            half = float(stdtrit(freedom, (1 + self.confidence) / 2)) * error
            rate = Estimate(value, error, value - half, value + half, f"maximum likelihood, {self.confidence:.0%}")
        return ScalingFit(
            name=name,
            intercept=float(coefficients[0]),
            rate=rate,
            chi_squared=float(np.sum((self.y - design @ coefficients) ** 2 / (self.s**2 + scatter**2))),
            aicc=float(solution.deviances[0]) + 2 * counted * number / max(number - counted - 1, 1),
            covariance=tuple(tuple(float(entry) for entry in row) for row in covariance),
            scatter=scatter,
            first_width=float(self.x.min()),
        )


def _decide(data: _Data, flags: tuple[bool, ...]) -> ScalingJudgement:
    fits = data.fits()

    def verdict(name: ScalingVerdict, reason: str) -> ScalingJudgement:
        return ScalingJudgement(name, reason, fits, flags, shape)

    shape: Estimate | None = None
    if parity_matters(data.x, data.y, data.s):
        return verdict("undetermined", "even and odd widths follow different curves; study each of them on its own.")
    power, exponential = (next(fit for fit in fits if fit.name == name) for name in ("polynomial", "exponential"))
    if _is_flat(power) and exponential.rate.high < _SMALLEST_RATE:
        return ScalingJudgement("constant", _flat_reason(power, data.unit), fits, flags, shape, flat=power)
    later = data.later()
    level = later.fit("polynomial")
    if len(later.x) >= 4 and later.x.max() >= _LEVEL_FACTOR * later.x.min() and _is_flat(level):
        constant = (later.fit("constant"), *(fit for fit in fits if fit.name != "constant"))
        start = float(later.x.min())
        reason = f"from {start:.0f} {data.unit}s on {_flat_reason(level, data.unit)}"
        return ScalingJudgement("constant", reason, constant, flags, None, start, level)
    shapes = fit_designs(shaped_designs(data.x), data.y, data.s)
    low, high = shape_bounds(shapes, _TAIL)
    best = float(SHAPES[int(np.argmin(shapes.deviances))])
    shape = Estimate(best, math.nan, min(low, best), max(high, best), f"posterior of a flat prior, {1 - 2 * _TAIL:.0%}")
    if max(power.rate.value, exponential.rate.value) <= 0:
        return verdict("undetermined", "the variance does not fall over these widths as a whole.")
    steep = any(low >= bound and best >= middle for bound, middle in _EXPONENTIAL_SHAPES)
    if steep and _is_exponential(data, exponential, later, float(shapes.deviances.min())):
        reason = f"{_shape_words(shape)}: an exponential, no power fits, and the wider half agrees."
        return verdict("barren plateau", reason)
    steepens = low > 0 and high > _STEEPENING
    confined = low >= _SMALLEST_POWER_SHAPE and best >= _LIKELY_POWER_SHAPE
    confined = confined and any(high <= bound and best <= middle for bound, middle in _POWER_SHAPES)
    if confined and not steepens and _is_power(data, power, level, float(shapes.deviances.min())):
        return verdict("polynomial", f"{_shape_words(shape)}: a power, and the wider half agrees.")
    return verdict(
        "undetermined",
        f"{_shape_words(shape)}, which is neither clearly that of a power (0) nor of an exponential (1); study more or "
        "wider circuits.",
    )


def _shape_words(shape: Estimate) -> str:
    return f"the shape of the decay is γ = {shape.value:.1f} [{shape.low:.1f}, {shape.high:.1f}] (80 %)"


def _is_flat(power: ScalingFit) -> bool:
    """A constant is a claim about the rivals' rates, not about a test that did not reject."""
    small = abs(power.rate.value) < _LARGEST_FLAT_POWER / 2
    return small and power.rate.low > -_LARGEST_FLAT_POWER and power.rate.high < _LARGEST_FLAT_POWER


def _flat_reason(power: ScalingFit, unit: str) -> str:
    return f"the power of the number of {unit}s is {power.rate.value:.2f} {power.rate.interval()}."


def _is_exponential(data: _Data, exponential: ScalingFit, later: _Data, deviance: float) -> bool:
    """Whether the decay is fast enough, goes on in the wider half, and is no shifted power."""
    goes_on = later.fit("exponential").rate.value > _LATER_SHARE * exponential.rate.value
    fast = exponential.rate.low > _SMALLEST_RATE
    return fast and goes_on and _shifted_power(data) > deviance + _DECISIVE


def _is_power(data: _Data, power: ScalingFit, later: ScalingFit, deviance: float) -> bool:
    """Whether the power is large enough, is found in the wider half too, and is no decay that ends."""
    share = later.rate.value / power.rate.value
    goes_on = share > _SMALLEST_LATER_SHARE and share + later.rate.standard_error / power.rate.value > _LATER_SHARE
    ends = deviance_of_levelling(data.x, data.y, data.s) + _LEVELLING_MARGIN < deviance
    return power.rate.low > _SMALLEST_POWER and goes_on and not ends


def _shifted_power(data: _Data) -> float:
    """The smallest deviance of a - p ln(n + c) over the shifts c ≥ 0 and the powers p up to the largest."""
    designs = np.array([_design("polynomial", data.x + shift) for shift in _SHIFTS])
    free = fit_designs(designs, data.y, data.s)
    deviances = []
    for shift, deviance, power in zip(_SHIFTS, free.deviances, free.coefficients[:, 1], strict=True):
        if power > _LARGEST_POWER:
            rest = data.y + _LARGEST_POWER * np.log(data.x + shift)
            deviance = fit_designs(_design("constant", data.x)[None], rest, data.s).deviances[0]
        deviances.append(float(deviance))
    return min(deviances)
