"""What the guard says is true of what it is said of."""

import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Pauli

from qiskit_qml_ext.circuits import RealAmplitudesAnsatz
from qiskit_qml_ext.exceptions import DeadWeightsWarning, NoGradientError, PlateauWarning
from qiskit_qml_ext.gradients import SPSAGradient
from qiskit_qml_ext.models import QuantumAutoencoder, VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.models.guard import start_gradient
from qiskit_qml_ext.models.guard.plateau_guard import PlateauGuard
from qiskit_qml_ext.optimizers import Adam
from qiskit_qml_ext.primitives import connect
from tests.models.guard.cases import GOES_ON
from tests.models.guard.test_guarded_trainings import on_shots

__all__ = ["on_shots"]

HEAD = {"output_scale": 1.0, "output_bias": 0.0}  # then the norm in the history is that of the weights alone


def at_the_optimum(X, y):
    """Weights at which the gradient of the loss is 0."""
    return (
        VariationalClassifier(optimizer="l-bfgs-b", max_iter=500, tol=1e-9, random_state=0, **HEAD).fit(X, y).weights_
    )


def classifier(**settings):
    return VariationalClassifier(**{"max_iter": 1, "random_state": 1, **HEAD, **settings})


@pytest.fixture(scope="module")
def without_a_signal():
    """Labels that have nothing to do with 300 samples, and the best weights."""
    rng = np.random.default_rng(11)
    X, y = rng.uniform(0, 3, (300, 2)), rng.integers(0, 2, 300)
    return X, y, at_the_optimum(X, y)


def easy():
    X = np.random.default_rng(0).uniform(0, 3, (20, 2))
    return X, (X[:, 0] > 1.5).astype(int)


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("shots", [None, 100])
def test_the_scatter_of_samples_and_of_batches_is_no_gradient_of_the_loss(shots, batch_size, without_a_signal):
    X, y, best = without_a_signal
    gradient = classifier(initialization=best).fit(X, y).history_["gradient_norm"][0]
    report = classifier(initialization=best, batch_size=batch_size, connection=connect(shots=shots)).fit(X, y).plateau_
    assert report.code == "start_stationary"
    assert report.start_gradient == pytest.approx(gradient, rel=1e-6)
    assert report.start_gradient < 1e-4
    assert ("in a step of 4 samples" in report.finding) == (batch_size is not None and shots is not None)


def test_a_gradient_that_is_known_from_some_samples_is_seen_only_with_its_lower_end(monkeypatch, without_a_signal):
    X, y, best = without_a_signal
    monkeypatch.setattr(start_gradient, "_MOST_SAMPLES", 64)
    report = classifier(initialization=best, connection=connect(shots=100)).fit(X, y).plateau_
    assert report.code == "no_statement"
    assert "(from 64 of 300 samples)" in report.finding
    clear = (X[:, 0] > 1.5).astype(int)
    report = classifier(random_state=2).fit(X, clear).plateau_
    assert report.code == "gradient_seen"
    assert "is about" in report.finding


def test_the_ends_hold_the_truth():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(400):
        everything = rng.normal(0.05, 1.0, (2000, 3))
        _, low, high = start_gradient._mean_square(everything[:64], 2000)
        inside.append(low <= np.sum(everything.mean(axis=0) ** 2) <= high)
    assert np.mean(inside) > 0.95


def flat_top(**settings):
    """⟨Z⟩ at the top of a cosine, where no derivative is left."""
    encoding, turn = QuantumCircuit(1), QuantumCircuit(1)
    encoding.ry(ParameterVector("x", 1)[0], 0)
    turn.ry(ParameterVector("t", 1)[0], 0)
    model = VariationalClassifier(encoding, turn, connection=connect(shots=10, seed=1), max_iter=2, **settings)
    return model, (np.zeros((8, 1)) * 1.0, np.arange(8) % 2)


def test_copies_of_one_start_are_no_other_starts():
    model, data = flat_top(initialization=[0.0], plateau_guard="stop")
    report = model.fit(*data).plateau_  # no error, and no warning: it may be an optimum
    assert report.code == "start_flat"
    assert np.isnan(report.other_starts.value)
    assert "one start only" in report.finding
    model, data = flat_top(initialization="zeros")
    with pytest.warns(PlateauWarning, match="one start only; if it is no optimum, begin with other weights"):
        assert not model.fit(*data).plateau_.is_plateau


def test_what_was_warned_of_stays_in_the_report():
    guard = PlateauGuard("warn", num_qubits=2, num_weights=50, shots=10, is_exact=False)
    for _ in range(19):
        guard.sees(1.0, 1.0, 1.0)
    with pytest.warns(PlateauWarning, match="Over 20 iterations"):
        guard.sees(1.0, 1.0, 1.0)
    assert guard.report.code == "stalled"
    for _ in range(60):
        guard.sees(1.0, 1.6, 1.0)
    assert guard.report.code == "no_statement"
    assert "Later: Over 20 iterations" in guard.report.finding
    assert guard.report.finding.endswith("At the end that is no longer so.")


def test_shots_that_are_advised_are_those_of_the_finding(on_shots):
    case = GOES_ON["shallow local on 8 qubits"]
    on_shots(case.shots, damping=1e-3)
    model = case.model(optimizer=Adam(0.01), max_iter=21, n_iter_no_change=100)
    with pytest.warns(PlateauWarning, match="without errors of a device"):
        model.fit(*case.data())
    shots = [
        int(one.removeprefix("Take at least ").split()[0].replace(",", ""))
        for one in model.plateau_.advice
        if one.startswith("Take at least")
    ]
    assert model.plateau_.shots_needed < case.shots  # at the start, where nothing was damped
    assert all(number > case.shots for number in shots)


def test_a_training_from_an_optimum_is_no_plateau():
    X, y = easy()
    settings = {"optimizer": "gradient_descent", "tol": 0.0, "n_iter_no_change": 1000, "max_iter": 40}
    model = classifier(
        initialization=at_the_optimum(X, y), plateau_guard="stop", connection=connect(shots=100, seed=2), **settings
    ).fit(X, y)
    assert model.stopped_ == "max_iter"
    assert model.plateau_.code == "start_stationary"
    assert model.plateau_.training_signal_to_noise < 1


def test_parts_of_a_training_are_one_training_for_the_guard():
    X, y = easy()
    model = classifier(
        warm_start=True, tol=0.0, n_iter_no_change=1000, max_iter=60, connection=connect(shots=100, seed=2)
    ).fit(X, y)
    for _ in range(2):
        model.fit(X, y)
        report = model.plateau_
        assert report.code in ("gradient_seen", "resolved")
        assert report.finding.startswith("At the start" if report.code == "gradient_seen" else "The gradient stood out")
        assert report.num_iterations == 40


ERRORS = {"parameter_shift": 0.05, "hadamard_test": 0.05, "finite_difference": 0.1}


@pytest.mark.parametrize("method", ERRORS)
def test_the_noise_is_that_of_the_method_on_this_connection(method):
    X, y = easy()
    model = classifier(gradient=method, connection=connect(shots=2000, seed=1)).fit(X, y)
    assert model.plateau_.visible == pytest.approx(model.history_["gradient_error"][0], rel=ERRORS[method])


def test_the_noise_of_random_directions_is_that_of_their_shots():
    X, y = easy()
    estimates = []
    for seed in range(24):
        model = classifier(
            optimizer="gradient_descent", gradient=SPSAGradient(seed=0), connection=connect(shots=100, seed=seed)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PlateauWarning)
            estimates.append(model.fit(X, y).weights_ / model.optimizer_.learning_rate)
    measured = np.sqrt(np.var(estimates, axis=0, ddof=1).sum())
    # the same directions each time: each sample has one, so that its six numbers have one error
    assert model.plateau_.visible == pytest.approx(measured, rel=0.35)


def test_an_optimizer_that_takes_values_only_measures_no_gradient():
    model = classifier(optimizer="cobyla", connection=connect(shots=100, seed=1)).fit(*easy())
    assert "if parameter shifts measured it (the optimizer takes values only)" in model.plateau_.finding


def behind_a_feature(gates="crx"):
    """A weight that does nothing where feature 0 is 0."""
    x, t = ParameterVector("x", 2), ParameterVector("t", 2)
    encoding, ansatz = QuantumCircuit(2), QuantumCircuit(2)
    encoding.ry(x[0], 0)
    encoding.ry(x[1], 1)
    ansatz.crx(t[0], 0, 1)
    if gates == "crx, ry":
        ansatz.ry(t[1], 1)
    return VariationalClassifier(encoding, ansatz, observables=Pauli("ZI"), max_iter=1, random_state=0)


def test_weights_that_only_these_samples_hide_are_not_said_to_change_nothing():
    X, y = easy()
    X[:, 0] = 0.0
    with pytest.warns(DeadWeightsWarning) as said:
        behind_a_feature("crx, ry").fit(X, y)
    text = str(said[0].message)
    assert (
        "1 of the 2 weights change no output on these samples (feature 0 with one value in all of them): t[0]" in text
    )
    assert "Leave their gates out" not in text
    with pytest.raises(NoGradientError, match=r"changes any output of the model on these samples \(feature 0 with"):
        behind_a_feature().fit(X, y)


def test_advice_for_an_autoencoder_can_be_followed():
    X = np.random.default_rng(0).uniform(0, 3, (5, 6))
    model = VariationalRegressor(max_iter=1, random_state=0, connection=connect(shots=3, seed=1))
    with pytest.warns(PlateauWarning) as said:
        autoencoder = QuantumAutoencoder(model).fit(X)
    assert [one.category for one in said] == [PlateauWarning]
    assert any(one.startswith("Take is_local=True") for one in autoencoder.model_.plateau_.advice)
    assert "local terms" not in str(said[0].message)


def test_one_shot_is_no_plural_and_rounding_is_no_tolerance():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PlateauWarning)
        report = (
            classifier(connection=connect(shots=1, seed=1), ansatz=RealAmplitudesAnsatz(reps=1)).fit(*easy()).plateau_
        )
    assert "1 shot of each circuit" in report.finding
    assert "1 shots" not in report.summary()
    finding = classifier(tol=0).fit(*easy()).plateau_.finding
    assert finding.endswith("times what rounding leaves of a 0.")
