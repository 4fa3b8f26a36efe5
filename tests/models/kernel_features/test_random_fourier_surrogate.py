"""Random Fourier features of a feature map's own spectrum."""

import pickle
from math import comb

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    IQPFeatureMap,
    RealAmplitudesAnsatz,
    ReuploadingFeatureMap,
    ZZFeatureMap,
)
from qiskit_qml_ext.diagnostics import fourier_spectrum
from qiskit_qml_ext.engine import expectations
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import RandomFourierSurrogate
from qiskit_qml_ext.models.kernel_features.encoding_spectrum import EncodingSpectrum
from qiskit_qml_ext.program import lower


def parallel_rx(number=4):
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(number)
    circuit.rx(x[0], range(number))
    return circuit


def joined(scale=1.0):
    """Rotations by sums of two features, and one feature apart."""
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0] + scale * x[1], 0)
    circuit.rx(x[1] - 2 * x[0] + 0.3, 1)
    circuit.cz(0, 1)
    circuit.rz(x[2], 0)
    circuit.ry(0.4, 0)
    return circuit


@parametrize_with_checks([RandomFourierSurrogate(), RandomFourierSurrogate(weights="uniform")])
def test_follows_scikit_learns_conventions(estimator, check):
    check(estimator)


def test_parallel_rotations_have_binomial_weights():
    """n parallel RX: k = cos^2n(Δ/2), weights C(2n, n-ω)/4ⁿ."""
    (group,) = EncodingSpectrum(lower(parallel_rx())).groups
    assert_allclose(group.frequencies[:, 0], range(-4, 5), atol=1e-12)
    assert_allclose(group.probabilities, [comb(8, 4 - w) / 4**4 for w in range(-4, 5)], rtol=1e-12)


def test_weights_are_the_multiplicities_of_the_fourier_spectrum():
    x = ParameterVector("x", 1)
    circuit = QuantumCircuit(1)
    for scale, angle in ((1, 0.4), (2, 1.1), (-1, 0.7)):
        circuit.ry(angle, 0)
        circuit.rz(scale * x[0], 0)
    circuit.ry(0.3, 0)
    (group,) = EncodingSpectrum(lower(circuit)).groups
    spectrum = fourier_spectrum(circuit, SparsePauliOp("Z"), num_samples=4)
    positive = group.frequencies[:, 0] >= 0
    order = np.argsort(group.frequencies[positive, 0])
    assert_allclose(group.frequencies[positive, 0][order], spectrum.frequencies, atol=1e-9)
    total = 2 * sum(spectrum.multiplicities) - spectrum.multiplicities[0]
    assert_allclose(group.probabilities[positive][order], np.array(spectrum.multiplicities) / total, rtol=1e-12)


def test_kernel_and_its_variance_have_their_published_values():
    """n = 4, Δ = 0.7: k = .6063222759 and .1909256953/D; a mean of 4,000 draws of D = 5, within 5 standard errors."""
    X = np.array([[0.0], [0.7]])
    exact = RandomFourierSurrogate(parallel_rx(), random_state=0).fit(X).exact_kernel(X)[0, 1]
    assert_allclose(exact, 0.6063222759, atol=1e-10)
    assert_allclose(exact, np.cos(0.35) ** 8, rtol=1e-12)
    frequencies = EncodingSpectrum(lower(parallel_rx())).draw_by_multiplicity(20_000, np.random.RandomState(1))
    products = np.cos(0.7 * frequencies[:, 0]).reshape(4000, 5).mean(axis=1)
    variance = 0.1909256953 / 5
    assert abs(products.mean() - exact) < 5 * np.sqrt(variance / 4000)
    # the relative standard error of a variance of 4,000 nearly normal numbers is √(2/4000) = 2.2 %
    assert_allclose(products.var(), variance, rtol=5 * 0.022)


def test_products_of_features_are_means_of_cosines():
    X = np.random.default_rng(0).uniform(-2, 2, (5, 3))
    surrogate = RandomFourierSurrogate(joined(), num_frequencies=7, random_state=0).fit(X)
    features = surrogate.transform(X)
    phases = (X[:, None] - X[None]) @ surrogate.frequencies_.T
    assert features.shape == (5, 14)
    assert_allclose(features @ features.T, np.cos(phases).mean(axis=-1), atol=1e-14)


@pytest.mark.parametrize("weights", ["multiplicity", "uniform"])
@pytest.mark.parametrize("circuit", [parallel_rx(), joined(), joined(0.7)], ids=["parallel", "joined", "uneven"])
def test_many_draws_come_to_the_exact_kernel(circuit, weights):
    X = np.random.default_rng(0).uniform(-2, 2, (6, circuit.num_parameters))
    surrogate = RandomFourierSurrogate(circuit, num_frequencies=40_000, weights=weights, random_state=0)
    features = surrogate.fit_transform(X)
    # 15 pairs, each a mean of 40,000 cosines: 5 standard errors of at most √(1/40,000)
    assert_allclose(features @ features.T, surrogate.exact_kernel(X), atol=5 / 200)


def test_uniform_draws_hit_each_frequency_alike():
    spectrum = EncodingSpectrum(lower(joined()))
    number = np.prod([len(group.frequencies) for group in spectrum.groups])
    drawn = spectrum.draw_uniformly(200 * number, np.random.RandomState(0))
    _, counts = np.unique(np.rint(drawn * 1e6), axis=0, return_counts=True)
    assert len(counts) == number == 27
    assert np.abs(counts - 200).max() < 5 * np.sqrt(200)


def test_a_linear_model_over_the_features_is_any_model_behind_the_map():
    """With as many draws as frequencies the space of all ansätze and observables is reached."""
    X = np.random.default_rng(0).uniform(-3, 3, (80, 2))
    circuit = AngleFeatureMap().build(2)
    model = circuit.compose(RealAmplitudesAnsatz(reps=2).build(2).assign_parameters(np.linspace(0.1, 2.0, 6)))
    y = expectations(model, X, [SparsePauliOp("ZX")])[:, 0]
    surrogate = RandomFourierSurrogate(circuit, num_frequencies=200, random_state=0)
    fitted = make_pipeline(surrogate, Ridge(1e-10)).fit(X[:60], y[:60])
    assert fitted.score(X[60:], y[60:]) > 1 - 1e-6


def test_the_features_of_an_angle_encoding_stand_for_its_own_kernel_and_this_is_said():
    X = np.random.default_rng(0).uniform(-2, 2, (9, 3))
    surrogate = RandomFourierSurrogate(AngleFeatureMap(), random_state=0).fit(X)
    assert_allclose(surrogate.exact_kernel(X), FidelityKernel(AngleFeatureMap()).evaluate(X), atol=1e-12)
    assert surrogate.conditions_.own_kernel_difference < 1e-12
    assert "approximate the map's own fidelity kernel" in surrogate.conditions_.summary()


def test_features_that_stand_for_another_kernel_say_so_and_how_far_it_is():
    X = np.random.default_rng(0).uniform(-2, 2, (9, 3))
    surrogate = RandomFourierSurrogate(joined(), random_state=0).fit(X)
    own, theirs = FidelityKernel(joined()).evaluate(X), surrogate.exact_kernel(X)
    pairs = np.triu_indices(9, 1)
    assert_allclose(surrogate.conditions_.own_kernel_difference, np.sqrt(np.mean((own - theirs)[pairs] ** 2)))
    assert "another kernel than its fidelity kernel" in surrogate.conditions_.summary()


def test_a_flat_spectrum_of_many_frequencies_is_said_not_to_be_concentrated():
    X = np.zeros((5, 20))
    flat = RandomFourierSurrogate(AngleFeatureMap(), weights="uniform", random_state=0).fit(X).conditions_
    assert flat.num_distinct == 3**20
    assert_allclose(flat.effective_number, 3**20 / 2, rtol=1e-6)
    assert flat.is_concentrated is False
    assert "no, fewer frequencies were drawn than the spectrum counts" in flat.summary()
    assert "not compared, the map has more than 12 qubits" in flat.summary()
    counted = RandomFourierSurrogate(AngleFeatureMap(), weights="uniform", num_frequencies=9, random_state=0)
    words = counted.fit(X[:, :3]).conditions_.summary()
    # 3³ frequencies: 0 with the weight 1, and 13 others with 2 each, of 27: 1 + 13·4 = 53
    assert f"The 14 frequencies of these sums, ω and -ω taken together, weigh as much as {27**2 / 53:.3g} " in words
    peaked = RandomFourierSurrogate(parallel_rx(), random_state=0).fit(X[:, :1]).conditions_
    p = np.array([comb(8, 4 - w) / 4**4 for w in range(5)]) * [1, 2, 2, 2, 2]
    assert_allclose(peaked.effective_number, 1 / np.sum(p**2), rtol=1e-12)
    assert peaked.is_concentrated is True


def test_a_target_in_the_space_of_the_features_is_told_from_one_outside():
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (200, 1))
    inside = RandomFourierSurrogate(parallel_rx(), random_state=0).fit(X, np.cos(3 * X[:, 0])).conditions_
    outside = RandomFourierSurrogate(parallel_rx(), random_state=0).fit(X, rng.normal(size=200)).conditions_
    assert inside.explained > 0.99 > 0.2 > outside.explained
    assert "of the samples that it was fitted to, whose noise it fits too" in inside.summary()
    words = RandomFourierSurrogate(parallel_rx()).fit(X, np.where(X[:, 0] > 0, "yes", "no")).conditions_
    assert words.target_norm is None
    assert "not looked at" in words.summary()


@pytest.mark.parametrize("feature_map", [ZZFeatureMap(), IQPFeatureMap()])
def test_maps_with_products_of_features_are_refused(feature_map):
    with pytest.raises(UnsupportedCircuitError, match=r"not an affine function.*QuantumNystroem"):
        RandomFourierSurrogate(feature_map).fit(np.zeros((4, 2)))


def test_uniform_weights_are_refused_where_the_frequencies_cannot_be_listed():
    x = ParameterVector("x", 9)
    circuit = QuantumCircuit(1)
    for place in range(9):
        circuit.rx(x[place] + 3**place * x[0], 0)
    X = np.zeros((3, 9))
    with pytest.raises(ValueError, match=r"more than 4096 frequencies.*weights='multiplicity'"):
        RandomFourierSurrogate(circuit, weights="uniform").fit(X)
    drawn = RandomFourierSurrogate(circuit).fit(X)
    assert drawn.conditions_.effective_number is None
    assert "not known" in drawn.conditions_.summary()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_frequencies": 0}, "num_frequencies must be at least 1"),
        ({"weights": "tree"}, "weights must be one of 'multiplicity', 'uniform'"),
        ({"feature_map": joined()}, "4 columns but the feature map encodes 3"),
        ({"feature_map": ReuploadingFeatureMap()}, "trainable weights"),
        ({"feature_map": "angle"}, "feature_map must be"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        RandomFourierSurrogate(**settings).fit(np.zeros((4, 4)))


def test_a_circuit_without_data_rotations_has_the_constant_only():
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(1)
    circuit.rx(0 * x[0] + 0.3, 0)
    circuit.rz(x[1], 0)
    X = np.random.default_rng(0).normal(size=(4, 2))
    surrogate = RandomFourierSurrogate(circuit, random_state=0).fit(X)
    assert set(np.unique(surrogate.frequencies_[:, 0])) == {0.0}
    assert_allclose(surrogate.exact_kernel(X), np.cos((X[:, None, 1] - X[None, :, 1]) / 2) ** 2, atol=1e-12)


def test_pickles_clones_names_its_features_and_is_tuned():
    X = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    surrogate = RandomFourierSurrogate(num_frequencies=3, random_state=0).fit(X)
    again = pickle.loads(pickle.dumps(surrogate))
    assert_allclose(again.transform(X), surrogate.transform(X), atol=0)
    assert not hasattr(clone(surrogate), "frequencies_")
    assert surrogate.get_feature_names_out().tolist() == [f"randomfouriersurrogate{place}" for place in range(6)]
    model = make_pipeline(RandomFourierSurrogate(AngleFeatureMap(), random_state=0), Ridge())
    grid = {"randomfouriersurrogate__feature_map__bandwidth": [0.5, 1.0]}
    assert GridSearchCV(model, grid, cv=2).fit(X, X[:, 0]).best_params_


def frequencies_of_all_observables(circuit):
    """Return the frequencies of ρ(x), by a Fourier transform of Qiskit's states over the period 4π."""
    size, features = 16, circuit.num_parameters
    grid = np.stack(np.meshgrid(*[np.arange(size) * 4 * np.pi / size] * features, indexing="ij"), axis=-1)
    states = np.array([Statevector(circuit.assign_parameters(row)).data for row in grid.reshape(-1, features)])
    densities = np.einsum("ni,nj->nij", states, states.conj()).reshape(*[size] * features, -1)
    found = np.abs(np.fft.fftn(densities, axes=range(features))).max(axis=-1) > 1e-8 * size**features
    places = np.argwhere(found)
    return {tuple(row) for row in (np.where(places > size // 2, places - size, places) / 2).tolist()}


@pytest.mark.parametrize("gate", ["cp", "crx", "rz", "ry"])
def test_no_frequency_is_missing_and_what_may_be_too_many_is_said(gate):
    """A controlled phase has frequencies -1, 0, 1, but is three rotations by half of its angle; rz of |0⟩ has none."""
    x = ParameterVector("x", 2)
    circuit = QuantumCircuit(2)
    if gate in ("cp", "crx"):
        circuit.h([0, 1])
        getattr(circuit, gate)(x[0], 0, 1)
    else:
        getattr(circuit, gate)(x[0], 0)
    circuit.ry(x[1], 1)
    X = np.random.default_rng(0).uniform(-2, 2, (8, 2))
    surrogate = RandomFourierSurrogate(circuit, num_frequencies=2000, weights="uniform", random_state=0).fit(X)
    drawn = {tuple(row) for row in (np.rint(2 * surrogate.frequencies_) / 2 + 0.0).tolist()}
    right = frequencies_of_all_observables(circuit)
    assert right <= drawn
    assert surrogate.conditions_.num_distinct == len(drawn)
    assert (right == drawn) == (gate == "ry")
    said = surrogate.conditions_.summary()
    assert "whose sums hold all frequencies of the map and may hold others" in said
    assert f"The {(len(drawn) + 1) // 2} frequencies of these sums" in said
