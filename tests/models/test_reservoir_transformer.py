"""A fixed random circuit as a source of features."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from qiskit_qml_ext.circuits import (
    AngleFeatureMap,
    BrickwallAnsatz,
    RealAmplitudesAnsatz,
    ReuploadingFeatureMap,
)
from qiskit_qml_ext.engine import Projector
from qiskit_qml_ext.exceptions import UnsupportedObservableError
from qiskit_qml_ext.models import ReservoirTransformer
from qiskit_qml_ext.primitives import connect

SAMPLES = np.random.default_rng(1).uniform(-1, 1, (12, 3))


@parametrize_with_checks([ReservoirTransformer(), ReservoirTransformer(observables="xyz")])
def test_follows_scikit_learns_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("word", "axes"), [("z_zz", ["Z", "ZZ"]), ("xyz", ["X", "Y", "Z"])])
def test_features_are_the_expectation_values_of_their_names(word, axes):
    reservoir = ReservoirTransformer(observables=word, random_state=0).fit(SAMPLES)
    names = reservoir.get_feature_names_out()
    features = reservoir.transform(SAMPLES)
    assert features.shape == (12, {"z_zz": 6, "xyz": 9}[word])
    assert {"".join(letter for letter in name if letter.isalpha()) for name in names} == set(axes)
    for sample, row in zip(SAMPLES[:3], features, strict=False):
        state = Statevector(reservoir.circuit_.assign_parameters(sample))
        for name, value in zip(names, row, strict=True):
            label = ["I", "I", "I"]
            for axis, qubit in zip(name[::2], name[1::2], strict=True):
                label[2 - int(qubit)] = axis
            assert_allclose(value, state.expectation_value(Pauli("".join(label))).real, atol=1e-12)


def test_a_seed_draws_one_reservoir_and_another_seed_another():
    first, again, other = (ReservoirTransformer(random_state=seed).fit_transform(SAMPLES) for seed in (3, 3, 4))
    assert_allclose(first, again, atol=0)
    assert not np.allclose(first, other)
    kept = ReservoirTransformer(random_state=None).fit(SAMPLES)
    assert_allclose(kept.transform(SAMPLES), kept.transform(SAMPLES), atol=0)


def test_features_are_linear_in_the_density_matrix_of_the_encoded_sample():
    """One qubit, R_y: (1, cos x, sin x) spans all features, whatever the reservoir."""
    x = np.linspace(-3, 3, 50)[:, None]
    features = ReservoirTransformer(reservoir=BrickwallAnsatz(reps=7), observables="xyz", random_state=0)
    basis = np.column_stack([np.ones(50), np.cos(x), np.sin(x)])
    values = features.fit_transform(x)
    assert_allclose(basis @ np.linalg.lstsq(basis, values, rcond=None)[0], values, atol=1e-12)
    assert np.linalg.matrix_rank(values, tol=1e-10) <= 3


def test_a_linear_head_over_all_paulis_fits_every_product_of_the_encodings_functions():
    """Two qubits, R_y each: the density matrix holds sin x sin y, and 15 Paulis reach all of it."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (60, 2))
    y = np.sin(X[:, 0]) * np.sin(X[:, 1])
    paulis = [Pauli(a + b) for a in "IXYZ" for b in "IXYZ" if a + b != "II"]
    plain = LinearRegression().fit(X[:40], y[:40]).score(X[40:], y[40:])
    machine = make_pipeline(ReservoirTransformer(observables=paulis, random_state=0), LinearRegression())
    assert plain < 0.5 < 1 - 1e-9 < machine.fit(X[:40], y[:40]).score(X[40:], y[40:])


def test_weights_of_the_feature_map_are_drawn_and_a_reservoir_may_have_no_angles():
    reservoir = ReservoirTransformer(ReuploadingFeatureMap(reps=2), QuantumCircuit(2), random_state=0).fit(SAMPLES)
    assert [parameter.name for parameter in reservoir.circuit_.parameters] == ["x[0]", "x[1]", "x[2]"]
    assert reservoir.transform(SAMPLES).shape == (12, 3)


def test_data_of_a_plain_circuit_keep_their_order_and_the_circuit_its_parameters():
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(x[2 - qubit], qubit)
    reservoir = ReservoirTransformer(circuit, QuantumCircuit(3)).fit(SAMPLES)
    assert_allclose(reservoir.transform(SAMPLES)[:, :3], np.cos(SAMPLES[:, ::-1]), atol=1e-14)
    assert circuit.num_parameters == 3


@pytest.mark.parametrize("target", ["exact", "aer", "fake_manila"])
def test_features_are_read_on_every_target_with_new_noise_in_each_call(target):
    settings = {"reservoir": RealAmplitudesAnsatz(reps=1), "random_state": 0}
    exact = ReservoirTransformer(**settings).fit_transform(SAMPLES)
    connection = connect(target, shots=2000)
    reservoir = ReservoirTransformer(**settings, connection=connection).fit(SAMPLES)
    before = connection.usage
    first = reservoir.transform(SAMPLES)
    assert connection.usage.jobs - before.jobs == 1, "one job"
    # 72 numbers within 5 standard errors of at most 1 / sqrt(2000): a false alarm in 1e5 runs; the device has noise
    assert_allclose(first, exact, atol=5 / np.sqrt(2000) + (0.25 if target == "fake_manila" else 0))
    assert not np.allclose(first, reservoir.transform(SAMPLES), atol=1e-6)


def test_pickles_clones_and_is_tuned():
    reservoir = ReservoirTransformer(reservoir=BrickwallAnsatz(), random_state=0).fit(SAMPLES)
    again = pickle.loads(pickle.dumps(reservoir))
    assert_allclose(again.transform(SAMPLES), reservoir.transform(SAMPLES), atol=0)
    assert not hasattr(clone(reservoir), "circuit_")
    pipeline = make_pipeline(clone(reservoir), RidgeCV())
    grid = {"reservoirtransformer__reservoir__reps": [1, 2], "reservoirtransformer__observables": ["z_zz", "xyz"]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(SAMPLES, SAMPLES[:, 0])
    assert set(search.best_params_) == set(grid)


def test_observables_of_ones_own_are_numbered():
    own = [SparsePauliOp(["ZZI", "IXX"], [0.5, 2.0]), Projector(0), np.arange(8.0)]
    reservoir = ReservoirTransformer(observables=own).fit(SAMPLES)
    assert reservoir.get_feature_names_out().tolist() == ["observable0", "observable1", "observable2"]
    assert reservoir.transform(SAMPLES).shape == (12, 3)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"observables": "zz"}, ValueError, "'z_zz', 'xyz'"),
        ({"observables": []}, ValueError, "at least one"),
        ({"observables": Pauli("ZZZ")}, TypeError, "a list of observables"),
        ({"observables": [Pauli("Z")]}, ValueError, "1 qubits, but the circuit has 3"),
        ({"observables": [SparsePauliOp("ZZZ", 1j)]}, ValueError, "complex"),
        ({"observables": ["ZZZ"]}, TypeError, r"observables\[0\] must be"),
        ({"feature_map": "angle"}, TypeError, "feature_map must be a template"),
        ({"feature_map": AngleFeatureMap}, TypeError, "feature_map must be a template"),
        ({"feature_map": AngleFeatureMap().build(2)}, ValueError, "3 features but the feature map encodes 2"),
        ({"feature_map": QuantumCircuit(3)}, ValueError, "encodes 0"),
        ({"reservoir": 3}, TypeError, "reservoir must be a template"),
        ({"reservoir": QuantumCircuit(2)}, ValueError, "2 qubits but the feature map has 3"),
        ({"connection": "aer"}, TypeError, "connection must come from connect"),
        ({"connection": connect("aer", shots=10), "observables": [Projector(0)]}, UnsupportedObservableError, "Pauli"),
        ({"random_state": "ten"}, ValueError, "ten"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_in_fit(settings, error, words):
    with pytest.raises(error, match=words):
        ReservoirTransformer(**settings).fit(SAMPLES)


def test_a_circuit_wider_than_the_device_is_refused_in_fit():
    with pytest.raises(ValueError, match=r"qubits"):
        ReservoirTransformer(connection=connect("fake_manila", shots=10)).fit(np.zeros((2, 6)))
