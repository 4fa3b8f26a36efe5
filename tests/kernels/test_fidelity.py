"""The fidelity kernel against closed forms, Qiskit's Statevector, the binomial law and qiskit-machine-learning."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import Statevector
from qiskit_machine_learning.algorithms import QSVC, PegasosQSVC
from qiskit_machine_learning.kernels import BaseKernel, FidelityQuantumKernel
from sklearn.base import clone
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import (
    FEATURE_MAPS,
    AngleFeatureMap,
    FixedWeightsFeatureMap,
    IQPFeatureMap,
    ZZFeatureMap,
)
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

EXACT = 1e-12  # sums of at most 2**5 products of unit-norm amplitudes in double precision

# Maps of real data alone that take any layout of entangling gates; the others have tests of their own.
ENTANGLING_MAPS = sorted(
    name
    for name, map_ in FEATURE_MAPS.items()
    if "entanglement" in map_().get_params() and map_().num_weights(3) == 0 and name != "heisenberg"
    if np.isinf(map_.domain).all()
)


def samples(rows, columns, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, (rows, columns))


def statevector_kernel(feature_map, x, y):
    circuit = feature_map.build(x.shape[1])
    left, right = ([Statevector(circuit.assign_parameters(row)).data for row in data] for data in (x, y))
    return np.abs(np.array(left).conj() @ np.array(right).T) ** 2


@pytest.mark.parametrize("rotation", ["x", "y", "z"])
@pytest.mark.parametrize("bandwidth", [1.0, 0.3, (0.5, 1.0, 2.0)])
def test_kernel_of_product_map_is_product_of_cosines(rotation, bandwidth):
    x, y = samples(6, 3), samples(4, 3, seed=1)
    kernel = FidelityKernel(AngleFeatureMap(rotation, bandwidth=bandwidth))
    differences = np.asarray(bandwidth) * (x[:, None, :] - y[None, :, :])
    # k(x, y) = Π cos²(c(x_i - y_i)/2), from ⟨0|R(a)†R(b)|0⟩ = cos((b - a)/2)
    assert_allclose(kernel.evaluate(x, y), np.prod(np.cos(differences / 2) ** 2, axis=-1), atol=EXACT)


@pytest.mark.parametrize("name", ENTANGLING_MAPS)
@pytest.mark.parametrize("entanglement", ["none", "linear", "full"])
@pytest.mark.parametrize("num_features", [1, 2, 4])
def test_exact_kernel_agrees_with_statevector(name, entanglement, num_features):
    feature_map = FEATURE_MAPS[name](entanglement=entanglement, bandwidth=0.7)
    x, y = samples(5, num_features), samples(3, num_features, seed=1)
    kernel = FidelityKernel(feature_map)
    assert_allclose(kernel.evaluate(x, y), statevector_kernel(feature_map, x, y), atol=EXACT)
    assert_allclose(kernel.evaluate(x), statevector_kernel(feature_map, x, x), atol=EXACT)


@pytest.mark.parametrize("name", ENTANGLING_MAPS)
def test_kernel_obeys_its_laws(name):
    x = samples(8, 3)
    matrix = FidelityKernel(FEATURE_MAPS[name]()).evaluate(x)
    assert_allclose(matrix, matrix.T, atol=0)
    assert_allclose(np.diagonal(matrix), 1, atol=0)
    assert np.linalg.eigvalsh(matrix)[0] > -1e-12  # n·eps of an 8×8 matrix, with room
    assert matrix.min() >= 0
    assert matrix.max() <= 1 + EXACT
    assert_allclose(FidelityKernel(FEATURE_MAPS[name]()).evaluate(x, x[:3]), matrix[:, :3], atol=EXACT)


def test_product_encoding_works_for_more_features_than_any_state_could_hold():
    x = samples(3, 60)
    matrix = FidelityKernel(AngleFeatureMap(bandwidth=0.1)).evaluate(x)
    expected = np.prod(np.cos(0.05 * (x[:, None] - x[None])) ** 2, axis=-1)
    assert_allclose(matrix, expected, rtol=1e-11)


def test_groups_that_do_not_interact_are_simulated_apart():
    feature_map = ZZFeatureMap(entanglement=[(0, 2)], bandwidth=0.4)
    x = samples(5, 4)
    assert_allclose(FidelityKernel(feature_map).evaluate(x), statevector_kernel(feature_map, x, x), atol=EXACT)


def test_plain_circuit_takes_features_in_the_order_of_its_parameters():
    a, b = ParameterVector("a", 1), ParameterVector("b", 1)
    circuit = QuantumCircuit(2)
    circuit.ry(b[0], 0)
    circuit.rx(2 * a[0], 1)
    x = samples(4, 2)
    scaled = x * [2, 1]
    expected = np.prod(np.cos((scaled[:, None] - scaled[None]) / 2) ** 2, axis=-1)
    assert_allclose(FidelityKernel(circuit).evaluate(x), expected, atol=EXACT)


@pytest.mark.parametrize("target", ["exact", "aer"])
@pytest.mark.parametrize("name", ENTANGLING_MAPS)
def test_sampled_kernel_is_within_its_stated_error(target, name):
    x, y = samples(5, 2), samples(4, 2, seed=1)
    exact = FidelityKernel(FEATURE_MAPS[name]()).evaluate(x, y)
    kernel = FidelityKernel(FEATURE_MAPS[name](), connection=connect(target, shots=4000, seed=11))
    estimate = kernel.evaluate_with_errors(x, y)
    # 20 entries: a deviation beyond 4 standard errors has a false-alarm probability of about 20 · 6e-5; fixed seed
    assert np.all(np.abs(estimate.matrix - exact) < 4 * estimate.standard_errors)
    assert estimate.shots == 4000
    assert_allclose(estimate.standard_errors, np.sqrt(exact * (1 - exact) / 4000), atol=2e-3)


def test_sampled_errors_have_the_right_size():
    x = np.array([[0.0], [np.pi / 2]])  # k = 1/2
    values = [
        FidelityKernel(AngleFeatureMap(), connection=connect("exact", shots=400, seed=seed)).evaluate(x)[0, 1]
        for seed in range(200)
    ]
    # σ² = 1/4/400; the variance of 200 runs has a relative standard error of √(2/199) = 0.1: 4 of them, fixed seeds
    assert np.var(values, ddof=1) == pytest.approx(0.25 / 400, rel=0.4)
    assert np.mean(values) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 400 / 200))


def test_sampled_path_runs_each_unordered_pair_of_distinct_samples_once():
    connection = connect("aer", shots=50, seed=3)
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection)
    x = samples(6, 2)
    x[4] = x[1]
    first = kernel.evaluate(x)
    assert connection.usage.circuits == 5 * 4 // 2
    assert connection.usage.jobs == 1
    assert connection.usage.shots == 10 * 50
    assert first[1, 4] == 1
    assert_allclose(np.diagonal(first), 1, atol=0)
    again = clone(kernel).evaluate(x[::-1], x[:3])
    assert connection.usage.circuits == 10, "nothing may run twice through one connection"
    assert_allclose(again, first[::-1, :3], atol=0)


def test_jobs_respect_the_limit_on_executions():
    connection = connect("aer", shots=100, seed=3, max_executions_per_job=450)
    FidelityKernel(AngleFeatureMap(), connection=connection).evaluate(samples(5, 2))
    assert connection.usage.jobs == 3  # 10 pairs, 4 in each job
    tight = connect("aer", shots=1000, max_executions_per_job=450)
    with pytest.raises(ValueError, match="1000 shots exceeds the limit of 450 executions"):
        FidelityKernel(AngleFeatureMap(), connection=tight).evaluate(samples(2, 2))


def test_sampled_values_are_reproducible():
    x = samples(4, 2)

    def one(rows):
        return FidelityKernel(ZZFeatureMap(), connection=connect("aer", shots=64, seed=5)).evaluate(rows)

    assert_allclose(one(x), one(x), atol=0)


def test_diagonal_can_be_run():
    connection = connect("aer", shots=100, seed=3)
    estimate = FidelityKernel(ZZFeatureMap(), connection=connection, run_diagonal=True).evaluate_with_errors(
        samples(3, 2)
    )
    assert connection.usage.circuits == 6
    assert_allclose(np.diagonal(estimate.matrix), 1, atol=0)  # without noise U†U|0⟩ is |0⟩
    assert np.all(np.diagonal(estimate.standard_errors) > 0)


def test_diagonal_shows_noise_when_run():
    connection = connect("fake_manila", shots=400, seed=3)
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection, run_diagonal=True)
    assert np.diagonal(kernel.evaluate(samples(2, 3))).max() < 0.99


@pytest.mark.parametrize("repair", ["clip", "shift"])
def test_repair_is_on_request_and_keeps_the_raw_matrix(repair):
    x = samples(10, 2)

    def estimate(psd_repair):
        connection = connect("exact", shots=20, seed=1)
        return FidelityKernel(AngleFeatureMap(), connection=connection, psd_repair=psd_repair).evaluate_with_errors(x)

    plain, repaired = estimate(None), estimate(repair)
    assert np.linalg.eigvalsh(plain.matrix)[0] < -1e-3, "the test needs a matrix that is not positive semi-definite"
    assert np.linalg.eigvalsh(repaired.matrix)[0] > -1e-12
    assert_allclose(repaired.raw, plain.matrix, atol=0)
    with pytest.raises(ValueError, match=r"psd_repair must be None, .*'clip', 'shift', .* but 'wrong' came"):
        estimate("wrong")


def test_own_sampler_works_and_is_shared_by_clones():
    sampler = StatevectorSampler(default_shots=3000, seed=2)
    kernel = FidelityKernel(ZZFeatureMap(), sampler=sampler)
    x = samples(4, 2)
    estimate = kernel.evaluate_with_errors(x)
    exact = FidelityKernel(ZZFeatureMap()).evaluate(x)
    # 6 independent entries, 4 standard errors, fixed seed
    assert np.all(np.abs(estimate.matrix - exact) <= 4 * estimate.standard_errors)
    assert estimate.shots == 3000
    copy = clone(kernel)
    assert copy.sampler is sampler
    assert_allclose(copy.evaluate(x), estimate.matrix, atol=0)


def test_kernel_is_a_kernel_of_qiskit_machine_learning():
    x = samples(20, 2)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    kernel = FidelityKernel(ZZFeatureMap(bandwidth=0.5))
    assert isinstance(kernel, BaseKernel)
    circuit = ZZFeatureMap(bandwidth=0.5).build(2)
    theirs = FidelityQuantumKernel(feature_map=circuit)
    # their fidelity is sampled: 1024 shots give a standard error of at most 1/64
    assert_allclose(kernel.evaluate(x[:5]), theirs.evaluate(x[:5]), atol=5 / 64)
    assert QSVC(quantum_kernel=kernel).fit(x, y).score(x, y) > 0.8
    assert PegasosQSVC(quantum_kernel=kernel, C=100, num_steps=50).fit(x, y).predict(x).shape == (20,)
    ours = SVC(kernel=kernel).fit(x, y).decision_function(x)
    assert_allclose(ours, QSVC(quantum_kernel=kernel).fit(x, y).decision_function(x), atol=1e-9)


def test_settings_survive_clone_pickle_and_nested_parameters():
    connection = connect("aer", shots=77, seed=1)
    kernel = FidelityKernel(IQPFeatureMap(bandwidth=0.2), connection=connection, psd_repair="clip")
    copy = clone(kernel)
    assert copy.feature_map == kernel.feature_map
    assert copy.feature_map is not kernel.feature_map
    assert copy.connection is connection
    copy.set_params(feature_map__bandwidth=0.9)
    assert kernel.feature_map.bandwidth == 0.2
    thawed = pickle.loads(pickle.dumps(kernel))
    assert thawed.connection.shots == 77
    x = samples(3, 2)
    assert_allclose(thawed.evaluate(x), kernel.evaluate(x), atol=0)
    assert "bandwidth=0.2" in repr(kernel)
    assert kernel.enforce_psd


def test_nothing_given_is_changed():
    x = samples(3, 2)
    x.setflags(write=False)
    circuit = ZZFeatureMap().build(2)
    before = circuit.copy()
    kernel = FidelityKernel(circuit, connection=connect("aer", shots=10))
    kernel.evaluate(x)
    assert circuit == before
    assert kernel.num_features == 2


def test_one_sample_and_no_columns():
    kernel = FidelityKernel(AngleFeatureMap())
    assert kernel.evaluate([1.0, 2.0]).tolist() == [[1.0]]
    assert kernel.evaluate(samples(3, 2), np.empty((0, 2))).shape == (3, 0)
    sampled = FidelityKernel(AngleFeatureMap(), connection=connect("aer", shots=10))
    assert sampled.evaluate([1.0, 2.0]).tolist() == [[1.0]]
    assert sampled.evaluate(samples(3, 2), np.empty((0, 2))).shape == (3, 0)


@pytest.mark.parametrize(
    ("settings", "x", "y", "error", "message"),
    [
        ({}, [[1, np.nan]], None, ValueError, "value nan in row 0, column 1"),
        ({}, [["a", "b"]], None, TypeError, "must be an array of real numbers"),
        ({}, [[1j, 2]], None, TypeError, "complex numbers"),
        ({}, np.zeros((2, 2, 2)), None, ValueError, "shape"),
        ({}, [[1, 2]], [[1, 2, 3]], ValueError, "number of features of y_vec must be that of x_vec, 2, but 3 came"),
        ({"feature_map": AngleFeatureMap().build(3)}, [[1, 2]], None, ValueError, "2 columns .* encodes 3"),
        ({"feature_map": "zz"}, [[1, 2]], None, TypeError, "a template or a QuantumCircuit, but a str came"),
        ({"method": "magic"}, [[1, 2]], None, ValueError, r"method must be one of 'auto', .*'exact'.*'sampled'"),
        ({"connection": connect(), "sampler": StatevectorSampler()}, [[1, 2]], None, ValueError, "Give one of them"),
        ({"sampler": "sampler"}, [[1, 2]], None, TypeError, "sampler must be a BaseSamplerV2, but a str came"),
    ],
)
def test_bad_input_is_named(settings, x, y, error, message):
    with pytest.raises(error, match=message):
        FidelityKernel(**settings).evaluate(x, y)


def test_circuit_wider_than_the_target_is_refused_before_it_runs():
    connection = connect("fake_manila")
    with pytest.raises(ValueError, match="6 qubits but the target fake_manila has 5"):
        FidelityKernel(AngleFeatureMap(), connection=connection).evaluate(samples(3, 6))
    assert connection.usage.jobs == 0


def test_chebyshev_kernel_agrees_with_statevector():
    x = np.random.default_rng(3).uniform(-0.9, 0.9, (5, 2))
    circuit = FEATURE_MAPS["chebyshev"]().build(2)
    states = [Statevector(circuit.assign_parameters(row)).data for row in x]
    expected = np.abs(np.array(states).conj() @ np.array(states).T) ** 2
    assert_allclose(FidelityKernel(FEATURE_MAPS["chebyshev"]()).evaluate(x), expected, atol=EXACT)


def test_amplitude_kernel_is_the_squared_cosine_of_the_angle_between_the_vectors():
    x = samples(5, 4)
    directions = x / np.linalg.norm(x, axis=1, keepdims=True)
    matrix = FidelityKernel(FEATURE_MAPS["amplitude"]()).evaluate(x)
    assert_allclose(matrix, (directions @ directions.T) ** 2, atol=1e-11)  # a tree of arctangents of the amplitudes


def test_trainable_weights_must_be_fixed_first():
    feature_map = FEATURE_MAPS["trainable-ring"]()
    with pytest.raises(ValueError, match=r"12 trainable weights for 3 features.*FixedWeightsFeatureMap"):
        FidelityKernel(feature_map).evaluate(samples(2, 3))
    fixed = FixedWeightsFeatureMap(feature_map, np.full(12, 0.2))
    x = samples(4, 3)
    assert_allclose(FidelityKernel(fixed).evaluate(x), statevector_kernel(fixed, x, x), atol=EXACT)
