"""Kernels whose bandwidth is the median of the training samples' distances, in models that see other matrices first."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit.quantum_info import DensityMatrix, partial_trace
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import CachedKernel, CombinedKernel, ProjectedKernel
from qiskit_qml_ext.models import (
    GaussianProcessKernel,
    KernelTransformer,
    QuantumGaussianProcessRegressor,
    QuantumNystroem,
)
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(1).uniform(-1, 1, (12, 2))
T = np.random.default_rng(2).uniform(-1, 1, (5, 2))


def distances(samples, others):
    """Return Σ_q |ρ_q(x) - ρ_q(y)|² from Qiskit's density matrices."""
    circuit = AngleFeatureMap().build(2)

    def states(rows):
        full = [DensityMatrix(circuit.assign_parameters(row)) for row in rows]
        return np.array([[partial_trace(one, [1 - qubit]).data for qubit in (0, 1)] for one in full])

    return np.sum(np.abs(states(samples)[:, None] - states(others)) ** 2, axis=(2, 3, 4))


GAMMA = 1 / np.median(distances(X, X)[np.triu_indices(12, 1)])
KERNELS = {
    "projected": lambda: ProjectedKernel(AngleFeatureMap()),
    "fitted to others": lambda: ProjectedKernel(AngleFeatureMap()).fit(T),
    "cached": lambda: CachedKernel(ProjectedKernel(AngleFeatureMap())),
    "combined": lambda: CombinedKernel([("one", ProjectedKernel(AngleFeatureMap()))]),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("landmarks", ["uniform", "kmeans++", "leverage"])
def test_landmark_features_have_the_median_of_the_training_samples(name, landmarks):
    features = QuantumNystroem(KERNELS[name](), n_components=12, landmarks=landmarks, random_state=0).fit(X)
    assert_allclose(features.transform(X) @ features.transform(X).T, np.exp(-GAMMA * distances(X, X)), atol=1e-6)
    few = QuantumNystroem(KERNELS[name](), n_components=4, landmarks=landmarks, random_state=0).fit(X)
    to_landmarks = np.exp(-GAMMA * distances(T, few.landmarks_))
    assert_allclose(few.transform(T) @ few.transform(few.landmarks_).T, to_landmarks, atol=1e-6)


@pytest.mark.parametrize("name", KERNELS)
def test_a_transformer_that_sees_test_samples_first_has_the_median_of_the_training_samples(name):
    transformer = KernelTransformer(KERNELS[name]()).fit(X)
    assert_allclose(transformer.transform(T), np.exp(-GAMMA * distances(T, X)), atol=1e-9)
    assert_allclose(transformer.transform(X), np.exp(-GAMMA * distances(X, X)), atol=1e-9)


@pytest.mark.parametrize("optimizer", [None, "fmin_l_bfgs_b"])
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_gaussian_process_has_the_median_of_the_training_samples(optimizer, is_ours):
    y = X[:, 0] - X[:, 1] + 0.1 * np.random.default_rng(3).normal(size=12)
    kernel = ProjectedKernel(AngleFeatureMap())
    if is_ours:
        model = QuantumGaussianProcessRegressor(kernel, optimizer=optimizer, normalize_y=False)
    else:
        covariance = ConstantKernel() * GaussianProcessKernel(kernel) + WhiteKernel(0.1)
        model = GaussianProcessRegressor(covariance, optimizer=optimizer)
    mean, spread = model.fit(X, y).predict(T, return_std=True)
    amplitude, noise = np.exp(model.kernel_.theta)
    covariance = amplitude * np.exp(-GAMMA * distances(X, X)) + noise * np.eye(12)
    across = amplitude * np.exp(-GAMMA * distances(T, X))
    assert_allclose(mean, across @ np.linalg.solve(covariance, y), atol=1e-7)  # alpha adds 1e-10 to the noise
    variance = amplitude + noise - np.sum(across * np.linalg.solve(covariance, across.T).T, axis=1)
    assert_allclose(spread**2, variance, atol=1e-7)


def test_of_many_samples_the_median_takes_a_thousand():
    connection = connect("exact", shots=20, seed=0)
    many = np.random.default_rng(0).uniform(-1, 1, (1100, 2))
    kernel = ProjectedKernel(AngleFeatureMap(), connection=connection)
    features = QuantumNystroem(kernel, n_components=3, random_state=0).fit(many)
    settings = kernel.num_settings(2)
    assert connection.usage.circuits <= (1000 + 3) * settings
    assert features.kernel_.gamma_ > 0
