"""Which samples become landmarks, and how many entries of the kernel that takes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics.pairwise import rbf_kernel

from qiskit_qml_ext.circuits import IQPFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumNystroem
from qiskit_qml_ext.models.kernel_features import LANDMARKS, leverage_scores
from qiskit_qml_ext.models.kernel_features.kernel_entries import KernelEntries
from qiskit_qml_ext.models.kernel_features.leverage_scores import ridge_of_tail, scores_from_columns
from qiskit_qml_ext.primitives import connect

LINE = np.arange(5.0)[:, None]


def gaussian(X, Y):
    return rbf_kernel(X, Y, gamma=0.5)


def with_outliers(number=600, outliers=6, seed=0):
    """A dense cluster, and far samples that a uniform choice of a few hardly ever meets."""
    rng = np.random.default_rng(seed)
    far = 20.0 * np.arange(1, outliers + 1)[:, None] * np.ones(2)
    X = np.concatenate([rng.normal(0, 0.3, (number - outliers, 2)), far])
    return X, np.arange(number - outliers, number)


def test_leverage_scores_have_their_published_values():
    """exp(-(i-j)²/2), i = 0…4, λ = 0.1: 10 digits by NumPy's inverse, computed apart from this package."""
    K = gaussian(LINE, LINE)
    scores = leverage_scores(K, 0.1)
    assert_allclose(scores[:3], [0.8581496187, 0.7835905864, 0.7691392082], atol=1e-10)
    assert_allclose(scores.sum(), 4.0526196183, atol=1e-10)
    assert_allclose(scores, np.diagonal(K @ np.linalg.inv(K + 0.1 * np.eye(5))), atol=1e-12)


@pytest.mark.parametrize("ridge", [0, -1, np.nan, "much"])
def test_a_ridge_that_is_not_positive_is_refused(ridge):
    with pytest.raises((TypeError, ValueError), match="regularization"):
        leverage_scores(np.eye(3), ridge)


def test_scores_of_a_matrix_that_is_not_square_are_refused():
    with pytest.raises(ValueError, match=r"square.*\(2, 3\)"):
        leverage_scores(np.ones((2, 3)), 1.0)


def test_scores_from_all_columns_are_the_scores():
    K = gaussian(LINE, LINE)
    found = scores_from_columns(np.diagonal(K), K, K, np.ones(5), 0.1)
    assert_allclose(found, leverage_scores(K, 0.1), atol=1e-12)


def test_scores_from_reweighted_columns_are_those_of_the_reweighted_matrix():
    """Columns drawn twice are columns of weight √2."""
    K, twice = gaussian(LINE, LINE), np.repeat(np.arange(5), [2, 1, 1, 2, 1])
    found = scores_from_columns(np.diagonal(K), K, K, np.sqrt([2.0, 1, 1, 2, 1]), 0.1)
    inverse = np.linalg.inv(K[np.ix_(twice, twice)] + 0.1 * np.eye(7))
    expected = (1 - np.einsum("ia,ab,ib->i", K[:, twice], inverse, K[:, twice])) / 0.1
    assert_allclose(found, expected, atol=1e-10)


def test_the_ridge_is_the_weight_of_the_tail():
    core = np.diag([5.0, 3.0, 1.0, 0.5])
    assert_allclose(ridge_of_tail(core, np.ones(4), 2), (1.0 + 0.5) / 2)
    assert ridge_of_tail(core, np.ones(4), 4) > 0


def test_landmarks_0_2_4_leave_the_published_trace():
    def even(kernel, X, num_landmarks, rng):
        return np.array([0, 2, 4])

    features = QuantumNystroem(gaussian, n_components=3, landmarks=even).fit_transform(LINE)
    K = gaussian(LINE, LINE)
    assert_allclose(np.trace(K - features @ features.T), 0.6962156752, atol=1e-10)


@pytest.mark.parametrize("rule", ["kmeans++", "leverage"])
def test_rules_that_see_the_kernel_find_rare_samples_that_a_uniform_choice_misses(rule):
    X, rare = with_outliers()
    kernel = KernelEntries(gaussian)
    met = {
        name: np.mean(
            [np.isin(rare, LANDMARKS[name](kernel, X, 40, np.random.RandomState(seed))).mean() for seed in range(20)]
        )
        for name in ("uniform", rule)
    }
    assert met["uniform"] < 0.2, "6 of 600 samples, 40 landmarks: 1/15 of them on average"
    assert met[rule] > 3 * met["uniform"]


@pytest.mark.parametrize("rule", list(LANDMARKS))
@pytest.mark.parametrize("number", [1, 2, 7, 30])
def test_landmarks_are_different_rows_however_many_are_asked_for(rule, number):
    X = np.repeat(np.random.default_rng(1).normal(size=(10, 2)), 3, axis=0)  # each sample three times
    chosen = LANDMARKS[rule](KernelEntries(gaussian), X, number, np.random.RandomState(0))
    assert len(set(chosen.tolist())) == number
    again = LANDMARKS[rule](KernelEntries(gaussian), X, number, np.random.RandomState(0))
    assert chosen.tolist() == again.tolist()


def test_the_diagonal_is_what_the_kernel_says_or_what_it_gives():
    X = np.random.default_rng(1).normal(size=(10, 2))

    def linear(X, Y):
        return X @ Y.T

    assert_allclose(KernelEntries(linear).diagonal(X, at_once=3), np.sum(X**2, axis=1), rtol=1e-12)
    sampled = FidelityKernel(IQPFeatureMap(), connection=connect(shots=10))
    assert KernelEntries(sampled).diagonal(X, at_once=3).tolist() == [1.0] * 10
    assert sampled.connection.usage.circuits == 0


def test_kmeans_takes_no_two_equal_samples_while_others_are_left():
    X = np.repeat(np.random.default_rng(1).normal(size=(10, 2)), 3, axis=0)
    for seed in range(10):
        chosen = LANDMARKS["kmeans++"](KernelEntries(gaussian), X, 10, np.random.RandomState(seed))
        assert len(np.unique(X[chosen], axis=0)) == 10


class Counting:
    """A kernel that is no FidelityKernel, and counts its entries; of a square block, half and the diagonal."""

    def __init__(self):
        self.entries = 0

    def __call__(self, X, Y):
        self.entries += len(X) * (len(X) + 1) // 2 if X is Y else len(X) * len(Y)
        return gaussian(X, Y)


@pytest.mark.parametrize(("rule", "times"), [("uniform", 0), ("kmeans++", 1), ("leverage", 3)])
def test_a_choice_takes_entries_that_grow_as_samples_times_landmarks(rule, times):
    """Leverage takes N·m for the diagonal of a kernel that cannot say it, and 2N·m for the columns."""
    for number in (200, 400, 800):
        kernel, m = Counting(), 20
        LANDMARKS[rule](KernelEntries(kernel), np.random.default_rng(0).normal(size=(number, 2)), m,
                        np.random.RandomState(0))  # fmt: skip
        # the columns of a level are m in expectation only: 1.6 times as many is 3 standard deviations
        assert kernel.entries <= 1.6 * times * number * m + m**2


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.IndefiniteKernelWarning")
@pytest.mark.parametrize(("rule", "times"), [("uniform", 1), ("kmeans++", 2), ("leverage", 3)])
def test_a_sampled_kernel_runs_each_pair_once_and_of_the_order_of_samples_times_landmarks(rule, times):
    connection = connect(shots=64, seed=0)
    X = np.random.default_rng(0).uniform(-1, 1, (60, 2))
    features = QuantumNystroem(
        FidelityKernel(IQPFeatureMap(), connection=connection), n_components=6, landmarks=rule, random_state=0
    )
    features.fit(X)
    features.transform(X)
    run = connection.usage.circuits
    assert run <= 1.6 * times * 60 * 6
    if rule == "uniform":
        assert run == 60 * 6 - 6 * 7 // 2, "no pair of two landmarks twice, none with itself"
    features.transform(X)
    assert connection.usage.circuits == run
