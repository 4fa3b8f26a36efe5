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


@pytest.mark.parametrize(("folds", "repeats"), [(2, 1), (3, 1), (5, 1), (10, 1), (5, 4)])
def test_a_difference_that_never_changes_is_judged_as_if_one_more_fold_showed_none(folds, repeats):
    result = corrected_t_test([0.9] * folds * repeats, [0.8] * folds * repeats, test_fraction=1 / (folds - 1))
    # The same t by hand from one round of folds and one more difference of 0; the mean itself is not changed.
    differences = [0.1] * folds + [0.0]
    error = math.sqrt((1 / folds + 1 / (folds - 1)) * np.var(differences, ddof=1))
    t = np.mean(differences) / error
    np.testing.assert_allclose(
        [result.difference, result.statistic, result.p_value],
        [0.1, t, 2 * stats.t.sf(t, folds - 1)],
        rtol=1e-9,
    )
    np.testing.assert_allclose(result.low + result.high, 0.2, rtol=1e-9)
    assert (result.low > 0) == (result.p_value < 0.05) == (folds >= 5)


def test_equal_differences_that_are_noise_are_rarely_called_significant():
    # The worst case: independent folds, each with the difference +c or -c with equal chances. All five are +c in 1 of
    # 32 experiments, below the 5 % of the test.
    rng = np.random.default_rng(0)
    signs = rng.choice([-0.1, 0.1], size=(4000, 5))
    better = [corrected_t_test(0.5 + row, [0.5] * 5, test_fraction=0.25).is_better for row in signs]
    # 1/32 of 4000 is 125 with a standard deviation of 11; 5 % are 200. More by chance: below 1e-9.
    assert sum(better) < 200


@pytest.mark.parametrize(("samples", "errors"), [(20, 10), (50, 25), (60, 5), (100, 20), (200, 6), (400, 40)])
@pytest.mark.parametrize("repeats", [1, 5])
def test_equal_differences_win_only_where_an_exact_test_of_all_samples_says_so_too(samples, errors, repeats):
    # A model that is always right against one with as many errors on each of five folds: McNemar's exact test of the
    # pooled predictions has p = 2 · 2^-errors. Repeats show the same samples again and must not add to the evidence.
    folds = 5 * repeats
    rival = [1 - errors / samples] * folds
    result = corrected_t_test([1.0] * folds, rival, test_fraction=0.25, test_size=samples / 5)
    exact = 2.0 ** (1 - errors)
    assert result.p_value >= exact or exact < 5e-3
    assert not result.is_better or exact < 0.05
    if errors >= 10:
        assert result.is_better


def test_least_variance_is_that_of_models_that_differ_on_a_fraction_of_the_samples():
    # 50 of 100 samples differ: d = (0.5·100 + 1)/102 = 1/2, so a fold of 20 has the variance 1/80.
    result = corrected_t_test([1.0] * 5, [0.5] * 5, test_fraction=0.25, test_size=20)
    np.testing.assert_allclose(result.standard_error, math.sqrt(0.45 / 80), rtol=1e-12)
    # A spread that is larger anyway is left alone.
    first, second = [0.9, 0.4, 0.8, 0.5, 0.7], [0.6] * 5
    known, unknown = (corrected_t_test(first, second, test_fraction=0.25, test_size=size) for size in (1000, None))
    assert known == unknown
    # Simulated: fractions of samples that are right never spread by less on average.
    rng = np.random.default_rng(0)
    right = rng.random((2000, 5, 20)) < 0.7
    rival = right & (rng.random(right.shape) < 0.8)
    spread = (right.mean(axis=2) - rival.mean(axis=2)).var(axis=1, ddof=1).mean()
    d = 0.7 * 0.2
    np.testing.assert_allclose(spread, d * (1 - d) / 20, rtol=0.1)


def test_no_difference_on_few_samples_has_an_interval_that_says_how_little_is_known():
    result = corrected_t_test([1.0] * 5, [1.0] * 5, test_fraction=0.25, test_size=6)
    assert result.p_value == 1
    # d = 1/32: half-width 2.776445·√(0.45·(1/32)(31/32)/6).
    np.testing.assert_allclose(result.smallest_difference, 2.776445 * math.sqrt(0.45 * 31 / 32**2 / 6), rtol=1e-6)


@pytest.mark.parametrize(("first", "second", "fraction"), [([1], [2], 0.5), ([1, 2], [1], 0.5), ([1, 2], [1, 2], 0)])
def test_bad_arguments_are_refused(first, second, fraction):
    with pytest.raises(ValueError, match=r"folds|test_fraction|shapes"):
        corrected_t_test(first, second, test_fraction=fraction)
    with pytest.raises(ValueError, match="test_size must be above 0, but 0 came"):
        corrected_t_test([1, 2], [1, 2], test_fraction=0.5, test_size=0)
