"""Trainings under guard."""

import pickle
import warnings
from contextlib import nullcontext

import numpy as np
import pytest

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    HardwareEfficientAnsatz,
    RealAmplitudesAnsatz,
    WarmStartDistribution,
)
from qiskit_qml_ext.exceptions import PlateauError, PlateauWarning
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.models.guard import plateau_guard
from qiskit_qml_ext.models.guard.plateau_guard import PlateauGuard
from qiskit_qml_ext.models.guard.readers import StateReader
from qiskit_qml_ext.models.variational import model as model_module
from qiskit_qml_ext.models.variational.choosing import ChosenGradient
from qiskit_qml_ext.models.variational.model import VariationalModel
from qiskit_qml_ext.optimizers import Adam, GradientDescent
from tests.models.guard.cases import GOES_ON, STOPS
from tests.models.guard.noisy import noisy_evaluator


@pytest.fixture
def on_shots(monkeypatch):
    def run(shots, told=None, **settings):
        noisy, chosen = noisy_evaluator(shots, **settings), ChosenGradient("noisy", "for a test")
        monkeypatch.setattr(model_module, "choose_evaluator", lambda *parts: (noisy(*parts[:2]), chosen))
        monkeypatch.setattr(VariationalModel, "_shots", lambda self: shots if told is None else told)

    return run


TRAINED = {
    "shallow local on 4 qubits": 0.7,
    "shallow real amplitudes": 0.7,
    "small angles in a deep circuit, single Z": 0.7,
    "all angles zero, real amplitudes": 0.7,
    "deep parity, narrow": 0.7,
    "shallow classifier": 0.7,
}


@pytest.mark.parametrize("name", TRAINED)
def test_a_training_that_is_let_through_trains(name, on_shots):
    case = GOES_ON[name]
    on_shots(case.shots)
    model = case.model(plateau_guard="stop", optimizer="adam", max_iter=60, n_iter_no_change=60).fit(*case.data())
    losses = model.history_["loss"].to_numpy()
    # the mean of ten, whose noise is far below; the loss of the best constant is 1 (cross-entropy: log 2 = 0.69)
    assert losses[-10:].mean() < TRAINED[name] * losses[0]
    assert model.plateau_.code in ("gradient_seen", "resolved")
    assert model.history_["gradient_error"].notna().all()


PLATEAU = STOPS["deep parity on 8 qubits at 60 shots"]


def test_a_training_on_a_plateau_is_stopped_while_it_runs(on_shots):
    on_shots(PLATEAU.shots, told=10**9)  # the guard is told of more shots than there are: it does not see it coming
    model = PLATEAU.model(plateau_guard="stop", optimizer=Adam(0.01), max_iter=100, n_iter_no_change=100)
    with pytest.warns(PlateauWarning, match="smaller than its noise"):
        model.fit(*PLATEAU.data())
    assert model.stopped_ == "plateau"
    assert model.n_iter_ < 60
    assert model.plateau_.code == "stalled"
    assert model.plateau_.is_plateau
    assert "small Gaussian angles" in model.plateau_.cause
    assert model.plateau_.training_signal_to_noise < 1
    assert model.plateau_.num_iterations == model.n_iter_


def test_a_warning_is_given_once_and_the_training_goes_on(on_shots):
    on_shots(PLATEAU.shots)
    model = PLATEAU.model(optimizer=Adam(0.01), max_iter=40, n_iter_no_change=100)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(*PLATEAU.data())
    assert [one.category for one in said] == [PlateauWarning]
    assert said[0].filename == __file__
    assert model.stopped_ == "max_iter"
    assert model.plateau_.is_plateau


def test_a_plateau_by_the_noise_of_the_device_is_seen_while_training(on_shots):
    case = GOES_ON["shallow local on 8 qubits"]
    on_shots(case.shots, damping=1e-3)
    model = case.model(plateau_guard="stop", optimizer=Adam(0.01), max_iter=100, n_iter_no_change=100)
    with pytest.warns(PlateauWarning, match="smaller than its noise"):
        model.fit(*case.data())
    assert model.stopped_ == "plateau"
    assert model.plateau_.code == "stalled"


def test_a_training_that_has_converged_is_no_plateau(on_shots):
    on_shots(100)
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (20, 1))
    model = VariationalRegressor(
        AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), max_iter=150, n_iter_no_change=150, plateau_guard="stop",
        optimizer=GradientDescent(0.05), random_state=1,
    ).fit(X, np.cos(X[:, 0]) + 0.5 * rng.normal(size=20))  # fmt: skip
    assert model.plateau_.code == "resolved"
    assert "at 100 shots of each circuit nothing more is resolved" in model.plateau_.finding
    assert not model.plateau_.is_plateau
    assert model.stopped_ == "max_iter"
    assert model.plateau_.training_signal_to_noise < 1


def test_an_optimum_as_a_start_is_no_plateau():
    X = np.linspace(-1, 1, 20)[:, None]
    y = np.sin(X[:, 0])
    settings = {"optimizer": "l-bfgs-b", "random_state": 0}
    trained = VariationalRegressor(max_iter=500, **settings).fit(X, y)
    again = VariationalRegressor(max_iter=1, **settings)
    again.set_params(output_scale=trained.output_scale_[0], output_bias=trained.output_bias_[0])
    again.set_params(initialization=WarmStartDistribution(trained.weights_, radius=1e-9))
    again.set_params(plateau_guard="stop", tol=0.01)
    assert again.fit(X, y).plateau_.code == "start_stationary"


def test_labels_that_mean_nothing_are_no_plateau(on_shots):
    on_shots(30)
    rng = np.random.default_rng(0)
    X, y = rng.uniform(0, np.pi, (200, 2)), rng.permutation(np.arange(200) % 2)
    model = VariationalClassifier(ansatz=RealAmplitudesAnsatz(reps=1), max_iter=2, random_state=0, plateau_guard="stop")
    assert not model.fit(X, y).plateau_.is_plateau


def test_the_guard_changes_no_training():
    X = np.linspace(-1, 1, 20)[:, None]
    fits = [
        VariationalRegressor(max_iter=5, random_state=0, plateau_guard=mode).fit(X, np.sin(X[:, 0])).weights_
        for mode in ("off", "warn", "stop")
    ]
    assert np.array_equal(fits[0], fits[1])
    assert np.array_equal(fits[0], fits[2])


def test_a_refused_training_leaves_the_model_as_it_was(monkeypatch):
    monkeypatch.setattr(VariationalModel, "_shots", lambda self: 1000)
    X = np.random.default_rng(0).uniform(0, 1, (6, 8))
    y = np.arange(6) % 2
    model = VariationalClassifier(ansatz=HardwareEfficientAnsatz(reps=1), max_iter=2, plateau_guard="stop").fit(X, y)
    before = model.decision_function(X)
    monkeypatch.setattr(VariationalModel, "_shots", lambda self: 10)
    model.set_params(ansatz=HardwareEfficientAnsatz(reps=16), observables="parity")
    with pytest.raises(PlateauError):
        model.fit(X, y)
    assert np.array_equal(model.decision_function(X), before)


def test_the_start_is_looked_at_once_for_all_parts_of_a_training(monkeypatch):
    looked = []
    look = PlateauGuard.look
    monkeypatch.setattr(PlateauGuard, "look", lambda self, start: (looked.append(1), look(self, start))[1])
    X = np.linspace(-1, 1, 20)[:, None]
    y = np.sin(X[:, 0])
    model = VariationalRegressor(max_iter=2, warm_start=True, random_state=0).fit(X, y)
    first = model.plateau_
    pickle.loads(pickle.dumps(model)).fit(X, y)
    assert model.fit(X, y).plateau_ == first
    model.partial_fit(X, y)
    assert len(looked) == 1
    assert model.set_params(warm_start=False).fit(X, y).plateau_.code == "gradient_seen"
    assert len(looked) == 2


def test_a_guard_that_comes_later_says_that_it_did_not_look():
    X = np.linspace(-1, 1, 20)[:, None]
    model = VariationalRegressor(max_iter=2, warm_start=True, random_state=0, plateau_guard="off").fit(X, X[:, 0])
    assert model.plateau_ is None
    assert model.set_params(plateau_guard="warn").fit(X, X[:, 0]).plateau_.code == "no_statement"


@pytest.mark.parametrize("mode", ["loud", None, True, 3])
def test_other_modes_are_refused(mode):
    with pytest.raises(ValueError, match="plateau_guard must be one of 'warn', 'stop', 'off'"):
        VariationalRegressor(plateau_guard=mode).fit(np.ones((4, 1)), np.arange(4))


def test_nothing_is_said_where_nobody_knows_how_many_shots_are_taken():
    case = STOPS["deep parity on 6 qubits at 10 shots"]
    model = case.model().fit(*case.data())
    guard = PlateauGuard("stop", num_qubits=6, num_weights=len(model.weights_), shots=None, is_exact=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_module, "PlateauGuard", lambda *_, **__: guard)
        report = case.model().fit(*case.data()).plateau_
    assert report.code == "no_statement"
    assert "does not say how many shots" in report.finding


@pytest.mark.parametrize(
    ("name", "draws"),
    [("shallow local on 4 qubits", 0), ("exact, but a coarse tolerance", 16)],
)
def test_other_starts_are_looked_at_only_where_the_gradient_is_not_seen(name, draws, monkeypatch):
    case = (GOES_ON | STOPS)[name]
    monkeypatch.setattr(plateau_guard, "explained", lambda report, start: report)
    rows = []
    read = StateReader.read
    monkeypatch.setattr(StateReader, "read", lambda self, some: rows.append(len(some)) or read(self, some))
    model = case.model(plateau_guard="warn")
    with pytest.warns(PlateauWarning) if draws else nullcontext():
        report = model.fit(*case.data()).plateau_
    start = len(case.data()[0])
    assert sorted(rows[1:]) == [start] + [start * draws] * (draws > 0)
    assert np.isnan(report.squared_gradient.value) == np.isnan(report.other_starts.value) == (draws == 0)
    assert np.isfinite(report.start_gradient)
