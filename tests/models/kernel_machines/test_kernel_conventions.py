"""What all models on a kernel matrix do as scikit-learn's: conventions, searches, copies, other processes."""

import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit_machine_learning.kernels import FidelityStatevectorKernel
from sklearn.base import clone, is_classifier, is_outlier_detector, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import (
    KernelTransformer,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelRidge,
    QuantumOneClassSVM,
    QuantumSVC,
    QuantumSVR,
)
from qiskit_qml_ext.primitives import connect

RNG = np.random.default_rng(5)
X = RNG.uniform(0, np.pi, (18, 2))
NEW = RNG.uniform(0, np.pi, (5, 2))
VALUES = np.sin(X[:, 0]) + 0.5 * np.cos(X[:, 1])
LABELS = np.array(["low", "middle", "high"])[np.digitize(VALUES, np.quantile(VALUES, [0.33, 0.67]))]
KERNEL = FidelityKernel(AngleFeatureMap(bandwidth=0.8))

MODELS = (
    KernelTransformer,
    QuantumSVC,
    QuantumSVR,
    QuantumOneClassSVM,
    QuantumKernelRidge,
    QuantumGaussianProcessRegressor,
    QuantumGaussianProcessClassifier,
)
FIXED = {QuantumGaussianProcessRegressor: {"optimizer": None}, QuantumGaussianProcessClassifier: {"optimizer": None}}


def made(model, **settings):
    return model(clone(KERNEL), **FIXED.get(model, {}), **settings)


def target_of(model):
    return LABELS if is_classifier(model()) else VALUES if is_regressor(model()) else None


def answer(model, samples):
    return model.transform(samples) if isinstance(model, KernelTransformer) else model.predict(samples)


EXPECTED_FAILURES = {
    QuantumOneClassSVM: {
        "check_sample_weight_equivalence_on_dense_data": "libsvm takes nu of the number of samples, not of the sum of "
        "their weights; scikit-learn lists the same failure of its OneClassSVM"
    }
}


@parametrize_with_checks(
    [made(model) for model in MODELS if model not in (QuantumSVC, QuantumSVR)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES.get(type(estimator), {}),
)
def test_follows_scikit_learns_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", MODELS)
def test_a_fit_changes_no_setting_and_a_clone_has_learned_nothing(model):
    kernel = clone(KERNEL)
    fitted = model(kernel, **FIXED.get(model, {})).fit(X, target_of(model))
    assert fitted.kernel is kernel
    assert fitted.kernel_ is not kernel
    assert not [name for name in vars(clone(fitted)) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        answer(clone(fitted), NEW)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_survives_pickle_and_joblib_before_and_after_its_fit(model):
    fresh = pickle.loads(pickle.dumps(made(model)))
    fitted = fresh.fit(X, target_of(model))
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(io.BytesIO(stream.getvalue()))):
        assert_array_equal(answer(copy, NEW), answer(fitted, NEW))


@pytest.mark.parametrize("model", MODELS)
def test_kernels_of_qiskit_machine_learning_are_taken(model):
    theirs = FidelityStatevectorKernel(feature_map=ZZFeatureMap(bandwidth=0.5).build(2))
    ours = FidelityKernel(ZZFeatureMap(bandwidth=0.5))
    by_theirs, by_ours = (model(kernel, **FIXED.get(model, {})).fit(X, target_of(model)) for kernel in (theirs, ours))
    if is_classifier(by_ours):
        assert_array_equal(answer(by_theirs, NEW), answer(by_ours, NEW))
    else:
        assert_allclose(answer(by_theirs, NEW), answer(by_ours, NEW), atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kernel", ["precomputed", "rbf", FidelityKernel, 3])
def test_what_is_no_quantum_kernel_is_refused_by_name(model, kernel):
    with pytest.raises(TypeError, match=r"kernel must be a quantum kernel, such as FidelityKernel\(…\), but"):
        model(kernel).fit(X, target_of(model))


@pytest.mark.parametrize("model", MODELS)
def test_masked_values_and_dates_are_refused(model):
    masked = np.ma.masked_array(X, np.eye(18, 2))
    with pytest.raises(TypeError, match="X must have all its values"):
        made(model).fit(masked, target_of(model))
    fitted = made(model).fit(X, target_of(model))
    with pytest.raises(TypeError, match="X must have all its values"):
        answer(fitted, np.ma.masked_array(NEW, np.eye(5, 2)))


@pytest.mark.parametrize("model", [QuantumSVC, QuantumSVR, QuantumOneClassSVM, QuantumKernelRidge])
def test_samples_of_weight_zero_count_and_cost_nothing(model):
    weight = np.r_[np.ones(9), np.zeros(9)]
    y = None if target_of(model) is None else target_of(model)[:9]
    connection = connect("aer", shots=20, seed=1)
    sampled = model(FidelityKernel(AngleFeatureMap(), connection=connection, psd_repair="clip"))
    sampled.fit(X, target_of(model), sample_weight=weight)
    assert connection.usage.circuits == 9 * 8 // 2
    assert sampled.gram_matrix_.shape == (9, 9)
    weighted = made(model).fit(X, target_of(model), sample_weight=weight)
    assert_array_equal(weighted.predict(NEW), made(model).fit(X[:9], y).predict(NEW))
    with pytest.raises(ValueError, match=r"sample_weight must be different from 0|at least one non-zero"):
        made(model).fit(X, target_of(model), sample_weight=np.zeros(18))


@pytest.mark.parametrize("model", MODELS[1:5])
def test_the_gram_matrix_is_that_of_the_kernel_after_its_repair(model):
    kernel = FidelityKernel(AngleFeatureMap(), connection=connect("aer", shots=15, seed=2), psd_repair="shift")
    fitted = model(kernel).fit(X, target_of(model))
    assert_array_equal(fitted.gram_matrix_, kernel.evaluate(X))
    assert np.linalg.eigvalsh(fitted.gram_matrix_)[0] > -1e-12
    assert fitted.gram_matrix_[0, 0] > 1


@pytest.mark.parametrize("model", MODELS)
def test_a_plan_is_that_of_the_kernel(model):
    sampled = FidelityKernel(AngleFeatureMap(), connection=connect("aer", shots=20, seed=1))
    assert model(sampled).plan(X).circuits == 18 * 17 // 2
    with pytest.raises(TypeError, match="plan needs a FidelityKernel"):
        model().plan(X)


def test_probabilities_come_from_calibration_and_no_pair_runs_twice():
    connection = connect("aer", shots=50, seed=3)
    model = QuantumSVC(FidelityKernel(AngleFeatureMap(), connection=connection, psd_repair="clip"))
    calibrated = CalibratedClassifierCV(model, ensemble=False, cv=3).fit(X, LABELS)
    assert connection.usage.circuits == 18 * 17 // 2
    probabilities = calibrated.predict_proba(NEW)
    assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    assert calibrated.classes_.tolist() == ["high", "low", "middle"]
    assert_array_equal(calibrated.predict(NEW), calibrated.classes_[probabilities.argmax(axis=1)])


@pytest.mark.parametrize("model", [QuantumSVC, QuantumSVR, QuantumKernelRidge])
def test_a_search_over_its_own_settings_runs_each_pair_once(model):
    connection = connect("aer", shots=50, seed=3)
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection, psd_repair="clip")
    name = "alpha" if model is QuantumKernelRidge else "C"
    GridSearchCV(model(kernel), {name: [0.1, 1.0, 10.0]}, cv=3).fit(X, target_of(model))
    assert connection.usage.circuits == 18 * 17 // 2


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS[3:])
def test_a_search_over_the_bandwidth_in_two_processes_finds_what_one_process_finds(model):
    pipeline = make_pipeline(MinMaxScaler((0, np.pi)), made(model))
    name = f"{model.__name__.lower()}__kernel__feature_map__bandwidth"
    scoring = None if target_of(model) is not None else lambda fitted, X, y=None: fitted.score_samples(X).mean()
    found = [
        GridSearchCV(pipeline, {name: [0.05, 0.5, 1.5]}, n_jobs=n_jobs, cv=3, scoring=scoring).fit(X, target_of(model))
        for n_jobs in (1, 2)
    ]
    assert found[0].best_params_ == found[1].best_params_
    assert_allclose(*(one.cv_results_["mean_test_score"] for one in found), atol=1e-12)
    assert np.ptp(found[0].cv_results_["mean_test_score"]) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(found[0].predict(NEW), found[1].predict(NEW))


def test_models_are_what_scikit_learn_takes_them_for():
    kinds = {model: (is_classifier(model()), is_regressor(model()), is_outlier_detector(model())) for model in MODELS}
    assert kinds[KernelTransformer] == (False, False, False)
    assert kinds[QuantumSVC] == kinds[QuantumGaussianProcessClassifier] == (True, False, False)
    for model in (QuantumSVR, QuantumKernelRidge, QuantumGaussianProcessRegressor):
        assert kinds[model] == (False, True, False)
    assert kinds[QuantumOneClassSVM] == (False, False, True)


def test_a_model_fits_in_a_cross_validation_of_a_pipeline_after_a_scaler():
    pipeline = make_pipeline(MinMaxScaler((0, np.pi)), QuantumKernelRidge(clone(KERNEL), alpha=1e-2))
    predicted = cross_val_predict(pipeline, 10 * X, VALUES, cv=3)
    assert np.corrcoef(predicted, VALUES)[0, 1] > 0.9
