"""The corrected t-test against numbers worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from qiskit_qml_ext.evaluation import corrected_t_test


def test_corrected_t_test_by_hand():
    # Differences 0.02, 0.04, 0.00, 0.06, 0.03: mean 0.03, variance 0.0005 (divisor 4), 1/5 + 1/4 = 0.45:
    # t = 0.03/√(0.45·0.0005) = 0.03/0.015 = 2. For 4 degrees of freedom P(|t| > 2) has the closed form below.
    first, second = [0.92, 0.94, 0.90, 0.96, 0.93], [0.90] * 5
    result = corrected_t_test(first, second, test_fraction=0.25, other="rbf")
    t = 2.0
    x = t / math.sqrt(4 + t**2)
    p = 1 - (1.5 * x - 0.5 * x**3)  # ∫ of Student's density with 4 degrees of freedom
    np.testing.assert_allclose(
        [result.difference, result.standard_error, result.statistic, result.p_value], [0.03, 0.015, t, p], rtol=1e-9
    )
    assert result.degrees_of_freedom == 4
    # The 97.5 % point of Student's t with 4 degrees of freedom is 2.776445 (any table).
    np.testing.assert_allclose([result.low, result.high], [0.03 - 2.776445 * 0.015, 0.03 + 2.776445 * 0.015], rtol=1e-6)
    assert result.other == "rbf"


def test_correction_makes_the_test_more_careful_than_the_plain_one():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=10), rng.normal(size=10)
    result = corrected_t_test(first, second, test_fraction=1 / 9)
    plain = stats.ttest_rel(first, second)
    np.testing.assert_allclose(result.statistic, plain.statistic * math.sqrt(0.1 / (0.1 + 1 / 9)), rtol=1e-12)
    assert result.p_value > plain.pvalue


def test_equal_scores_have_p_one_and_swapping_changes_the_sign_only():
    same = corrected_t_test([0.9, 0.8], [0.9, 0.8], test_fraction=1.0)
    assert (same.difference, same.p_value) == (0, 1)
    assert math.isnan(same.low)
    there, back = (
        corrected_t_test(a, b, test_fraction=0.5) for a, b in (([1, 2, 4], [0, 0, 0]), ([0, 0, 0], [1, 2, 4]))
    )
    assert there.difference == -back.difference
    assert there.p_value == back.p_value


@pytest.mark.parametrize(("folds", "p"), [(2, 0.5), (5, 0.0625), (10, 2 / 1024)])
def test_a_difference_that_never_changes_is_judged_by_its_sign(folds, p):
    result = corrected_t_test([0.9] * folds, [0.8] * folds, test_fraction=0.5)
    assert result.p_value == p
    assert math.isnan(result.statistic)
    assert math.isnan(result.low)


@pytest.mark.parametrize(("first", "second", "fraction"), [([1], [2], 0.5), ([1, 2], [1], 0.5), ([1, 2], [1, 2], 0)])
def test_bad_arguments_are_refused(first, second, fraction):
    with pytest.raises(ValueError, match=r"folds|test_fraction|shapes"):
        corrected_t_test(first, second, test_fraction=fraction)
