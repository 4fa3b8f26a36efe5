"""Models train kernels that learn from labels on their own training samples, and on nothing else."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, TrainableRingFeatureMap, ZZFeatureMap
from qiskit_qml_ext.diagnostics import diagnose, rbf_twin
from qiskit_qml_ext.kernels import (
    CachedKernel,
    CombinedKernel,
    FidelityKernel,
    LearnsFromLabels,
    ProjectedKernel,
    TrainableKernel,
    TrainableProjectedKernel,
    compute_kernel_matrix,
)
from qiskit_qml_ext.models import (
    AdaptiveQuantumSVC,
    GaussianProcessKernel,
    KernelTransformer,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelRidge,
    QuantumNystroem,
    QuantumOneClassSVM,
    QuantumSVC,
    QuantumSVR,
)
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (24, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
VALUES = np.sin(3 * X[:, 0])
NEW = RNG.uniform(-1, 1, (5, 2))


def trainable(task="classification", **settings):
    settings = {"max_iter": 3, "random_state": 0, "trained_bandwidth": "each", **settings}
    return TrainableKernel(AngleFeatureMap(), task=task, **settings)


def aligned(kernel, task="classification"):
    parts = [("learns", kernel), ("rbf", RBF()), ("zz", FidelityKernel(ZZFeatureMap()))]
    return CombinedKernel(parts, weights="alignment", task=task)


def projected(task="classification"):
    settings = {"max_iter": 3, "random_state": 0, "trained_bandwidth": "each"}
    return TrainableProjectedKernel(AngleFeatureMap(), task=task, **settings)


KINDS = {
    "trainable": trainable,
    "projected": projected,
    "cached projected": lambda task="classification": CachedKernel(projected(task)),
    "cached": lambda task="classification": CachedKernel(trainable(task)),
    "weights": lambda task="classification": aligned(FidelityKernel(AngleFeatureMap()), task),
    "weights and parts": lambda task="classification": aligned(trainable(task), task),
    "parts": lambda task="classification": CombinedKernel([("one", trainable(task)), ("rbf", RBF())], task=task),
    "product": lambda task="classification": CombinedKernel(
        [("one", trainable(task)), ("rbf", RBF())], operation="product", task=task
    ),
    "cached sum": lambda task="classification": CachedKernel(aligned(trainable(task), task)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_has_the_kernel_that_its_training_samples_make(kind):
    kernel = KINDS[kind]()
    model = QuantumSVC(kernel).fit(X, Y)
    by_hand = clone(kernel).fit(X, Y)
    assert isinstance(kernel, LearnsFromLabels)
    assert kernel.learns
    assert model.kernel is kernel
    assert model.kernel_ is not kernel
    assert_array_equal(model.kernel_.evaluate(NEW, X), by_hand.evaluate(NEW, X))
    assert_array_equal(model.gram_matrix_, by_hand.evaluate(X))
    expected = SVC(kernel="precomputed", tol=1e-8).fit(by_hand.evaluate(X), Y).predict(by_hand.evaluate(NEW, X))
    for one in (model, pickle.loads(pickle.dumps(model))):
        assert_array_equal(one.predict(NEW), expected)
    with pytest.raises(NotFittedError):
        kernel.evaluate(X)  # the user's own was not touched


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_learned_before_does_not_come_along_unless_it_is_frozen(kind):
    others = -VALUES > 0
    kernel = KINDS[kind]().fit(X, others)
    before = kernel.evaluate(X)
    anew = KINDS[kind]().fit(X, Y).evaluate(X)
    assert np.abs(before - anew).max() > 1e-6
    assert_array_equal(QuantumSVC(kernel).fit(X, Y).gram_matrix_, anew)
    frozen = kernel.frozen()
    assert not getattr(frozen, "learns", False)
    assert_allclose(QuantumSVC(frozen).fit(X, Y).gram_matrix_, before, atol=1e-12)
    by_scikit_learn = clone(SVC(kernel=frozen)).fit(X, Y)
    assert_array_equal(by_scikit_learn.predict(NEW), SVC(kernel=kernel).fit(X, Y).predict(NEW))
    with pytest.raises(NotFittedError, match="Clones begin anew"):
        clone(SVC(kernel=kernel)).fit(X, Y)
    assert_array_equal(QuantumSVC(FrozenEstimator(kernel)).fit(X, Y).gram_matrix_, before)
    assert_array_equal(kernel.evaluate(X), before)


REGRESSIONS = {
    "svr": QuantumSVR,
    "ridge": QuantumKernelRidge,
    "process": QuantumGaussianProcessRegressor,
}


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_regression_trains_a_kernel_of_numbers_and_refuses_one_of_classes(name):
    kernel = trainable("regression", loss="likelihood")
    model = REGRESSIONS[name](kernel).fit(X, VALUES)
    by_hand = clone(kernel).fit(X, VALUES)
    if name == "process":
        scale = model.kernel_.k1.k1.constant_value
        noise = model.kernel_.k2.noise_level
        assert_allclose(model.gram_matrix_, scale * by_hand.evaluate(X) + noise * np.eye(len(X)), atol=1e-12)
        covariance = ConstantKernel(scale) * GaussianProcessKernel(by_hand.frozen()) + WhiteKernel(noise)
        other = GaussianProcessRegressor(covariance, alpha=1e-10, normalize_y=True, optimizer=None).fit(X, VALUES)
        for one, two in zip(model.predict(NEW, return_std=True), other.predict(NEW, return_std=True), strict=True):
            assert_allclose(one, two, atol=1e-8)
    else:
        assert_array_equal(model.gram_matrix_, by_hand.evaluate(X))
    # numbers that could be classes would be taken for such
    with pytest.raises(ValueError, match=r"is a regression, but its TrainableKernel .* Set task='regression'"):
        REGRESSIONS[name](trainable()).fit(X, np.arange(24.0) % 3)


@pytest.mark.parametrize("model", [QuantumSVC, QuantumGaussianProcessClassifier, AdaptiveQuantumSVC])
def test_a_classifier_refuses_a_kernel_of_numbers(model):
    kernel = trainable("regression", connection=connect("exact", shots=200, seed=0))
    with pytest.raises(
        ValueError, match="is a classification, but its TrainableKernel would take y for those of a reg"
    ):
        model(kernel).fit(X, (Y == "same").astype(float))
    with pytest.raises(ValueError, match="CombinedKernel is a classification, but its TrainableKernel"):
        QuantumSVC(aligned(trainable("regression"))).fit(X, Y)


def test_a_classifying_process_trains_its_kernel():
    model = QuantumGaussianProcessClassifier(trainable()).fit(X, Y)
    by_hand = trainable().fit(X, Y)
    assert_allclose(model.gram_matrix_, model.kernel_.k1.constant_value * by_hand.evaluate(X), atol=1e-12)
    assert model.predict_proba(NEW).shape == (5, 2)


def test_transformers_train_with_the_labels_that_a_pipeline_hands_them():
    by_hand = trainable().fit(X, Y)
    pipeline = make_pipeline(KernelTransformer(trainable()), SVC(kernel="precomputed")).fit(X, Y)
    assert_array_equal(pipeline[0].transform(NEW), by_hand.evaluate(NEW, X))
    features = QuantumNystroem(trainable(), n_components=24, random_state=0)
    model = make_pipeline(features, RidgeClassifier()).fit(X, Y)
    found = model[0].transform(X)
    assert_allclose(found @ found.T, by_hand.evaluate(X), atol=1e-7)


@pytest.mark.parametrize("model", [QuantumOneClassSVM, KernelTransformer, QuantumNystroem])
def test_without_labels_there_is_nothing_to_train_with(model):
    with pytest.raises(ValueError, match=f"trained with labels, but {model.__name__} has none. .*frozen"):
        model(trainable()).fit(X)
    model(trainable().fit(X, Y).frozen()).fit(X)


def test_an_adaptive_machine_trains_its_kernel_first():
    connection = connect("exact", shots=200, seed=0)
    kernel = TrainableKernel(AngleFeatureMap(), connection=connection, max_iter=2, optimizer="spsa", random_state=0)
    model = AdaptiveQuantumSVC(kernel, random_state=0).fit(X[:10], Y[:10])
    spent = connection.usage.shots
    assert model.shots_ == spent
    pairs = np.triu(model.kernel_estimate_.entry_shots).sum()
    assert model.kernel_shots_ == spent - pairs == 4 * 45 * 200  # two steps of two matrices
    by_hand = clone(kernel).fit(X[:10], Y[:10])
    assert_array_equal(model.kernel_.bandwidth_, by_hand.bandwidth_)
    exact = by_hand.exact_copy().evaluate(X[:10])
    estimate = model.kernel_estimate_
    assert np.all(np.abs(estimate.matrix - exact) <= 6.5 * estimate.standard_errors + 1e-9)  # 45 entries: 4e-9


def test_an_adaptive_machine_trains_no_kernel_on_hardly_any_shots_nor_one_that_it_cannot_use():
    connection = connect("exact", shots=1, seed=0)
    with pytest.raises(ValueError, match=r"connection's shots, 1 of each .* up to 0\.5: .*shots=1024.*frozen\(\)"):
        AdaptiveQuantumSVC(trainable(connection=connection)).fit(X, Y)
    assert connection.usage.circuits == 0
    seen = []
    for kernel in (trainable(callbacks=[seen.append]), trainable(callbacks=[seen.append], method="sampled")):
        with pytest.raises(ValueError, match=r"results are exact\. Give the TrainableKernel .*shots=1024.*frozen\(\)"):
            AdaptiveQuantumSVC(kernel).fit(X, Y)
    with pytest.raises(TypeError, match="but a CachedKernel came"):
        AdaptiveQuantumSVC(CachedKernel(trainable(callbacks=[seen.append]))).fit(X, Y)
    assert seen == []
    advised = trainable().fit(X, Y).frozen().with_connection(connection)
    model = AdaptiveQuantumSVC(advised, random_state=0).fit(X, Y)
    assert model.kernel_shots_ == 0
    assert model.shots_ == connection.usage.shots


def test_samples_of_weight_zero_train_no_kernel():
    weight = np.ones(24)
    weight[::3] = 0
    model = QuantumSVC(trainable()).fit(X, Y, sample_weight=weight)
    by_hand = trainable().fit(X[weight > 0], Y[weight > 0])
    assert_array_equal(model.gram_matrix_, by_hand.evaluate(X[weight > 0]))


def test_a_search_reaches_what_trains_the_kernel_and_each_fold_trains_its_own():
    seen = []
    kernel = TrainableKernel(AngleFeatureMap(), optimizer="adam", random_state=0, callbacks=[seen.append])
    grid = {"kernel__max_iter": [1, 4], "kernel__trained_bandwidth": ["common", "each"], "C": [0.5]}
    search = GridSearchCV(QuantumSVC(kernel), grid, cv=2).fit(X, Y)
    assert len(seen) <= 2 * 2 * (1 + 4) + 4
    best = search.best_estimator_
    by_hand = clone(kernel).set_params(**{name[8:]: v for name, v in search.best_params_.items() if "__" in name})
    assert_array_equal(best.kernel_.evaluate(X), by_hand.fit(X, Y).evaluate(X))
    nested = GridSearchCV(QuantumSVC(aligned(trainable())), {"kernel__learns__max_iter": [1, 2]}, cv=2).fit(X, Y)
    assert dict(nested.best_estimator_.kernel_.trained_kernels_)["learns"].n_iter_ <= 2


def test_random_labels_are_learned_only_by_a_kernel_that_saw_those_of_the_test():
    """Chance is 1/2: 200 decisions of labels that mean nothing, 4 data sets of 50 (seeded; a mean has σ = 0.035)."""
    honest, leaking = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        samples, labels = rng.uniform(-1, 1, (50, 6)), rng.permutation(np.arange(50) % 2)
        kernel = TrainableKernel(TrainableRingFeatureMap(reps=3), trained_bandwidth="each", max_iter=60, random_state=0)
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        honest.append(cross_val_score(QuantumSVC(kernel), samples, labels, cv=folds).mean())
        seen = clone(kernel).fit(samples, labels).frozen()
        leaking.append(cross_val_score(QuantumSVC(seen), samples, labels, cv=folds).mean())
    assert abs(np.mean(honest) - 0.5) < 0.12, honest
    assert np.mean(leaking) > 0.7, leaking


def test_a_plan_says_that_the_training_comes_first():
    kernel = TrainableKernel(AngleFeatureMap(), connection=connect("exact", shots=100, seed=0))
    with pytest.raises(ValueError, match="fit trains the TrainableKernel first"):
        QuantumSVC(kernel).plan(X)


def test_settings_that_are_changed_after_a_fit_forget_what_was_learned():
    for kernel, change in ((KINDS["parts"](), "one__max_iter"), (KINDS["cached"](), "kernel__max_iter")):
        kernel.fit(X, Y)
        kernel.set_params(**{change: 2})
        with pytest.raises(NotFittedError):
            kernel.evaluate(X)
    with pytest.raises(ValueError, match="learns nothing from labels"):
        CachedKernel(FidelityKernel()).fit(X, Y)


def test_a_covariance_takes_a_frozen_kernel_and_says_so():
    kernel = trainable("regression").fit(X, VALUES)
    with pytest.raises(NotFittedError, match="frozen"):
        QuantumGaussianProcessRegressor(ConstantKernel() * GaussianProcessKernel(kernel)).fit(X, VALUES)
    model = QuantumGaussianProcessRegressor(GaussianProcessKernel(kernel.frozen()), alpha=0.1).fit(X, VALUES)
    assert_allclose(model.gram_matrix_, kernel.evaluate(X), atol=1e-12)


@pytest.mark.parametrize("sum_of", [lambda kernel: RBF() + kernel, lambda kernel: kernel + RBF(), lambda k: RBF() * k])
def test_a_sum_with_a_quantum_kernel_says_what_to_do_in_a_process(sum_of):
    covariance = sum_of(FidelityKernel(AngleFeatureMap()))
    for model in (GaussianProcessRegressor, QuantumGaussianProcessRegressor):
        with pytest.raises(AttributeError, match=r"RBF\(\) \+ GaussianProcessKernel\(kernel\)"):
            model(covariance).fit(X, VALUES)


DIAGONALS = {
    "fidelity": FidelityKernel(ZZFeatureMap()),
    "projected": ProjectedKernel(ZZFeatureMap()),
    "linear": ProjectedKernel(ZZFeatureMap(), outer="linear"),
    "scikit-learn's": ProjectedKernel(ZZFeatureMap(), outer=RBF()),
    "sum": CombinedKernel(
        [("linear", ProjectedKernel(ZZFeatureMap(), outer="linear")), ("rbf", RBF())], weights=[2, 1]
    ),
    "product": CombinedKernel(
        [("linear", ProjectedKernel(ZZFeatureMap(), outer="linear")), ("white", WhiteKernel(3.0))], operation="product"
    ),
    "cached": CachedKernel(ProjectedKernel(ZZFeatureMap(), outer="linear")),
}


@pytest.mark.parametrize("name", DIAGONALS)
def test_the_diagonal_is_that_of_the_matrix(name):
    kernel = clone(DIAGONALS[name])
    expected = np.diagonal(kernel.evaluate(X))
    assert_allclose(GaussianProcessKernel(kernel).diag(X), expected, atol=1e-12)


def test_a_measured_diagonal_is_one_job_and_that_of_the_matrix():
    connection = connect("aer", shots=100, seed=0)
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection, run_diagonal=True)
    values = kernel.diag(X[:6])
    assert (connection.usage.jobs, connection.usage.circuits) == (1, 6)
    assert_array_equal(values, np.diagonal(kernel.evaluate(X[:6])))
    assert connection.usage.circuits == 6 + 15


def test_the_diagonal_of_measured_projections_is_one_job():
    connection = connect("exact", shots=100, seed=0)
    kernel = ProjectedKernel(ZZFeatureMap(), outer="linear", connection=connection)
    values = GaussianProcessKernel(kernel).diag(X)
    assert connection.usage.jobs == 1
    assert_array_equal(values, np.diagonal(kernel.evaluate(X)))


@pytest.mark.parametrize("kind", ["trainable", "cached", "weights"])
def test_no_scores_are_given_on_labels_that_a_kernel_has_seen(kind):
    kernel = KINDS[kind]().fit(X, Y)
    with pytest.raises(ValueError, match="learns from labels, so that its scores"):
        rbf_twin(kernel, X, Y)
    assert rbf_twin(kernel, X).scores is None
    assert rbf_twin(kernel.frozen(), X, Y).scores is not None
    untrained = clone(kernel)
    for use in (lambda: rbf_twin(untrained, X), lambda: compute_kernel_matrix(untrained, X)):
        with pytest.raises(NotFittedError, match="not trained yet"):
            use()
    assert_allclose(compute_kernel_matrix(kernel, X), kernel.evaluate(X), atol=1e-12)


def test_a_diagnosis_takes_no_labels_that_a_kernel_has_seen():
    kernel = trainable().fit(X, Y)
    with pytest.raises(ValueError, match="learns from labels, so that its scores"):
        diagnose(kernel, X, Y)
    with pytest.raises(NotFittedError, match="not trained yet"):
        diagnose(trainable(), X)
    diagnose(kernel, X)
    diagnose(kernel.frozen(), X, Y)
