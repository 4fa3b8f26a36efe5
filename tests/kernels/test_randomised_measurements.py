"""Randomised measurements: the formula, no bias, true errors, the predicted ones, and what is refused."""

import pickle

import numpy as np
import pytest
from kernel_maps import POINTS, general_map
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import DensityMatrix, Statevector
from qiskit_aer.noise import NoiseModel, depolarizing_error
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import ImpreciseKernelWarning
from qiskit_qml_ext.kernels import FidelityKernel, ProjectedKernel, RandomisedMeasurements
from qiskit_qml_ext.kernels.methods.randomised_measurements import mean_overlaps
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

SAMPLES = np.random.default_rng(3).uniform(-2, 2, (5, 2))


def rotated_outcomes(state: np.ndarray, thetas: np.ndarray, phis: np.ndarray) -> np.ndarray:
    """Outcome probabilities along directions, by projectors written by hand; bit q for qubit q."""
    probabilities = np.empty(len(state))
    number = len(thetas)
    for outcome in range(len(state)):
        vector = np.ones(1)
        for qubit in reversed(range(number)):
            half = thetas[qubit] / 2
            up = np.array([np.cos(half), np.exp(1j * phis[qubit]) * np.sin(half)])
            down = np.array([-np.exp(-1j * phis[qubit]) * np.sin(half), np.cos(half)])
            vector = np.kron(vector, down if outcome >> qubit & 1 else up)
        probabilities[outcome] = np.abs(vector.conj() @ state) ** 2
    return probabilities


def test_the_mean_over_all_pauli_bases_is_the_overlap():
    """The formula itself, with exact probabilities: Tr ρσ = 2ⁿ Σ (-2)^{-D} P P', averaged over 3ⁿ bases."""
    states = [Statevector(general_map().assign_parameters(row)).data for row in POINTS]
    angles = {1: (np.pi / 2, 0), 2: (np.pi / 2, np.pi / 2), 3: (0, 0)}
    settings = [np.array([angles[1 + number // 3**qubit % 3] for qubit in range(3)]) for number in range(27)]
    fractions = [np.array([rotated_outcomes(state, *setting.T) for state in states]) for setting in settings]
    shots = np.full(3, 10**15)  # so many that pairs of one and the same shot do not count
    found, _ = mean_overlaps(((one, shots) for one in fractions), 3, np.arange(3), np.arange(3))
    expected = np.abs(np.conj(states) @ np.transpose(states)) ** 2
    assert_allclose(found, expected, atol=1e-10)
    distances = np.array([[(a ^ b).bit_count() for b in range(8)] for a in range(8)])
    direct = 8 * fractions[5] @ (-2.0) ** -distances @ fractions[5].T
    one, _ = mean_overlaps(iter([(fractions[5], shots)] * 2), 3, np.arange(3), np.arange(3))
    assert_allclose(one, direct, atol=1e-10)


def product_map():
    """A map of three qubits whose states are eigenstates of Z at multiples of π."""
    circuit = QuantumCircuit(3)
    circuit.ry(ParameterVector("x", 1)[0], 0)
    circuit.id([1, 2])
    return circuit


def runs_of(method, *, shots, seeds, circuit=general_map, samples=POINTS):
    """Estimates and errors of every entry, the diagonal too, of many experiments."""
    estimates = []
    for seed in seeds:
        own = RandomisedMeasurements(num_settings=method.num_settings, bases=method.bases, seed=seed)
        connection = connect(shots=shots, seed=seed)
        kernel = FidelityKernel(circuit(), method=own, run_diagonal=True, connection=connection)
        estimates.append(kernel.evaluate_with_errors(samples))
    entries = np.triu_indices(len(samples))
    exact = FidelityKernel(circuit()).evaluate(samples)[entries]
    return exact, *(np.array([getattr(one, name)[entries] for one in estimates]) for name in ("raw", "standard_errors"))


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ImpreciseKernelWarning")
@pytest.mark.parametrize("bases", ["haar", "pauli"])
def test_estimates_are_unbiased_with_true_standard_errors_on_the_diagonal_too(bases):
    method = RandomisedMeasurements(num_settings={"haar": 60, "pauli": 8}[bases], bases=bases)
    exact, values, errors = runs_of(method, shots=20, seeds=range(80))
    # 4 standard errors of a mean of 80 experiments, 6 entries: false alarm 4e-4; fixed seeds
    assert np.all(np.abs(values.mean(axis=0) - exact) < 4 * values.std(axis=0) / np.sqrt(80))
    # the spread of 80 experiments has a relative standard error of 8 %, more for laws with tails
    assert_allclose(np.sqrt((errors**2).mean(axis=0)) / values.std(axis=0), 1, atol=0.4)


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ImpreciseKernelWarning")
def test_all_pauli_bases_leave_only_the_noise_of_shots():
    connection = connect(shots=4000, seed=4)
    method = RandomisedMeasurements(num_settings=None, bases="pauli")
    kernel = FidelityKernel(general_map(), method=method, run_diagonal=True, connection=connection)
    found = kernel.evaluate_with_errors(POINTS)
    assert connection.usage.circuits == 3 * 27
    predicted = method.predicted_error(3, 4000)
    assert predicted < 0.02
    # 6 entries within 4 predicted errors: false alarm about 4e-4; fixed seed
    assert_allclose(found.matrix, FidelityKernel(general_map()).evaluate(POINTS), atol=4 * predicted)
    assert found.standard_errors.min() > predicted / 2  # over settings: larger, as these are no random choice


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ImpreciseKernelWarning")
@pytest.mark.parametrize("shots", [5, 100])
def test_predicted_error_is_that_of_equal_product_states(shots):
    """For the Haar measure any product state has it."""
    method = RandomisedMeasurements(num_settings=4000, seed=1)
    kernel = FidelityKernel(product_map(), method=method, connection=connect(shots=shots, seed=1))
    # two samples that are the same state: a whole turn apart
    found = kernel.evaluate_with_errors([[0.0], [2 * np.pi]])
    assert abs(found.matrix[0, 1] - 1) < 4 * found.standard_errors[0, 1]  # false alarm 6e-5; fixed seed
    # a standard deviation of 4000 values with heavy tails
    assert found.standard_errors[0, 1] == pytest.approx(method.predicted_error(3, shots), rel=0.1)


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ImpreciseKernelWarning")
@pytest.mark.parametrize(("num_settings", "shots"), [(8, 5), (8, 100), (20, 100)])
def test_predicted_error_of_pauli_bases_is_the_scatter_of_experiments_on_an_eigenstate(num_settings, shots):
    """Bases are drawn without repetition: the noise of their choice is less than that of independent ones."""
    method = RandomisedMeasurements(num_settings=num_settings, bases="pauli")
    values = [
        FidelityKernel(
            product_map(),
            method=RandomisedMeasurements(num_settings=num_settings, bases="pauli", seed=seed),
            connection=connect(shots=shots, seed=seed),
        ).evaluate([[0.0], [2 * np.pi]])[0, 1]
        for seed in range(200)
    ]
    # a standard deviation of 200 values: 5 %, more for laws with tails
    assert np.std(values) == pytest.approx(method.predicted_error(3, shots), rel=0.2)


def test_noisy_states_overlap_as_density_matrices_do():
    x, circuit = ParameterVector("x", 2), QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.cx(0, 1)
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.3, 2), ["cx"])
    connection = connect("aer", shots=300, seed=1, noise_model=noise)
    method = RandomisedMeasurements(num_settings=600, seed=1)
    kernel = FidelityKernel(circuit, method=method, run_diagonal=True, connection=connection)
    found = kernel.evaluate_with_errors(SAMPLES[:2])
    states = [0.7 * DensityMatrix(circuit.assign_parameters(row)).data + 0.3 * np.eye(4) / 4 for row in SAMPLES[:2]]
    expected = np.array([[np.trace(one @ other).real for other in states] for one in states])
    assert expected[0, 0] < 0.7  # a mixed state, which a measured diagonal shows
    assert np.all(np.abs(found.matrix - expected) < 4 * found.standard_errors)  # 3 entries, false alarm 2e-4


def test_circuits_grow_with_samples_and_nothing_runs_twice():
    connection = connect("aer", shots=10, seed=1)
    method = RandomisedMeasurements(num_settings=50, seed=2)
    kernel = FidelityKernel(AngleFeatureMap(), method=method, connection=connection)
    with pytest.warns(ImpreciseKernelWarning):
        first = kernel.evaluate(SAMPLES)
    assert connection.usage.circuits == 5 * 50
    assert connection.usage.jobs == 1
    assert_array_equal(clone(kernel).evaluate(SAMPLES[[4, 0]], SAMPLES), first[[4, 0]])  # and no second warning
    assert connection.usage.circuits == 5 * 50
    FidelityKernel(AngleFeatureMap(), method=method, run_diagonal=True, connection=connection).evaluate(SAMPLES)
    assert connection.usage.circuits == 5 * 50
    assert kernel.plan(np.concatenate([SAMPLES, SAMPLES[:1] + 1])).circuits == 50


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ImpreciseKernelWarning")
def test_pauli_bases_are_shared_with_projected_kernels():
    connection = connect("aer", shots=10, seed=1)
    method = RandomisedMeasurements(num_settings=None, bases="pauli")
    FidelityKernel(AngleFeatureMap(), method=method, connection=connection).evaluate(SAMPLES)
    assert connection.usage.circuits == 5 * 9
    ProjectedKernel(AngleFeatureMap(), patches="all_pairs", gamma=0.5, connection=connection).evaluate(SAMPLES)
    assert connection.usage.circuits == 5 * 9


def test_a_fake_device_runs_it_and_its_plan_predicts_the_error():
    connection = connect("fake_manila", shots=50, seed=1)
    method = RandomisedMeasurements(num_settings=30)
    kernel = FidelityKernel(ZZFeatureMap(reps=1), method=method, connection=connection)
    plan = kernel.plan(SAMPLES[:2], entries=(0.5, 0.04))
    assert (plan.circuits, plan.executions) == (2 * 30, 60 * 50)
    error = method.predicted_error(2, 50)
    assert plan.advice == (
        "With 30 settings and 50 shots each, an entry near 1 of 2 qubits has a standard error of about "
        f"{error:.2g} (product states).",
        "Entries vary by 0.2 from pair to pair.",
    )
    with pytest.warns(ImpreciseKernelWarning, match="Entries lie between 0 and 1, so take more settings"):
        estimate = kernel.evaluate_with_errors(SAMPLES[:2])
    assert (estimate.shots, estimate.synthesis_error) == (50, 0.0)
    assert_array_equal(np.diagonal(estimate.matrix), 1)


def test_auto_never_takes_it_and_its_name_does():
    for connection in (None, connect("aer", shots=10), connect(shots=10)):
        assert FidelityKernel(AngleFeatureMap(), connection=connection).chosen_method(2).name != "randomised"
    chosen = FidelityKernel(AngleFeatureMap(), method="randomised").chosen_method(2)
    assert chosen.method == RandomisedMeasurements()
    own = RandomisedMeasurements(num_settings=7)
    chosen = FidelityKernel(AngleFeatureMap(), method=own).chosen_method(2)
    assert chosen.method is own
    assert chosen.reason == "method=RandomisedMeasurements(num_settings=7, bases='haar', seed=0) was asked for"


@pytest.mark.filterwarnings("ignore::qiskit_qml_ext.exceptions.ImpreciseKernelWarning")
def test_a_method_with_settings_is_cloned_pickled_moved_and_tuned():
    method = RandomisedMeasurements(num_settings=20, seed=3)
    kernel = FidelityKernel(AngleFeatureMap(), method=method, connection=connect(shots=20, seed=1))
    assert clone(kernel).method == method
    assert kernel.with_connection(connect("aer", shots=10)).method == method
    assert kernel.exact_copy().method == "exact"
    assert pickle.loads(pickle.dumps(kernel)).method == method
    assert kernel.circuit(2).num_parameters == 2 + 4
    grid = {"kernel__method": [method, "sampled", RandomisedMeasurements(num_settings=30)]}
    search = GridSearchCV(QuantumSVC(kernel), grid, cv=2).fit(np.concatenate([SAMPLES, SAMPLES + 1]), np.arange(10) % 2)
    assert len(search.cv_results_["params"]) == 3


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"num_settings": 1}, ValueError, "num_settings must be at least 2"),
        ({"num_settings": 2.5}, TypeError, "num_settings must be a whole number"),
        ({"bases": "clifford"}, ValueError, "bases must be one of 'haar', 'pauli'"),
        ({"seed": None}, TypeError, "seed must be a whole number, but None came"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"num_settings": None}, ValueError, "num_settings=None means all Pauli bases"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, error, words):
    with pytest.raises(error, match=words):
        RandomisedMeasurements(**settings)


def test_wide_circuits_and_single_shots_are_refused_before_anything_runs():
    connection = connect("aer", shots=100)
    wide = FidelityKernel(AngleFeatureMap(), method="randomised", connection=connection)
    with pytest.raises(ValueError, match=r"at most 12 qubits, but the circuit has 13.*standard error of about 0\.\d+"):
        wide.evaluate(np.ones((2, 13)))
    every = RandomisedMeasurements(num_settings=None, bases="pauli")
    with pytest.raises(ValueError, match="at most 6 qubits in all 2,187 Pauli bases, but the circuit has 7"):
        FidelityKernel(AngleFeatureMap(), method=every, connection=connection).evaluate(np.ones((2, 7)))
    with pytest.raises(ValueError, match="One shot says nothing of its own noise"):
        FidelityKernel(AngleFeatureMap(), method="randomised", connection=connect("aer", shots=1)).evaluate(SAMPLES)
    assert connection.usage.circuits == 0


def test_no_pauli_basis_is_drawn_twice():
    """Its outcomes would be the same, and the errors of settings would be taken for independent."""
    for num_settings, number, expected in ((200, 2, 9), (20, 3, 20), (27, 3, 27), (200, 8, 200)):
        settings = RandomisedMeasurements(num_settings=num_settings, bases="pauli")._turns(number)
        assert len(settings) == len(np.unique(settings.round(9), axis=0)) == expected
