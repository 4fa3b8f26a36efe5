"""What scikit-learn expects of an estimator."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data, parametrize_with_checks

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz, ReuploadingFeatureMap
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.models.losses import HuberLoss

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "30 features take 30 qubits with an angle encoding; see below"
}


@parametrize_with_checks(
    [VariationalClassifier(), VariationalRegressor()], expected_failed_checks=lambda estimator: EXPECTED_FAILURES
)
def test_follows_scikit_learns_conventions(estimator, check):
    if check.func.__name__ in EXPECTED_FAILURES:  # not run: with enough memory it would go on for hours
        pytest.xfail(EXPECTED_FAILURES[check.func.__name__])
    check(estimator)


@pytest.mark.parametrize("kind", [VariationalClassifier, VariationalRegressor])
def test_a_weight_counts_as_repetition_does(kind):
    check_sample_weight_equivalence_on_dense_data(kind.__name__, kind(ReuploadingFeatureMap(reps=2)))


@pytest.fixture(scope="module")
def three_classes():
    X, y = load_iris(return_X_y=True)
    return MinMaxScaler((0, 3)).fit_transform(X[::3]), np.array(["a", "b", "c"])[y[::3]]


def test_nested_grid_search_over_ansatz_start_and_optimizer_in_two_processes(three_classes):
    X, y = three_classes
    model = VariationalClassifier(AngleFeatureMap(), RealAmplitudesAnsatz(), max_iter=15, random_state=0)
    search = GridSearchCV(
        make_pipeline(MinMaxScaler((0, 3)), model),
        {
            "variationalclassifier__ansatz__reps": [1, 2],
            "variationalclassifier__initialization": ["uniform", "small-angle"],
            "variationalclassifier__optimizer": ["adam", "l-bfgs-b"],
        },
        n_jobs=2,
        cv=2,
    )
    assert search.fit(X, y).best_params_["variationalclassifier__optimizer"] == "l-bfgs-b"
    assert cross_val_score(search.best_estimator_, X, y, cv=3).mean() > 0.8


def test_settings_of_losses_are_nested_parameters(three_classes):
    X, y = three_classes
    model = VariationalClassifier(loss=HuberLoss(), optimizer="l-bfgs-b", max_iter=3, random_state=0)
    model.set_params(loss__delta=0.2).fit(X, y)
    assert clone(model).loss.delta == 0.2


@pytest.mark.parametrize("optimizer", ["adam", "l-bfgs-b"])
def test_pickles_before_and_after_fit(three_classes, optimizer):
    X, y = three_classes
    model = pickle.loads(pickle.dumps(VariationalClassifier(optimizer=optimizer, max_iter=5, random_state=1)))
    fitted = model.fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert_allclose(again.predict_proba(X), fitted.predict_proba(X), atol=0)
    assert again.predict(X).tolist() == fitted.predict(X).tolist()


def test_a_pickled_model_is_trained_on_exactly_as_the_one_that_was_kept(three_classes):
    X, y = three_classes
    model = VariationalClassifier(batch_size=16, random_state=1)
    for _ in range(3):
        model.partial_fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_allclose(again.partial_fit(X, y).weights_, model.partial_fit(X, y).weights_, atol=0)
