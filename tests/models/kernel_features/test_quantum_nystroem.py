"""A quantum kernel on many samples through a few landmarks."""

import pickle
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap
from qiskit_qml_ext.exceptions import IndefiniteKernelWarning
from qiskit_qml_ext.kernels import BitFlipTolerantKernel, FidelityKernel
from qiskit_qml_ext.models import QuantumNystroem
from qiskit_qml_ext.models.kernel_features.whitening import whitening
from qiskit_qml_ext.primitives import connect

SAMPLES = np.random.default_rng(0).uniform(-1, 1, (40, 3))
KERNEL = FidelityKernel(IQPFeatureMap())
GAUSSIAN = partial(rbf_kernel, gamma=2.0)


@parametrize_with_checks([QuantumNystroem(), *(QuantumNystroem(landmarks=name) for name in ("kmeans++", "leverage"))])
def test_follows_scikit_learns_conventions(estimator, check):
    check(estimator)


def test_equals_scikit_learns_nystroem_where_the_matrix_has_no_small_eigenvalues():
    """Both are exact to rounding; the inverse square root amplifies it by the condition number, here 1e3."""
    ours = QuantumNystroem(GAUSSIAN, n_components=12, random_state=3)
    theirs = Nystroem(kernel="rbf", gamma=2.0, n_components=12, random_state=3)
    assert_allclose(ours.fit_transform(SAMPLES), theirs.fit_transform(SAMPLES), atol=1e-9)
    assert_allclose(ours.landmarks_, theirs.components_, atol=0)
    assert ours.rank_ == 12


def test_products_of_features_are_the_kernel_where_one_sample_is_a_landmark():
    features = QuantumNystroem(KERNEL, n_components=10, random_state=0)
    values = features.fit_transform(SAMPLES)
    at_landmarks = features.transform(features.landmarks_)
    assert_allclose(values @ at_landmarks.T, KERNEL.evaluate(SAMPLES, features.landmarks_), atol=1e-9)


def test_all_samples_as_landmarks_give_the_whole_kernel_also_if_some_are_equal():
    X = np.concatenate([SAMPLES, SAMPLES[:7]])
    features = QuantumNystroem(KERNEL, n_components=1000, random_state=0)
    values = features.fit_transform(X)
    assert values.shape == (47, 47)
    assert features.rank_ <= 40
    assert_allclose(values @ values.T, KERNEL.evaluate(X), atol=1e-7)


def test_a_whitening_is_the_inverse_square_root_of_a_positive_matrix():
    matrix = np.array([[2.0, 0.3], [0.3, 1.0]])
    whitened = whitening(matrix, np.zeros((2, 2)))
    assert_allclose(whitened.matrix @ matrix @ whitened.matrix, np.eye(2), atol=1e-14)
    assert (whitened.rank, whitened.num_negative) == (2, 0)


def test_directions_below_the_most_negative_eigenvalue_are_left_out():
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    matrix = (rotation * [3.0, 1.0, 0.2, -0.4]) @ rotation.T
    whitened = whitening(matrix, np.zeros((4, 4)))
    assert (whitened.rank, whitened.num_negative) == (2, 1)
    assert_allclose(whitened.floor, 0.4, atol=1e-12)
    expected = (rotation[:, :2] / np.sqrt([3.0, 1.0])) @ rotation[:, :2].T
    assert_allclose(whitened.matrix, expected, atol=1e-12)


def test_directions_below_the_noise_of_shots_are_left_out_although_no_eigenvalue_is_negative():
    """Errors of 0.1 in all entries: 2 · 0.1 · √4 = 0.4."""
    whitened = whitening(np.diag([3.0, 1.0, 0.39, 0.2]), np.full((4, 4), 0.1))
    assert_allclose(whitened.floor, 0.4)
    assert whitened.rank == 2


def test_shots_leave_features_near_the_exact_kernel_and_it_is_said_what_was_left_out():
    """100 shots: the smallest of 30 eigenvalues, of either sign, would blow the noise up; as in scikit-learn's way."""
    X = np.random.default_rng(0).uniform(-1, 1, (120, 3))
    sampled = FidelityKernel(IQPFeatureMap(), connection=connect(shots=100, seed=1))
    features = QuantumNystroem(sampled, n_components=30, random_state=0)
    with pytest.warns(IndefiniteKernelWarning, match=r"\d+ negative eigenvalues.*noise of its shots.*of 30 are kept"):
        values = features.fit_transform(X)
    assert 0 < features.rank_ < 30
    assert features.eigenvalues_[0] < 0 < -features.eigenvalues_[0] <= features.floor_
    exact = KERNEL.evaluate(X)
    assert np.linalg.norm(values @ values.T - exact) < 0.1 * np.linalg.norm(exact)
    u, s, v = np.linalg.svd(sampled.evaluate(features.landmarks_))  # as in sklearn.kernel_approximation.Nystroem
    theirs = sampled.evaluate(X, features.landmarks_) @ ((u / np.sqrt(np.maximum(s, 1e-12))) @ v).T
    assert np.linalg.norm(theirs @ theirs.T - exact) > np.linalg.norm(exact)


def test_an_exact_kernel_that_is_no_kernel_is_not_said_to_have_noise():
    corners = np.pi * np.array(list(np.ndindex(2, 2, 2)), dtype=float)
    features = QuantumNystroem(BitFlipTolerantKernel(AngleFeatureMap()), n_components=8)
    with pytest.warns(IndefiniteKernelWarning, match="up to 2, which is as far as it is from a positive") as told:
        features.fit(corners)
    assert "noise" not in str(told[0].message)


def test_an_exact_kernel_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        QuantumNystroem(KERNEL, n_components=40).fit(SAMPLES)


def test_a_kernel_without_anything_above_its_noise_is_refused():
    def negative(X, Y):
        return -rbf_kernel(X, Y)

    with pytest.raises(ValueError, match=r"Nothing of the kernel stands above its noise.*more shots"):
        QuantumNystroem(negative, n_components=5).fit(SAMPLES)


def test_a_fit_that_fails_leaves_the_last_one():
    features = QuantumNystroem(KERNEL, n_components=5, random_state=0).fit(SAMPLES)
    before = features.transform(SAMPLES)
    with pytest.raises(ValueError, match="n_components"):
        features.set_params(n_components=0).fit(SAMPLES)
    assert_allclose(features.transform(SAMPLES), before, atol=0)


def test_pickles_clones_names_its_features_and_is_tuned_in_a_pipeline():
    features = QuantumNystroem(KERNEL, n_components=8, random_state=0).fit(SAMPLES)
    again = pickle.loads(pickle.dumps(features))
    assert_allclose(again.transform(SAMPLES), features.transform(SAMPLES), atol=0)
    assert not hasattr(clone(features), "landmarks_")
    assert features.get_feature_names_out().tolist() == [f"quantumnystroem{place}" for place in range(8)]
    model = make_pipeline(QuantumNystroem(FidelityKernel(AngleFeatureMap()), random_state=0), RidgeClassifier())
    grid = {
        "quantumnystroem__kernel__feature_map__bandwidth": [0.5, 1.0],
        "quantumnystroem__landmarks": ["uniform", "leverage"],
        "quantumnystroem__n_components": [5, 10],
    }
    search = GridSearchCV(model, grid, cv=2).fit(SAMPLES, SAMPLES[:, 0] > 0)
    assert set(search.best_params_) == set(grid)


def test_a_linear_model_over_the_features_learns_what_the_kernel_can():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (600, 2))
    y = X[:, 0] * X[:, 1] > 0  # no linear model of X does better than guessing
    kernel = FidelityKernel(IQPFeatureMap(), method="exact")
    model = make_pipeline(QuantumNystroem(kernel, n_components=30, random_state=0), LogisticRegression(C=100))
    linear = LogisticRegression().fit(X[:400], y[:400]).score(X[400:], y[400:])
    assert linear < 0.6 < 0.9 < model.fit(X[:400], y[:400]).score(X[400:], y[400:])


def one_number(x, y):
    return float(np.exp(-np.sum((x - y) ** 2)))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_components": 0}, ValueError, "n_components must be at least 1"),
        ({"n_components": 2.5}, TypeError, "n_components must be a whole number"),
        ({"landmarks": "best"}, ValueError, r"landmarks must be one of 'uniform', 'kmeans\+\+', 'leverage'"),
        ({"landmarks": 3}, TypeError, "landmarks must be one of"),
        ({"landmarks": lambda kernel, X, m, rng: [0] * m}, ValueError, "must return 10 different rows of the 40"),
        ({"landmarks": lambda kernel, X, m, rng: np.arange(m) + 35}, ValueError, "must return 10 different rows"),
        ({"kernel": "rbf"}, TypeError, "kernel must be a quantum kernel or a function.*rbf_kernel"),
        ({"kernel": FidelityKernel}, TypeError, "kernel must be a quantum kernel"),
        ({"kernel": one_number}, ValueError, r"one_number must return a matrix of shape \(10, 10\).*pairwise_kernels"),
        ({"kernel": lambda X, Y: np.full((len(X), len(Y)), np.nan)}, ValueError, "must return finite numbers"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        QuantumNystroem(**{"kernel": KERNEL, "n_components": 10, **settings}).fit(SAMPLES)
