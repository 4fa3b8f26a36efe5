"""Comparing two models on the same folds without fooling oneself."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy.stats import t as student_t

from qiskit_qml_ext.checks import check_arguments

SIGNIFICANCE = 0.05
"""Below this p value a difference is called significant."""


@dataclass(frozen=True)
class Comparison:
    """The difference between two models' scores on the same folds, from :func:`corrected_t_test`."""

    difference: float
    """The mean of (first - second) over the folds."""
    standard_error: float
    """Its corrected standard error."""
    statistic: float
    """The t statistic; NaN if the difference is 0 on all folds and the size of a test fold is not known."""
    degrees_of_freedom: int
    """The number of folds minus one."""
    p_value: float
    """Two-sided."""
    low: float
    """Lower end of the 95 % confidence interval of the difference; NaN where the statistic is."""
    high: float
    """Upper end; NaN as the lower end."""
    other: str = ""
    """The key of the second model, where the comparison is part of an evaluation."""

    @property
    def is_better(self) -> bool:
        """Whether the first model is significantly better."""
        return self.difference > 0 and self.p_value < SIGNIFICANCE

    @property
    def is_worse(self) -> bool:
        """Whether the first model is significantly worse."""
        return self.difference < 0 and self.p_value < SIGNIFICANCE

    @property
    def smallest_difference(self) -> float:
        """The smallest difference that would have been significant with this spread; NaN where the statistic is."""
        if math.isnan(self.statistic):
            return math.nan
        return float(student_t.ppf(1 - SIGNIFICANCE / 2, self.degrees_of_freedom)) * self.standard_error

    def within(self, lowest: float, highest: float) -> "Comparison":
        """Return the comparison with its interval cut to what two scores between these limits can differ by."""
        most = highest - lowest
        return self if math.isnan(self.low) else replace(self, low=max(self.low, -most), high=min(self.high, most))

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary."""
        return asdict(self)


# Names of scores, or how they begin, with their smallest and largest value; all others may have any.
_RANGES = (
    (("accuracy", "balanced_accuracy", "top_k_accuracy", "average_precision", "f1", "jaccard"), 0.0, 1.0),
    (("precision", "recall", "roc_auc"), 0.0, 1.0),
    (("matthews_corrcoef",), -1.0, 1.0),
    (("r2", "explained_variance", "d2_"), -math.inf, 1.0),
    (("neg_",), -math.inf, 0.0),
)


def score_range(scoring: str) -> tuple[float, float]:
    """Return the smallest and the largest value that a score of this name can have."""
    for beginnings, lowest, highest in _RANGES:
        if scoring.startswith(beginnings):
            return lowest, highest
    return -math.inf, math.inf


# Scores are proportions of samples or sums over them; differences below this are rounding errors of their means.
_SAME_SCORE = 1e-12


@check_arguments()
def corrected_t_test(
    first: Sequence[float],
    second: Sequence[float],
    *,
    test_fraction: float,
    test_size: float | None = None,
    other: str = "",
) -> Comparison:
    r"""Compare two models by their scores on the same J folds with the corrected resampled t-test.

    The folds' training sets overlap, so scores are not independent and the usual paired t-test finds differences that
    are not there. Nadeau and Bengio's correction replaces the variance of the mean, σ²/J, by (1/J + n_test/n_train)σ²:

        t = d̄ / √((1/J + n_test/n_train) σ²),  J - 1 degrees of freedom,

    with d̄ the mean and σ² the variance (divisor J - 1) of the J differences. J may run over the folds of a repeated
    cross-validation: the second term keeps the interval from shrinking to nothing as the same data are split again.

    With few test samples the differences can agree by chance, and σ² is then far too small, or 0. Where a score is the
    fraction of m = ``test_size`` test samples that are right, it has a lower limit: models whose right answers differ
    on a fraction d of the samples at least have differences of variance d(1 - d)/m or more. σ² is not taken below that,
    with d = (|d̄|·n + 1)/(n + 2), n = m·(1 + n_train/n_test), Laplace's estimate from all n samples.

    Where no ``test_size`` is known and the difference is exactly the same on all folds, the test is done as if one more
    fold showed no difference at all. Only as many folds count as one round of cross-validation has, 1 + n_train/n_test,
    since another round repeats what the first one said. If there is no difference on any fold, the p value is 1.

    Args:
        first: The first model's scores, higher is better, one for each fold.
        second: The second model's scores on the same folds.
        test_fraction: n_test/n_train, for example 1/4 for five folds.
        test_size: The number of different samples in a test fold, where the score is a fraction of them (accuracy).
        other: The second model's key, kept in the result.

    Raises:
        ValueError: If the lengths differ, there are fewer than two folds, or a number is not positive.

    References:
        Nadeau and Bengio, Machine Learning 52, 239 (2003), section 3 with Eq. (8). For repeated cross-validation:
        Bouckaert and Frank, PAKDD 2004, Lecture Notes in Computer Science 3056, 3.

    Examples:
        >>> result = corrected_t_test([0.9, 0.8, 0.7], [0.7, 0.7, 0.7], test_fraction=0.5)
        >>> round(result.difference, 3), round(result.statistic, 4), result.degrees_of_freedom
        (0.1, 1.0954, 2)
    """
    folds = len(first)
    if len(second) != folds or folds < 2:
        raise ValueError(f"Two or more folds with both scores are needed, but {len(first)} and {len(second)} came.")
    for name, value in (("test_fraction", test_fraction), ("test_size", 1 if test_size is None else test_size)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, but {value!r} came.")
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    differences[np.abs(differences) < _SAME_SCORE] = 0.0
    mean, variance = float(differences.mean()), float(differences.var(ddof=1))
    if test_size is not None:
        variance = max(variance, _least_variance(mean, test_fraction, test_size))
    error = math.sqrt((1 / folds + test_fraction) * variance)
    freedom = folds - 1
    if error < _SAME_SCORE:
        if mean == 0:
            return Comparison(0.0, 0.0, math.nan, freedom, 1.0, math.nan, math.nan, other)
        # The mean and its error with one more fold, whose difference is 0, in place of those of equal folds.
        folds = max(2, min(folds, round(1 + 1 / test_fraction)))
        freedom, error = folds - 1, abs(mean) * math.sqrt((1 / folds + test_fraction) * (folds + 1)) / folds
    statistic = mean / error
    p_value = float(2 * student_t.sf(abs(statistic), freedom))
    half = float(student_t.ppf(1 - SIGNIFICANCE / 2, freedom)) * error
    return Comparison(mean, error, statistic, freedom, p_value, mean - half, mean + half, other)


def _least_variance(mean: float, test_fraction: float, test_size: float) -> float:
    """Return the smallest variance over folds of a difference of two fractions of ``test_size`` samples."""
    samples = test_size * (1 + 1 / test_fraction)
    disagreement = (min(abs(mean), 1.0) * samples + 1) / (samples + 2)
    return disagreement * (1 - disagreement) / test_size
