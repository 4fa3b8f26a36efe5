"""Comparing two models on the same folds without fooling oneself."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import t as student_t

from qiskit_qml_ext.checks import check_arguments

SIGNIFICANCE = 0.05
"""Below this p value a difference is called significant."""


@dataclass(frozen=True)
class Comparison:
    """The difference between two models' scores on the same folds, from :func:`corrected_t_test`.

    Attributes:
        difference: The mean of (first - second) over the folds.
        standard_error: Its corrected standard error.
        statistic: The t statistic; NaN if the difference is exactly the same on all folds.
        degrees_of_freedom: The number of folds minus one.
        p_value: Two-sided.
        low: Lower end of the 95 % confidence interval of the difference; NaN if it is the same on all folds.
        high: Upper end; NaN as the lower end.
        other: The key of the second model, where the comparison is part of an evaluation.
    """

    difference: float
    standard_error: float
    statistic: float
    degrees_of_freedom: int
    p_value: float
    low: float
    high: float
    other: str = ""

    @property
    def is_better(self) -> bool:
        """Whether the first model is significantly better."""
        return self.difference > 0 and self.p_value < SIGNIFICANCE

    @property
    def is_worse(self) -> bool:
        """Whether the first model is significantly worse."""
        return self.difference < 0 and self.p_value < SIGNIFICANCE

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary."""
        return asdict(self)


# Scores are proportions of samples or sums over them; differences below this are rounding errors of their means.
_SAME_SCORE = 1e-12


@check_arguments()
def corrected_t_test(
    first: Sequence[float], second: Sequence[float], *, test_fraction: float, other: str = ""
) -> Comparison:
    r"""Compare two models by their scores on the same J folds with the corrected resampled t-test.

    The folds' training sets overlap, so scores are not independent and the usual paired t-test finds differences that
    are not there. Nadeau and Bengio's correction replaces the variance of the mean, σ²/J, by (1/J + n_test/n_train)σ²:

        t = d̄ / √((1/J + n_test/n_train) σ²),  J - 1 degrees of freedom,

    with d̄ the mean and σ² the variance (divisor J - 1) of the J differences.

    If the difference is exactly the same on all folds (small test sets, few possible scores), its variance says
    nothing; the p value is then that of the sign test, 2^{1-J}, or 1 if there is no difference.

    Args:
        first: The first model's scores, higher is better, one for each fold.
        second: The second model's scores on the same folds.
        test_fraction: n_test/n_train, for example 1/4 for five folds.
        other: The second model's key, kept in the result.

    Raises:
        ValueError: If the lengths differ or there are fewer than two folds.

    References:
        Nadeau and Bengio, Machine Learning 52, 239 (2003), section 3 with Eq. (8).

    Examples:
        >>> result = corrected_t_test([0.9, 0.8, 0.7], [0.7, 0.7, 0.7], test_fraction=0.5)
        >>> round(result.difference, 3), round(result.statistic, 4), result.degrees_of_freedom
        (0.1, 1.0954, 2)
    """
    folds = len(first)
    if len(second) != folds or folds < 2:
        raise ValueError(f"Two or more folds with both scores are needed, but {len(first)} and {len(second)} came.")
    if not test_fraction > 0:
        raise ValueError(f"test_fraction must be positive, but {test_fraction!r} came.")
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    differences[np.abs(differences) < _SAME_SCORE] = 0.0
    mean = float(differences.mean())
    error = math.sqrt((1 / folds + test_fraction) * float(differences.var(ddof=1)))
    if error < _SAME_SCORE:
        p_value = 1.0 if mean == 0 else 2.0 ** (1 - folds)
        return Comparison(mean, 0.0, math.nan, folds - 1, p_value, math.nan, math.nan, other)
    statistic = mean / error
    p_value = float(2 * student_t.sf(abs(statistic), folds - 1))
    half = float(student_t.ppf(1 - SIGNIFICANCE / 2, folds - 1)) * error
    return Comparison(mean, error, statistic, folds - 1, p_value, mean - half, mean + half, other)
