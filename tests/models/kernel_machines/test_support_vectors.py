import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit_machine_learning.algorithms import QSVC, QSVR
from qiskit_machine_learning.kernels import FidelityStatevectorKernel
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC, QuantumSVR
from qiskit_qml_ext.primitives import connect


@parametrize_with_checks([QuantumSVC(), QuantumSVR()])
def test_follows_scikit_learns_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def two_classes():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, np.pi, (30, 2))
    return X, np.where(np.cos(X[:, 0]) * np.cos(X[:, 1]) > 0, "same", "different")


@pytest.fixture(scope="module")
def three_classes():
    X, y = load_iris(return_X_y=True)
    return MinMaxScaler((0, 3)).fit_transform(X[::3]), y[::3]


def test_classifier_agrees_with_qsvc(two_classes):
    X, y = two_classes
    kernel = FidelityKernel(ZZFeatureMap(bandwidth=0.5))
    ours = QuantumSVC(kernel, C=10).fit(X, y)
    theirs = QSVC(quantum_kernel=kernel, C=10, tol=1e-8).fit(X, y)
    assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-6)
    assert ours.predict(X).tolist() == theirs.predict(X).tolist()


def test_regressor_agrees_with_qsvr(two_classes):
    X, _ = two_classes
    y = np.sin(X[:, 0]) * X[:, 1]
    kernel = FidelityKernel(AngleFeatureMap())
    ours = QuantumSVR(kernel, C=10, epsilon=0.01).fit(X, y)
    theirs = QSVR(quantum_kernel=kernel, C=10, epsilon=0.01, tol=1e-8).fit(X, y)
    assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)


def test_prediction_evaluates_the_kernel_against_support_vectors_only(two_classes):
    X, y = two_classes
    connection = connect("aer", shots=20, seed=1)
    model = QuantumSVC(FidelityKernel(AngleFeatureMap(), connection=connection), C=100).fit(X[:20], y[:20])
    after_fit = connection.usage.circuits
    assert after_fit == 20 * 19 // 2
    model.predict(X[20:])
    assert connection.usage.circuits - after_fit == 10 * len(model.support_)
    assert len(model.support_) < 20, "the test needs training samples that are no support vectors"


def test_many_predictions_in_blocks_agree_with_single_ones(three_classes, monkeypatch):
    X, y = three_classes
    model = QuantumSVC(C=10).fit(X, y)
    whole = model.decision_function(X)
    monkeypatch.setattr("qiskit_qml_ext.models.kernel_machines.support_vectors._MAX_BLOCK_BYTES", 8 * 50 * 7)
    assert_allclose(model.decision_function(X), whole, atol=0)


def test_samples_of_weight_zero_run_no_circuit(two_classes):
    X, y = two_classes
    connection = connect("aer", shots=20, seed=1)
    weight = np.ones(30)
    weight[10:] = 0
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection)
    model = QuantumSVC(kernel).fit(X, y, sample_weight=weight)
    assert connection.usage.circuits == 10 * 9 // 2
    assert_allclose(model.support_vectors_, X[model.support_], atol=0)
    assert model.support_.max() < 10


def test_kernels_of_qiskit_machine_learning_are_accepted(two_classes):
    X, y = two_classes
    theirs = FidelityStatevectorKernel(feature_map=ZZFeatureMap().build(2))
    ours = FidelityKernel(ZZFeatureMap())
    assert_allclose(
        QuantumSVC(theirs).fit(X, y).decision_function(X), QuantumSVC(ours).fit(X, y).decision_function(X), atol=1e-6
    )


@pytest.mark.slow
def test_nested_grid_search_over_the_bandwidth_in_two_processes(three_classes):
    X, y = three_classes
    search = GridSearchCV(
        make_pipeline(MinMaxScaler((0, np.pi)), QuantumSVC(FidelityKernel(AngleFeatureMap()))),
        {"quantumsvc__kernel__feature_map__bandwidth": [0.01, 1.0], "quantumsvc__C": [0.1, 10]},
        n_jobs=2,
        cv=2,
    )
    scores = cross_val_score(search, X, y, cv=3)
    assert scores.min() > 0.8
    best = search.fit(X, y).best_params_
    scaled = MinMaxScaler((0, np.pi)).fit_transform(X)

    def score(bandwidth):
        model = QuantumSVC(FidelityKernel(AngleFeatureMap(bandwidth=bandwidth)), C=best["quantumsvc__C"])
        return cross_val_score(model, scaled, y, cv=2).mean()

    assert best["quantumsvc__kernel__feature_map__bandwidth"] == max((0.01, 1.0), key=score)


def test_sampled_kernel_is_reproducible_in_two_processes(two_classes):
    X, y = two_classes

    def scores():
        model = QuantumSVC(FidelityKernel(AngleFeatureMap(), connection=connect("aer", shots=30, seed=4)))
        return cross_val_score(model, X, y, cv=2, n_jobs=2)

    assert_allclose(scores(), scores(), atol=0)


def test_fitted_model_survives_pickle(three_classes):
    X, y = three_classes
    model = QuantumSVC(C=10).fit(X, y)
    thawed = pickle.loads(pickle.dumps(model))
    assert_allclose(thawed.decision_function(X), model.decision_function(X), atol=0)
    fresh = clone(model)
    assert not hasattr(fresh, "kernel_")


def test_constructor_argument_is_not_changed_by_fit(two_classes):
    kernel = FidelityKernel(AngleFeatureMap())
    model = QuantumSVC(kernel).fit(*two_classes)
    assert model.kernel is kernel
    assert model.kernel_ is not kernel


def test_one_class_is_refused(two_classes):
    X, _ = two_classes
    with pytest.raises(ValueError, match="classes has to be greater than one"):
        QuantumSVC().fit(X, np.ones(30))
