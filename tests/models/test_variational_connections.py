"""Models whose circuit runs through a connection: shots, simulators, devices."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import Pauli
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import MinMaxScaler

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
from qiskit_qml_ext.exceptions import BudgetExceededError, UnsupportedObservableError
from qiskit_qml_ext.gradients import FiniteDifferenceGradient, ParameterShiftGradient, SPSAGradient
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.optimizers import Adam
from qiskit_qml_ext.primitives import Connection, connect

KINDS = [VariationalClassifier, VariationalRegressor]


@pytest.fixture(scope="module")
def data():
    X, y = load_iris(return_X_y=True)
    kept = (y < 2) & (np.arange(len(y)) % 5 == 0)
    return MinMaxScaler((0, 3)).fit_transform(X[kept][:, ::2]), y[kept]


def model(kind, **settings):
    settings = {"optimizer": Adam(0.2), "max_iter": 3, "random_state": 0, **settings}
    return kind(AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_shift_rules_without_noise_train_as_states_do(kind, data):
    exact, shifted = model(kind), model(kind, gradient="parameter_shift")
    assert_allclose(shifted.fit(*data).weights_, exact.fit(*data).weights_, atol=1e-10)
    assert (exact.gradient_.method, shifted.gradient_.method) == ("adjoint", "parameter_shift")
    assert "exact" in exact.gradient_.reason
    assert shifted.gradient_.reason == "It was asked for."
    for history in (exact.history_, shifted.history_):
        assert (history["shots"] == 0).all()
        assert history["gradient_error"].isna().all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["exact", "aer"])
def test_a_fit_with_shots_on_a_seeded_simulator_is_reproducible_and_its_noise_is_not_frozen(kind, name, data):
    def fitted(seed):
        return model(kind, connection=connect(name, shots=200, seed=seed), max_iter=4).fit(*data)

    first, second, other = fitted(1), fitted(1), fitted(2)
    assert_allclose(first.weights_, second.weights_, atol=0)
    assert not np.array_equal(first.weights_, other.weights_)
    assert first.gradient_.method == "parameter_shift"
    shots = 200 * len(data[0]) * (1 + 2 * len(first.weights_))
    assert first.history_["shots"].tolist() == [shots * (1 + step) for step in range(4)]
    assert (first.history_["gradient_error"] > 0).all()
    still = model(kind, connection=connect(name, shots=200, seed=1), optimizer=_Stands(), max_iter=4).fit(*data)
    assert len(set(still.history_["loss"])) == 4, "the same point has other values at each step"


class _Stands(Adam):
    """Looks at the loss without moving."""

    def step(self, objective, point, training):
        loss, gradient = objective.value_and_gradient(point)
        return point, loss, float(np.linalg.norm(gradient))


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_take_one_job_and_change_nothing_that_comes_after(kind, data):
    connection = connect("exact", shots=100, seed=1)
    one, two = (model(kind, connection=connection, optimizer="adam").fit(*data) for _ in range(2))
    before = connection.usage
    predicted = one.predict(data[0])
    assert (connection.usage - before).jobs == 1
    assert (connection.usage - before).shots == 100 * len(data[0])
    assert predicted.tolist() == one.predict(data[0]).tolist(), "a seed makes predictions reproducible"
    assert_allclose(one.partial_fit(*data).weights_, two.partial_fit(*data).weights_, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_trained_exactly_runs_elsewhere(kind, data):
    exact = model(kind, optimizer="l-bfgs-b", max_iter=30).fit(*data)
    other = exact.with_connection(connect("exact", shots=10**6, seed=0))
    predict = "decision_function" if kind is VariationalClassifier else "predict"
    # values have a standard error of 1e-3
    atol = 6e-3 * exact.output_scale_.max()
    expected = getattr(exact, predict)(data[0])
    assert_allclose(getattr(other, predict)(data[0]), expected, atol=atol)
    assert not np.array_equal(getattr(other, predict)(data[0]), expected)
    assert other.gradient_.method == "parameter_shift"
    assert_allclose(getattr(other.with_connection(None), predict)(data[0]), expected, atol=0)
    with pytest.raises(NotFittedError):
        model(kind).with_connection(None)


@pytest.mark.parametrize("observables", ["parity", "local"])
def test_observables_that_are_no_pauli_sums_are_measured_as_such(observables, data):
    X, y = data[0][:9], np.arange(9) % 3
    settings = {"observables": observables, "optimizer": _Stands(), "max_iter": 1}
    exact = model(VariationalClassifier, **settings).fit(X, y)
    shots = model(VariationalClassifier, connection=connect("aer", shots=10**10, seed=0), **settings).fit(X, y)
    assert any(isinstance(one, np.ndarray) for one in shots.observables_)
    assert_allclose(shots.decision_function(X), exact.decision_function(X), atol=1e-3)


def _name(one):
    return one if isinstance(one, str) else type(one).__name__


@pytest.mark.parametrize(
    "gradient", ["parameter_shift", "finite_difference", "spsa", "hadamard_test", SPSAGradient(num_directions=20),
                 FiniteDifferenceGradient(0.4), ParameterShiftGradient()], ids=_name,
)  # fmt: skip
def test_every_gradient_method_trains_with_shots(gradient, data):
    connection = connect("exact", shots=2000, seed=0)
    one, two = (
        model(VariationalClassifier, gradient=gradient, connection=connection, max_iter=15).fit(*data) for _ in range(2)
    )
    assert one.history_["loss"].iloc[-1] < one.history_["loss"].iloc[0]
    assert_allclose(one.weights_, two.weights_, atol=0, err_msg="the method that was given is not used up")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"gradient": "backprop"}, ValueError, "gradient must be one of 'auto', 'adjoint', 'parameter_shift'"),
        ({"gradient": 3}, TypeError, "gradient must be one of 'auto'"),
        ({"gradient": SPSAGradient}, TypeError, "or a gradient method"),
        (
            {"gradient": "adjoint", "connection": connect("aer")},
            ValueError,
            "gradient='adjoint' cannot be used on .*aer.*: it needs states.*'parameter_shift'",
        ),
        ({"gradient": "parameter_shift", "optimizer": "spsa"}, ValueError, "takes values only.*such as 'adam'"),
        ({"gradient": "adjoint", "optimizer": "cobyla"}, ValueError, "takes values only"),
        ({"gradient": "adjoint", "optimizer": "NFT"}, ValueError, "takes values only"),
        ({"connection": "aer"}, TypeError, r"connection must be what connect\(…\) returns, or None"),
        (
            {"connection": Connection.from_primitives(sampler=StatevectorSampler())},
            ValueError,
            "needs an estimator, but only a sampler was given",
        ),
        ({"connection": connect("exact", shots=100, max_executions=99)}, BudgetExceededError, "99"),
        ({"initialization": [0.0, 1.0]}, ValueError, r"shape \(2,\) but the circuit has 4 weights"),
        ({"initialization": [[0.0] * 4]}, ValueError, r"shape \(1, 4\)"),
        ({"initialization": [0.0, 1.0, np.nan, 0.0]}, ValueError, "initialization must"),
        ({"initialization": ["a"] * 4}, TypeError, "initialization"),
        ({"optimizer": "sgd2"}, ValueError, "optimizer must be one of 'adam'"),
        ({"loss": "absolute"}, ValueError, "loss must be one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(kind, settings, error, words, data):
    with pytest.raises(error, match=words):
        model(kind, **settings).fit(*data)


@pytest.mark.parametrize("kind", KINDS)
def test_bad_data_are_refused(kind, data):
    X, y = data
    with pytest.raises(NotFittedError):
        model(kind).predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model(kind).fit(np.where(np.arange(len(X))[:, None] == 3, np.nan, X), y)
    fitted = model(kind).fit(X, y)
    with pytest.raises(ValueError, match="1 features"):
        fitted.predict(X[:, :1])
    with pytest.raises(ValueError, match="NaN"):
        fitted.predict(X * np.nan)
    plain = RealAmplitudesAnsatz(reps=1).build(2)  # its parameters are not split into data and weights
    with pytest.raises(ValueError, match="are not split into data and weights"):
        kind(plain).fit(X, y)
    with pytest.raises(ValueError, match="no weights to train"):
        kind(AngleFeatureMap().build(2), AngleFeatureMap().build(2).assign_parameters([0.1, 0.2])).fit(X, y)


def test_one_class_and_more_classes_than_outcomes_are_refused(data):
    X, _ = data
    with pytest.raises(ValueError, match="at least 2, but 1 class"):
        model(VariationalClassifier).fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="5 outputs need as many kinds of outcomes"):
        model(VariationalClassifier).fit(X, np.arange(len(X)) % 5)
    with pytest.raises(ValueError, match="5 outputs need as many kinds of outcomes"):
        model(VariationalRegressor).fit(X, np.ones((len(X), 5)))


def test_an_observable_that_no_estimator_can_measure_is_refused_before_anything_runs():
    X, y = np.random.default_rng(0).uniform(size=(6, 11)), np.arange(6) % 3
    connection = connect("aer", shots=10)
    with pytest.raises(UnsupportedObservableError, match=r"2,048 strings.*exact connection"):
        VariationalClassifier(observables=[np.random.default_rng(k).normal(size=2**11) for k in range(3)],
                              connection=connection).fit(X, y)  # fmt: skip
    assert connection.usage.shots == 0


@pytest.mark.parametrize("kind", KINDS)
def test_weights_can_be_given(kind, data):
    start = np.array([0.1, 0.2, 0.3, 0.4])
    fitted = clone(model(kind, initialization=start, optimizer=_Stands(), max_iter=1)).fit(*data)
    assert_allclose(fitted.weights_, start, atol=0)
    fitted = model(kind, initialization=start, max_iter=2, warm_start=True).fit(*data).fit(*data)
    assert_allclose(fitted.weights_, model(kind, initialization=start, max_iter=4).fit(*data).weights_, atol=1e-13)
    assert start.tolist() == [0.1, 0.2, 0.3, 0.4]


def test_an_estimator_of_the_users_own_trains(data):
    own = Connection.from_primitives(estimator=StatevectorEstimator(default_precision=0.01, seed=0))
    fitted = model(VariationalClassifier, connection=own).fit(*data)
    assert (fitted.history_["gradient_error"] > 0).all()


def test_callbacks_are_told_shots_time_and_errors(data):
    steps = []
    model(VariationalClassifier, connection=connect("exact", shots=10), callbacks=[steps.append]).fit(*data)
    assert [step.shots for step in steps] == sorted({step.shots for step in steps})
    assert [step.seconds for step in steps] == sorted(step.seconds for step in steps)
    assert all(step.gradient_error > 0 for step in steps)


def test_the_progress_bar_says_how_many_shots_were_used(data, capsys):
    model(VariationalClassifier, connection=connect("exact", shots=10), verbose=True).fit(*data)
    assert "shots=" in capsys.readouterr().err


def test_a_grid_search_in_two_processes_shares_a_connection(data):
    search = GridSearchCV(
        model(VariationalClassifier, connection=connect("exact", shots=500, seed=0)),
        {"ansatz__reps": [1, 2], "gradient": ["auto", "spsa"], "optimizer": ["adam"], "max_iter": [1]},
        n_jobs=2,
        cv=2,
        error_score="raise",
    )
    assert search.fit(*data).best_params_["optimizer"] == "adam"


_IN_ANOTHER_PROCESS = """
import joblib, sys
models, X, y = joblib.load(sys.argv[1])
print([(model.predict(X).tolist(), model.partial_fit(X, y).weights_.tolist()) for model in models])
"""


def test_pickles_with_a_connection_before_and_after_fit_also_in_another_process(data, tmp_path):
    connection = connect("exact", shots=100, seed=3)
    models = [model(kind, connection=connection).fit(*data) for kind in KINDS]
    for fitted in models:
        again = pickle.loads(pickle.dumps(model(type(fitted), connection=connection))).fit(*data)
        assert_allclose(again.weights_, fitted.weights_, atol=0)
    joblib.dump((models, *data), tmp_path / "models")
    command = [sys.executable, "-c", _IN_ANOTHER_PROCESS, tmp_path / "models"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    X, y = data
    assert told.strip() == str([(one.predict(X).tolist(), one.partial_fit(X, y).weights_.tolist()) for one in models])


def test_a_connection_of_a_fitted_model_is_not_changed_unnoticed(data):
    fitted = model(VariationalClassifier, warm_start=True).fit(*data)
    with pytest.raises(ValueError, match="connection was changed since the model was made"):
        fitted.set_params(connection=connect("aer")).fit(*data)


def test_the_natural_gradient_with_shots_takes_the_metric_of_the_circuit(data):
    settings = {"optimizer": "natural_gradient", "max_iter": 3}
    exact = model(VariationalClassifier, **settings).fit(*data)
    shots = model(VariationalClassifier, connection=connect("aer", shots=10**10, seed=0), **settings).fit(*data)
    assert_allclose(shots.weights_, exact.weights_, atol=1e-3)


def test_one_qubit_with_one_observable_of_the_users_own_on_a_device(data):
    fitted = VariationalRegressor(
        AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), observables=Pauli("Z"), max_iter=1,
        connection=connect("fake_manila", shots=20, seed=0), random_state=0,
    ).fit([[0.0], [1.0]], [0.0, 1.0])  # fmt: skip
    assert np.isfinite(fitted.predict([[0.5]])).all()
