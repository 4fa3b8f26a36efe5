"""A fit that fails or is interrupted leaves the model as it was."""

import io
from functools import partial

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import (
    QuantumAutoencoder,
    QuantumSVC,
    ReservoirTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from qiskit_qml_ext.optimizers import SPSA, Adam
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1, 1, (9, 2))
LABELS = np.array(list("abc") * 3)
TARGETS = 100 * X[:, 0]
WIDER = np.column_stack([X, X])


def fails(step):
    raise ZeroDivisionError


def interrupts(step):
    if step.iteration == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("settings", "X", "y", "error"),
    [
        ({"optimizer": "nonsense"}, WIDER, np.array([3, 1, 2] * 3), ValueError),
        ({}, WIDER, np.zeros(9), ValueError),
        ({"class_weight": {"a": 1}, "optimizer": "nonsense"}, X, np.array([3, 1, 2] * 3), ValueError),
        ({"callbacks": [fails]}, WIDER, np.array([3, 1, 2] * 3), ZeroDivisionError),
    ],
)
def test_a_classifier_that_cannot_be_fitted_anew_predicts_as_before(settings, X, y, error):
    model = VariationalClassifier(random_state=0, max_iter=2).fit(globals()["X"], LABELS)
    before = model.predict(globals()["X"])
    with pytest.raises(error):
        model.set_params(**settings).fit(X, y)
    assert_array_equal(model.predict(globals()["X"]), before)
    assert_array_equal(model.classes_, list("abc"))


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "nonsense"},
        {"output_scale": np.nan},
        {"callbacks": [fails]},
        {"connection": connect("exact", shots=50, seed=0, max_executions=1)},
    ],
)
@pytest.mark.parametrize("X_again", [X, WIDER])
def test_a_regressor_that_cannot_be_fitted_anew_predicts_as_before(settings, X_again):
    model = VariationalRegressor(random_state=0, max_iter=2).fit(X, TARGETS)
    before, history = model.predict(X), model.history_
    with pytest.raises((ValueError, ZeroDivisionError)):
        model.set_params(**settings).fit(X_again, 1000 * X[:, 0] + 7)
    assert_array_equal(model.predict(X), before)
    assert model.history_ is history
    assert model.get_params()[next(iter(settings))] is next(iter(settings.values()))


def test_a_first_fit_that_fails_leaves_nothing():
    model = VariationalClassifier(random_state=0, callbacks=[fails])
    known = set(vars(model))
    with pytest.raises(ZeroDivisionError):
        model.fit(X, LABELS)
    assert set(vars(model)) == known
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize("optimizer", [Adam(), SPSA()], ids=str)
@pytest.mark.parametrize("connection", [None, connect("exact", shots=20, seed=0)], ids=["exact", "shots"])
def test_a_training_that_was_interrupted_goes_on_as_if_it_had_not_begun(optimizer, connection):
    def begun():
        return VariationalClassifier(
            optimizer=optimizer, connection=connection, random_state=0, max_iter=5, batch_size=4, warm_start=True,
            plateau_guard="off",
        ).fit(X, LABELS)  # fmt: skip

    model, expected = begun(), begun().fit(X, LABELS)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(callbacks=[interrupts]).fit(X, LABELS)
    model.set_params(callbacks=[]).fit(X, LABELS)
    assert_array_equal(model.weights_, expected.weights_)
    assert_array_equal(model.history_["shots"], expected.history_["shots"])


def test_a_pass_that_was_interrupted_is_undone():
    model = VariationalRegressor(random_state=0, batch_size=4).partial_fit(X, TARGETS)
    expected = VariationalRegressor(random_state=0, batch_size=4).partial_fit(X, TARGETS).partial_fit(X, TARGETS)
    with pytest.raises(ZeroDivisionError):
        model.set_params(callbacks=[fails]).partial_fit(X, TARGETS)
    assert_array_equal(model.set_params(callbacks=[]).partial_fit(X, TARGETS).weights_, expected.weights_)


def test_support_vectors_keep_their_kernel_where_another_cannot_be_fitted():
    model = QuantumSVC().fit(X, LABELS)
    before = model.decision_function(X)
    with pytest.raises(ValueError, match="class"):
        model.set_params(kernel=FidelityKernel(AngleFeatureMap(bandwidth=2.0))).fit(WIDER, np.zeros(9))
    assert_array_equal(model.decision_function(X), before)


@pytest.mark.parametrize(
    ("model", "wrong"),
    [
        (ReservoirTransformer(random_state=0), {"observables": "nonsense"}),
        (QuantumAutoencoder(VariationalRegressor(max_iter=2, random_state=0)), {"num_latent": 9}),
    ],
    ids=["reservoir", "autoencoder"],
)
def test_transformers_that_cannot_be_fitted_anew_transform_as_before(model, wrong):
    before = model.fit(X).transform(X)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        model.set_params(**wrong).fit(WIDER)
    assert_array_equal(model.transform(X), before)


def loaded_by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize(
    "settings",
    [
        {"initialization": np.arange(4.0)},
        {"observables": np.array([1.0, 0.5, -0.5, -1.0])},
        {"output_scale": np.float64(2.0)},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_model_with_arrays_as_settings_is_trained_on_after_joblib(settings):
    begin = partial(VariationalRegressor, ansatz=RealAmplitudesAnsatz(reps=1), random_state=0, **settings)
    model = begin().partial_fit(X, TARGETS)
    loaded = loaded_by_joblib(model)
    assert_array_equal(loaded.partial_fit(X, TARGETS).weights_, model.partial_fit(X, TARGETS).weights_)


@pytest.mark.parametrize("given", [np.array([1.0, 0.5, -0.5, 1.0]), np.array([1, 0, 0, -1])])
def test_another_array_as_a_setting_is_noticed(given):
    model = VariationalRegressor(observables=np.array([1.0, 0.5, -0.5, -1.0]), random_state=0).partial_fit(X, TARGETS)
    with pytest.raises(ValueError, match="observables was changed"):
        model.set_params(observables=given).partial_fit(X, TARGETS)


def test_the_same_number_of_numpy_is_no_other_setting():
    model = VariationalRegressor(output_scale=2.0, random_state=0).partial_fit(X, TARGETS)
    model.set_params(output_scale=np.float64(2.0), random_state=np.int64(0)).partial_fit(X, TARGETS)
    with pytest.raises(ValueError, match="output_scale was changed"):
        model.set_params(output_scale=np.float64(2.5)).partial_fit(X, TARGETS)
