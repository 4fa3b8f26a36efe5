r"""What walks add up to, with intervals that do not trust rare events: job by job, without keeping any walk.

A second moment is a sum over jobs of coefficients times means of values in [0, bound]. The interval of each mean is
made here, and the deviations of independent means add in quadrature. Three kinds of mean are told apart: certain ones,
where no move was drawn by chance; sums that many walks carry; and sums that a few walks carry, or none, where the
largest values may be unseen and the upper end is what an unseen one could add.
"""

import math

import numpy as np
from scipy.special import gammaincinv
from scipy.stats import beta

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.diagnostics.moments.pauli_walks import WalkResult, derivative_bounds, slope_factors
from qiskit_qml_ext.diagnostics.moments.program import MomentProgram
from qiskit_qml_ext.diagnostics.results.result import Estimate
from qiskit_qml_ext.diagnostics.statistics.intervals import mean_estimates

_FEW_WALKS = 50  # if a sum is carried by fewer walks than this, the largest may be unseen
_EQUAL = 1e-12  # relative difference of weights that are equal but for rounding


class MomentSums:
    """Sums over jobs of the loss's second moment, the squared gradient, and the square of each derivative.

    Args:
        program: The circuit.
        terms: The observable's Paulis; |C| is at most the sum of their coefficients' sizes, and |∂C| that times the
            coefficient of the parameter in its angle.
        columns: Positions of the chosen parameters.
        confidence: The confidence of intervals.
    """

    def __init__(
        self,
        program: MomentProgram,
        terms: dict[tuple[int, int], float],
        columns: tuple[int, ...],
        confidence: float,
    ) -> None:
        self._columns, self._confidence = list(columns), confidence
        self.chosen = np.zeros(program.num_parameters, dtype=np.bool_)
        self.chosen[self._columns] = True
        self._bounds = derivative_bounds(program)
        self._largest = sum(abs(coefficient) for coefficient in terms.values()) ** 2
        self._slopes = slope_factors(program)
        self._loss: list[tuple[float, Estimate]] = []
        self._total: list[tuple[float, Estimate]] = []
        self._values, self._variances, self._down, self._up = np.zeros((4, program.num_parameters))
        self._walks = self.hits = 0

    def add(self, coefficient: float, walked: WalkResult, rng: np.random.Generator) -> None:
        """Add the walks of one job."""
        self._walks = len(walked.weights)
        self.hits += int(np.count_nonzero(walked.weights))
        self._loss.append((coefficient, self._mean(walked.weights, 1.0, walked.certain, rng)))
        bound = float(self._bounds[self.chosen & walked.reached].sum())
        self._total.append((coefficient, self._mean(walked.totals, bound, walked.certain, rng)))
        error, low, high = self._derivatives(walked)
        down, up = walked.gradients - low, high - walked.gradients
        self._values += coefficient * walked.gradients
        self._variances += (coefficient * error) ** 2
        self._down += (coefficient * (down if coefficient > 0 else up)) ** 2
        self._up += (coefficient * (up if coefficient > 0 else down)) ** 2

    def loss(self) -> Estimate:
        """E C² of the observable without its constant part."""
        return self._combined(self._loss, self._largest)

    def total(self) -> Estimate:
        """E ‖∇C‖² by the chosen parameters."""
        return self._combined(self._total, float(self._slopes[self.chosen].sum()) * self._largest)

    def gradients(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """E (∂C)² by each chosen parameter, standard errors, and both ends of the intervals."""
        low = np.maximum(self._values - np.sqrt(self._down), 0.0)
        high = np.maximum(np.minimum(self._values + np.sqrt(self._up), self._slopes * self._largest), self._values)
        parts = (self._values, np.sqrt(self._variances), low, high)
        value, error, bottom, top = (np.asarray(part[self._columns]) for part in parts)
        return value, error, bottom, top

    def _combined(self, parts: list[tuple[float, Estimate]], largest: float) -> Estimate:
        """The sum of means with coefficients; the deviations of independent intervals add in quadrature."""
        value = low = high = error = 0.0
        for coefficient, one in parts:
            value += coefficient * one.value
            error += (coefficient * one.standard_error) ** 2
            down, up = one.value - one.low, one.high - one.value
            low += (coefficient * (down if coefficient > 0 else up)) ** 2
            high += (coefficient * (up if coefficient > 0 else down)) ** 2
        method = f"{self._walks} Pauli walks for each of {len(parts)} terms, {self._confidence:.0%}"
        top = max(min(value + math.sqrt(high), largest), value)
        return Estimate(value, math.sqrt(error), max(value - math.sqrt(low), 0.0), top, method)

    def _mean(self, values: FloatArray, bound: float, certain: bool, rng: np.random.Generator) -> Estimate:
        """The mean of values in [0, bound].

        If a few walks carry the sum, larger ones may be unseen: the upper end is then at least what probability
        -ln(1-confidence)/M of the largest possible value would add, and the lower end follows from Markov's inequality
        for an unbiased estimate that is never negative. If all values that are not zero are equal, the interval is
        binomial. If all walks are alike by chance, others may be missing.
        """
        size, hits = len(values), int(np.count_nonzero(values))
        value = float(values.mean())
        if certain or bound == 0:
            return Estimate.exact(value)
        probability = -math.log(1 - self._confidence) / size
        rare = probability * bound
        if not hits:
            return Estimate(0.0, bound / size, 0.0, rare)
        top, bottom = float(values.max()), float(values[values > 0].min())
        error = float(values.std() / math.sqrt(size))
        few = float(values.sum()) ** 2 / float(np.sum(values**2)) < _FEW_WALKS
        if top - bottom <= _EQUAL * top:
            tail = (1 - self._confidence) / 2
            low = float(beta.ppf(tail, hits, size - hits + 1)) * top
            high = top if hits == size else float(beta.ppf(1 - tail, hits + 1, size - hits)) * top
            if hits == size or (few and top < bound * (1 - _EQUAL)):
                high = max(high, value + probability * max(bound - top, 0.0))
            return Estimate(value, max(error, top / size if hits == size else 0.0), low, high)
        estimate = mean_estimates(values[:, None], rng, confidence=self._confidence, positive=True)[0]
        if few:
            return Estimate(value, error, value * (1 - self._confidence), max(estimate.high, value + rare))
        return estimate

    def _derivatives(self, walked: WalkResult) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Standard errors and both ends of the intervals of E (∂C)² by each parameter, from mean and mean square.

        The ends are quantiles of gamma distributions with the mean and the variance of the estimate, for the upper one
        those with one more walk of the largest possible value (Fay and Feuer, Statistics in Medicine 16, 791, 1997, for
        sums of weighted Poisson counts): exact for counts, so they hold for few walks and for none.
        """
        size, mean = len(walked.weights), walked.gradients
        if walked.certain:
            return np.zeros_like(mean), mean, mean
        tail = (1 - self._confidence) / 2
        bounds = np.where(walked.reached, self._bounds, 0.0)
        unit = np.where(np.isfinite(bounds), bounds, 0.0) / size
        variance = np.maximum(walked.gradient_squares - mean**2, 0.0) / max(size - 1, 1)
        hit = mean > 0
        # if all walks are alike, others may be missing
        spread = np.maximum(variance, np.where(hit, (2 * mean / size) ** 2, 0.0))
        low, high = np.zeros_like(mean), np.zeros_like(mean)
        low[hit] = _gamma_quantile(mean[hit], spread[hit], tail)
        more = unit > 0
        high[more] = _gamma_quantile((mean + unit)[more], (variance + unit**2)[more], 1 - tail)
        high = np.where(np.isinf(bounds), math.inf, np.maximum(high, mean))
        return np.where(hit, np.sqrt(np.maximum(variance, (mean / size) ** 2)), unit), low, high


def _gamma_quantile(mean: FloatArray, variance: FloatArray, probability: float) -> FloatArray:
    """The quantile of the gamma distribution with this mean and variance."""
    return np.asarray(gammaincinv(mean**2 / variance, probability) * variance / mean)
