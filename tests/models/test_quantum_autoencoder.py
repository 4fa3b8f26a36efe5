"""States on fewer qubits."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Pauli, Statevector, partial_trace, random_unitary, state_fidelity
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    BrickwallAnsatz,
    RealAmplitudesAnsatz,
    ReuploadingFeatureMap,
    WarmStartDistribution,
    state_angles,
    state_circuit,
)
from qiskit_qml_ext.models import QuantumAutoencoder, VariationalRegressor
from qiskit_qml_ext.primitives import connect

QUICK = {"optimizer": "l-bfgs-b", "max_iter": 30, "random_state": 0}


def subspace_states(rng, number, num_qubits, dimension):
    """Random states in a random subspace, of which the dimension is given."""
    basis = random_unitary(2**num_qubits, seed=int(rng.integers(1000))).data[:, :dimension]
    amplitudes = rng.normal(size=(number, dimension)) + 1j * rng.normal(size=(number, dimension))
    states = amplitudes @ basis.T
    return states / np.linalg.norm(states, axis=1, keepdims=True)


def bound(states, dimension):
    """The sum of the largest eigenvalues of the mean density matrix."""
    density = states.T @ states.conj() / len(states)
    return np.linalg.eigvalsh(density)[-dimension:].sum()


@parametrize_with_checks([QuantumAutoencoder(VariationalRegressor(optimizer="l-bfgs-b", max_iter=3, random_state=0))])
def test_follows_scikit_learns_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("num_qubits", "num_latent"), [(2, 1), (3, 1), (3, 2)])
def test_states_of_a_subspace_that_fits_are_compressed_without_loss(num_qubits, num_latent):
    rng = np.random.default_rng(1)
    states = subspace_states(rng, 12, num_qubits, 2**num_latent)
    X = state_angles(states)
    ansatz = BrickwallAnsatz(reps=2 * num_qubits - 1)
    model = VariationalRegressor(
        state_circuit(num_qubits), ansatz, optimizer="l-bfgs-b", max_iter=1000, tol=0.0, random_state=0
    )
    autoencoder = QuantumAutoencoder(model, num_latent).fit(X)
    assert_allclose(autoencoder.best_score(X), 1, atol=1e-12)
    assert autoencoder.score(X) > 1 - 1e-5
    assert_allclose(autoencoder.fidelities(X), 1, atol=1e-4)


@pytest.mark.parametrize("is_local", [False, True])
@pytest.mark.parametrize("num_latent", [1, 2])
def test_no_encoder_beats_the_eigenvalues_of_the_mean_density_matrix(num_latent, is_local):
    rng = np.random.default_rng(3)
    states = subspace_states(rng, 10, 3, 8)
    X = state_angles(states)
    model = VariationalRegressor(state_circuit(3), BrickwallAnsatz(reps=2), **QUICK)
    autoencoder = QuantumAutoencoder(model, num_latent, is_local=is_local).fit(X)
    assert_allclose(autoencoder.best_score(X), bound(states, 2**num_latent), atol=1e-12)
    assert autoencoder.score(X) <= bound(states, 2**num_latent) + 1e-12
    lost = 1 - autoencoder.score(X)
    cost = autoencoder.model_.history_["loss"].iloc[-1]
    least = lost / (3 - num_latent) if is_local else lost
    assert least - 1e-9 <= cost <= lost + 1e-9, "the local cost is between the global one and its share"


def test_score_features_and_fidelities_are_those_of_the_circuits():
    rng = np.random.default_rng(5)
    X = rng.uniform(-1, 1, (6, 3))
    autoencoder = QuantumAutoencoder(VariationalRegressor(ansatz=RealAmplitudesAnsatz(reps=1), **QUICK), 2).fit(X)
    names = autoencoder.get_feature_names_out()
    features = autoencoder.transform(X)
    assert features.shape == (6, 15)
    assert names[[0, 3, 5]].tolist() == ["X1", "X0", "X0Y1"]
    populations = []
    for sample, row, fidelity in zip(X, features, autoencoder.fidelities(X), strict=True):
        before = Statevector(AngleFeatureMap().build(3).assign_parameters(sample))
        after = before.evolve(autoencoder.encoder_)
        kept = partial_trace(after, [2])
        for name, value in zip(names, row, strict=True):
            axes, qubits = name[::2], [int(qubit) for qubit in name[1::2]]
            assert_allclose(value, kept.expectation_value(Pauli(axes[::-1]), qubits).real, atol=1e-12)
        again = kept.expand(Statevector.from_label("0").to_operator()).evolve(autoencoder.decoder_)
        populations.append(after.probabilities([2])[0])
        assert_allclose(fidelity, state_fidelity(before, again), atol=1e-9)
        assert populations[-1] ** 2 - 1e-12 <= fidelity <= populations[-1] + 1e-12
    assert_allclose(autoencoder.score(X), np.mean(populations), atol=1e-12)
    assert_allclose(autoencoder.model_.history_["loss"].iloc[-1], 1 - np.mean(populations), atol=1e-9)


def test_pickles_clones_and_is_tuned():
    X = np.random.default_rng(0).uniform(-1, 1, (10, 2))
    autoencoder = QuantumAutoencoder(VariationalRegressor(ansatz=RealAmplitudesAnsatz(), **QUICK)).fit(X)
    again = pickle.loads(pickle.dumps(autoencoder))
    assert_allclose(again.transform(X), autoencoder.transform(X), atol=0)
    assert not hasattr(clone(autoencoder), "model_")
    assert autoencoder.model.observables is None, "the model that came is not changed"
    search = GridSearchCV(clone(autoencoder), {"model__ansatz__reps": [1, 2], "is_local": [True, False]}, cv=2).fit(X)
    assert 0 < search.best_score_ <= 1


def test_settings_changed_after_fit_do_not_change_what_was_fitted():
    X = np.random.default_rng(0).uniform(-1, 1, (10, 3))
    autoencoder = QuantumAutoencoder(VariationalRegressor(**QUICK)).fit(X)
    before = autoencoder.transform(X)
    assert_allclose(autoencoder.set_params(num_latent=2).transform(X), before, atol=0)


@pytest.mark.parametrize(
    ("model", "settings", "error", "words"),
    [
        (None, {}, TypeError, "model must be a VariationalRegressor"),
        (VariationalRegressor, {}, TypeError, "model must be a VariationalRegressor"),
        (VariationalRegressor(loss="huber"), {}, ValueError, "loss of the model is the autoencoder's own"),
        (VariationalRegressor(observables="parity"), {}, ValueError, "observables of the model"),
        (VariationalRegressor(observables=np.arange(8.0)), {}, ValueError, "observables of the model"),
        (VariationalRegressor(output_scale=2.0), {}, ValueError, "output_scale of the model"),
        (VariationalRegressor(warm_start=True), {}, ValueError, "warm_start of the model"),
        (VariationalRegressor(ReuploadingFeatureMap()), {}, ValueError, "weights of its own"),
        (VariationalRegressor("angle"), {}, TypeError, "feature_map and ansatz must be templates"),
        (VariationalRegressor(ansatz=QuantumCircuit(3)), {}, ValueError, "no weights to train"),
        (VariationalRegressor(), {"num_latent": 3}, ValueError, "none is left to throw away"),
        (VariationalRegressor(), {"num_latent": 0}, ValueError, "num_latent must be at least 1"),
        (VariationalRegressor(), {"is_local": "yes"}, TypeError, "is_local must be True or False"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(model, settings, error, words):
    with pytest.raises(error, match=words):
        QuantumAutoencoder(model, **settings).fit(np.zeros((4, 3)))


def test_an_autoencoder_that_is_not_fitted_says_so():
    autoencoder = QuantumAutoencoder(VariationalRegressor())
    for method in (autoencoder.transform, autoencoder.score, autoencoder.best_score, autoencoder.fidelities):
        with pytest.raises(NotFittedError):
            method(np.zeros((1, 3)))


def test_a_perfect_encoder_is_kept():
    """Qubit 1 stays in |0>: the identity is the best encoder, and the decoder gives the states back."""
    x = ParameterVector("x", 1)
    encoding = QuantumCircuit(2)
    encoding.ry(x[0], 0)
    start = WarmStartDistribution([0.0] * 2, radius=1e-9)
    encoder = RealAmplitudesAnsatz(reps=1, entanglement="none", final_rotations=False)
    model = VariationalRegressor(encoding, encoder, initialization=start, **QUICK)
    X = np.linspace(0, 3, 5)[:, None]
    autoencoder = QuantumAutoencoder(model).fit(X)
    assert_allclose(autoencoder.score(X), 1, atol=1e-9)
    assert_allclose(autoencoder.fidelities(X), 1, atol=1e-9)


@pytest.mark.parametrize("target", ["exact", "aer"])
def test_an_autoencoder_is_trained_and_read_by_an_estimator(target):
    # states with real amplitudes on the line from |00⟩ to |11⟩, which one qubit holds
    turns = np.linspace(0.2, 1.3, 6)
    angles = state_angles(np.stack([np.cos(turns), 0 * turns, 0 * turns, np.sin(turns)], axis=1))
    model = VariationalRegressor(
        state_circuit(2, is_real=True), RealAmplitudesAnsatz(reps=2), max_iter=60, n_iter_no_change=60, random_state=1
    )
    exact = QuantumAutoencoder(model).fit(angles)
    connection = connect(target, shots=500, seed=1)
    sampled = QuantumAutoencoder(clone(model).set_params(connection=connection)).fit(angles)
    assert exact.score(angles) > 0.98
    assert_allclose(sampled.score(angles), exact.score(angles), atol=0.05)
    used = connection.usage.circuits
    features = sampled.transform(angles)
    assert connection.usage.circuits > used > 0
    without_noise = copy.deepcopy(sampled)
    without_noise.model_.set_params(connection=None)
    # the standard error of a Pauli string at 500 shots is at most 0.045; five of them, for 18 numbers
    assert_allclose(features, without_noise.transform(angles), atol=5 * 0.045)
    assert np.abs(features - without_noise.transform(angles)).max() > 1e-6
