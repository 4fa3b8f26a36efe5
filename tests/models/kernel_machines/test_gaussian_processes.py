"""Gaussian processes with a quantum kernel, against scikit-learn's with the same covariance and against formulas."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import (
    GaussianProcessKernel,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
)
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(5)
X = RNG.uniform(0, np.pi, (20, 2))
NEW = RNG.uniform(0, np.pi, (6, 2))
VALUES = 5 + 3 * np.sin(X[:, 0]) * np.cos(X[:, 1]) + 0.3 * RNG.normal(size=20)
LABELS = np.array(["low", "middle", "high"])[np.digitize(VALUES, np.quantile(VALUES, [0.33, 0.67]))]
KERNEL = FidelityKernel(AngleFeatureMap(bandwidth=0.8))


@pytest.fixture(scope="module")
def fitted():
    return QuantumGaussianProcessRegressor(KERNEL).fit(X, VALUES)


def test_amplitude_and_noise_are_those_that_scikit_learn_finds(fitted):
    covariance = ConstantKernel(1.0, (1e-4, 1e4)) * GaussianProcessKernel(KERNEL) + WhiteKernel(0.1, (1e-8, 1e2))
    theirs = GaussianProcessRegressor(covariance, normalize_y=True).fit(X, VALUES)
    assert_allclose(fitted.kernel_.theta, theirs.kernel_.theta, atol=1e-6)
    assert_allclose(fitted.log_marginal_likelihood_value_, theirs.log_marginal_likelihood_value_, atol=1e-9)
    for ours, other in zip(fitted.predict(NEW, return_std=True), theirs.predict(NEW, return_std=True), strict=True):
        assert_allclose(ours, other, rtol=1e-6)
    assert_allclose(fitted.predict(NEW, return_cov=True)[1], theirs.predict(NEW, return_cov=True)[1], rtol=1e-6)


def test_no_amplitude_and_noise_of_a_grid_have_a_larger_likelihood(fitted):
    grid = np.stack(np.meshgrid(np.linspace(-5, 5, 15), np.linspace(-6, 2, 15)), axis=-1).reshape(-1, 2)
    likelihoods = [fitted.machine_.log_marginal_likelihood(theta) for theta in grid]
    assert fitted.log_marginal_likelihood_value_ >= max(likelihoods)


def test_the_posterior_is_that_of_the_formula(fitted):
    """Mean and variance of algorithm 2.1 of Rasmussen and Williams, by inverses."""
    amplitude, noise = np.exp(fitted.kernel_.theta)
    middle, scale = VALUES.mean(), VALUES.std()
    inverse = np.linalg.inv(amplitude * KERNEL.evaluate(X) + (noise + 1e-10) * np.eye(20))
    cross = amplitude * KERNEL.evaluate(NEW, X)
    mean, std = fitted.predict(NEW, return_std=True)
    assert_allclose(mean, middle + scale * cross @ inverse @ ((VALUES - middle) / scale), rtol=1e-8)
    variance = amplitude + noise - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    assert_allclose(std, scale * np.sqrt(variance), rtol=1e-6)
    assert_allclose(fitted.gram_matrix_, amplitude * KERNEL.evaluate(X) + noise * np.eye(20), atol=1e-10)


def test_intervals_hold_the_share_of_new_targets_that_they_should():
    """Of 200 new targets of the same noise about 95 % lie within 1.96 standard deviations; 3σ is 4.6 %."""
    rng = np.random.default_rng(3)
    x, new = rng.uniform(0, np.pi, (60, 1)), rng.uniform(0, np.pi, (200, 1))

    def measured(samples):
        return np.sin(2 * samples[:, 0]) + 0.2 * rng.normal(size=len(samples))

    model = QuantumGaussianProcessRegressor(FidelityKernel(AngleFeatureMap(bandwidth=2.0))).fit(x, measured(x))
    mean, std = model.predict(new, return_std=True)
    inside = np.abs(measured(new) - mean) < 1.96 * std
    assert 0.88 < inside.mean() < 1.0
    assert 0.15 < std.mean() < 0.27


def test_several_targets_are_each_by_themselves_at_the_same_covariance():
    both = np.column_stack([VALUES, np.cos(X[:, 0])])
    model = QuantumGaussianProcessRegressor(KERNEL, optimizer=None).fit(X, both)
    mean, std = model.predict(NEW, return_std=True)
    assert (mean.shape, std.shape) == ((6, 2), (6, 2))
    for column in range(2):
        alone = QuantumGaussianProcessRegressor(KERNEL, optimizer=None).fit(X, both[:, column])
        assert_allclose(mean[:, column], alone.predict(NEW), atol=1e-10)
    assert model.sample_y(NEW, 3, random_state=1).shape == (6, 2, 3)


def test_functions_drawn_from_the_posterior_have_its_mean_and_standard_deviation(fitted):
    """4,000 draws: means within 5 of their standard errors, standard deviations within 10 %."""
    drawn = fitted.sample_y(NEW, 4000, random_state=0)
    mean, std = fitted.predict(NEW, return_std=True)
    assert drawn.shape == (6, 4000)
    assert np.all(np.abs(drawn.mean(axis=1) - mean) < 5 * std / np.sqrt(4000))
    assert_allclose(drawn.std(axis=1), std, rtol=0.1)


def test_a_covariance_of_ones_own_is_used_as_it_is():
    covariance = GaussianProcessKernel(KERNEL, parameter_bounds={"feature_map__bandwidth": (0.1, 3.0)}) + WhiteKernel(
        0.3
    )
    model = QuantumGaussianProcessRegressor(covariance, normalize_y=False).fit(X, VALUES - 5)
    theirs = GaussianProcessRegressor(covariance).fit(X, VALUES - 5)
    assert_allclose(model.predict(NEW), theirs.predict(NEW), rtol=1e-6)
    assert model.kernel_.k1.kernel.feature_map.bandwidth != 0.8
    assert model.kernel is covariance
    assert KERNEL.feature_map.bandwidth == 0.8
    assert_allclose(model.gram_matrix_, model.kernel_(X), atol=1e-12)


def test_each_pair_runs_once_for_a_fit_and_once_for_predictions_with_their_errors():
    connection = connect("aer", shots=500, seed=1)
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.8), connection=connection, psd_repair="clip")
    model = QuantumGaussianProcessRegressor(kernel).fit(X, VALUES)
    assert connection.usage.circuits == 20 * 19 // 2
    mean, std = model.predict(NEW, return_std=True)
    assert connection.usage.circuits == 20 * 19 // 2 + 6 * 20
    assert np.isfinite(mean).all()
    assert (std > 0).all()


def test_results_that_are_drawn_anew_each_time_are_one_matrix_for_the_whole_fit():
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.8), method="sampled", psd_repair="nearest_correlation")
    model = QuantumGaussianProcessRegressor(kernel).fit(X, VALUES)
    amplitude, noise = np.exp(model.kernel_.theta)
    used = (model.gram_matrix_ - noise * np.eye(20)) / amplitude
    assert_allclose(model.machine_.L_ @ model.machine_.L_.T, model.gram_matrix_ + 1e-10 * np.eye(20), atol=1e-8)
    assert_allclose(np.diag(used), 1, atol=1e-8)


def test_a_matrix_that_is_not_positive_is_no_covariance_and_is_refused():
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.1), connection=connect("aer", shots=5, seed=1))
    with pytest.raises(np.linalg.LinAlgError, match=r"not positive definite.*give the kernel a repair"):
        QuantumGaussianProcessRegressor(GaussianProcessKernel(kernel), optimizer=None).fit(X, VALUES)


def test_classes_and_probabilities_are_those_of_scikit_learn():
    model = QuantumGaussianProcessClassifier(KERNEL).fit(X, LABELS)
    theirs = GaussianProcessClassifier(ConstantKernel(1.0, (1e-4, 1e4)) * GaussianProcessKernel(KERNEL)).fit(X, LABELS)
    assert model.classes_.tolist() == ["high", "low", "middle"]
    assert_array_equal(model.predict(NEW), theirs.predict(NEW))
    assert_allclose(model.predict_proba(NEW), theirs.predict_proba(NEW), atol=1e-6)
    assert_allclose(model.predict_proba(NEW).sum(axis=1), 1, atol=1e-12)
    assert_allclose(model.log_marginal_likelihood_value_, theirs.log_marginal_likelihood_value_, atol=1e-8)
    assert model.gram_matrix_.shape == (20, 20, 3)


def test_two_classes_and_pairs_of_classes():
    binary = QuantumGaussianProcessClassifier(KERNEL).fit(X, VALUES > 5)
    assert binary.predict(NEW).dtype == bool
    assert binary.predict_proba(NEW).shape == (6, 2)
    assert binary.gram_matrix_.shape == (20, 20)
    pairs = QuantumGaussianProcessClassifier(KERNEL, multi_class="one_vs_one", optimizer=None).fit(X, LABELS)
    assert set(pairs.predict(NEW)) <= set(LABELS)
    with pytest.raises(ValueError, match="one_vs_one multi-class mode does not support predicting probability"):
        pairs.predict_proba(NEW)


def test_a_classifier_with_shots_runs_each_pair_once_whatever_the_number_of_classes():
    connection = connect("aer", shots=100, seed=1)
    kernel = FidelityKernel(AngleFeatureMap(bandwidth=0.8), connection=connection, psd_repair="clip")
    model = QuantumGaussianProcessClassifier(kernel, optimizer=None).fit(X, LABELS)
    assert connection.usage.circuits == 20 * 19 // 2
    assert_allclose(model.predict_proba(NEW).sum(axis=1), 1, atol=1e-12)
    assert connection.usage.circuits == 20 * 19 // 2 + 6 * 20


def test_noise_that_leaves_a_negative_variance_gives_classes_but_no_probabilities():
    kernel = FidelityKernel(
        AngleFeatureMap(bandwidth=0.8), connection=connect("aer", shots=20, seed=1), psd_repair="clip"
    )
    covariance = ConstantKernel(1e4, "fixed") * GaussianProcessKernel(kernel)
    model = QuantumGaussianProcessClassifier(covariance).fit(X, VALUES > 5)
    assert set(model.predict(NEW)) <= {False, True}
    with pytest.raises(ValueError, match=r"of 6 samples have no probabilities: shot noise.*Bound the amplitude"):
        model.predict_proba(NEW)
    advised = ConstantKernel(0.5, (0.1, 1)) * GaussianProcessKernel(kernel)
    with pytest.warns(ConvergenceWarning, match="close to the specified upper bound 1.0"):
        model = QuantumGaussianProcessClassifier(advised).fit(X, VALUES > 5)
    probabilities = model.predict_proba(NEW)
    assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="2 or more distinct classes"):
        QuantumGaussianProcessClassifier(KERNEL).fit(X, np.ones(20, dtype=int))
