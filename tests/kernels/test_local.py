"""Local and multi-scale kernels: known values, the definition from Qiskit's partial traces, shots, refusals."""

import pickle

import numpy as np
import pytest
from kernel_maps import PAIRS, POINTS, commuting_map, general_map
from numpy.testing import assert_allclose, assert_array_equal
from qiskit.quantum_info import Statevector, partial_trace
from sklearn.base import clone
from sklearn.svm import SVC

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import ChangesTarget, FidelityKernel, LocalKernel, PlansRuns, StatesErrors
from qiskit_qml_ext.kernels.reduced_states.projections import covariance_matrix
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

SAMPLES = np.random.default_rng(8).uniform(-2, 2, (6, 3))


@pytest.mark.parametrize(
    ("circuit", "expected", "diagonal"),
    [
        (commuting_map, [0.8890915463, 0.8313466342, 0.7055474745], [0.9361811212, 0.9541536903, 0.8986799501]),
        (general_map, [0.7060685030, 0.6523106296, 0.4873933515], [0.9159211929, 0.9014511413, 0.6655415316]),
    ],
)
def test_known_values(circuit, expected, diagonal):
    matrix = LocalKernel(circuit(), patches="single", normalize=False).evaluate(POINTS)
    assert_allclose(matrix[PAIRS], expected, atol=5e-11)  # half a unit of the last of ten digits
    assert_allclose(np.diagonal(matrix), diagonal, atol=5e-11)


def defined(circuit, rows, scales, weights, *, normalize) -> np.ndarray:
    """Σ_s w_s mean_p Tr ρ_p ρ'_p from Qiskit's partial traces."""
    states = [Statevector(circuit.assign_parameters(row)) for row in rows]
    total = np.zeros((len(rows), len(rows)))
    for patches, weight in zip(scales, weights, strict=True):
        for patch in patches:
            traced = [qubit for qubit in range(circuit.num_qubits) if qubit not in patch]
            reduced = [partial_trace(state, traced).data for state in states]
            overlaps = np.array([[np.trace(one @ other).real for other in reduced] for one in reduced])
            total += weight * overlaps / len(patches)
    diagonal = np.sqrt(np.diagonal(total))
    return total / np.outer(diagonal, diagonal) if normalize else total


SCALES = [
    ("single", None, [[(0,), (1,), (2,), (3,)]], [1]),
    (("disjoint_pairs", "all"), None, [[(0, 1), (2, 3)], [(0, 1, 2, 3)]], [0.5, 0.5]),
    (("neighbour_pairs", "all"), (3, 1), [[(0, 1), (1, 2), (2, 3)], [(0, 1, 2, 3)]], [0.75, 0.25]),
    ([(0, 3), (1,)], None, [[(0, 3), (1,)]], [1]),
    (["single", [(0, 1, 2), (1, 3)]], (0.2, 0.8), [[(0,), (1,), (2,), (3,)], [(0, 1, 2), (1, 3)]], [0.2, 0.8]),
]


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(("patches", "weights", "scales", "shares"), SCALES)
def test_exact_kernel_is_as_defined(patches, weights, scales, shares, normalize):
    rows = np.random.default_rng(0).uniform(-2, 2, (5, 4))
    kernel = LocalKernel(ZZFeatureMap(), patches=patches, weights=weights, normalize=normalize)
    expected = defined(ZZFeatureMap().build(4), rows, scales, shares, normalize=normalize)
    matrix = kernel.evaluate(rows)
    assert_allclose(matrix, expected, atol=1e-12)
    assert_allclose(kernel.evaluate(rows, rows[1:4]), expected[:, 1:4], atol=1e-12)
    assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix)[0] > -1e-12
    if normalize:
        assert_array_equal(np.diagonal(matrix), 1)


def test_all_qubits_alone_are_the_fidelity_kernel():
    fidelities = FidelityKernel(ZZFeatureMap()).evaluate(SAMPLES)
    assert_allclose(LocalKernel(ZZFeatureMap(), patches="all").evaluate(SAMPLES), fidelities, atol=1e-13)
    weighted = LocalKernel(ZZFeatureMap(), weights=(0, 2))
    assert_allclose(weighted.evaluate(SAMPLES), fidelities, atol=1e-13)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("patches", ["single", ("disjoint_pairs", "all")])
def test_estimates_have_true_standard_errors(patches, normalize):
    exact = LocalKernel(general_map(), patches=patches, normalize=normalize)
    entries = np.triu_indices(3, int(normalize))
    runs = [exact.with_connection(connect(shots=150, seed=seed)).evaluate_with_errors(POINTS) for seed in range(40)]
    values = np.array([run.raw[entries] for run in runs])
    errors = np.array([run.standard_errors[entries] for run in runs])
    deviation = values.mean(axis=0) - exact.evaluate(POINTS)[entries]
    # 4 standard errors of a mean of 40 runs; normalising leaves a bias of the order of 1/150. Fixed seeds
    assert np.all(np.abs(deviation) < 4 * values.std(axis=0) / np.sqrt(40) + normalize / 150)
    # the spread of 40 runs has a relative standard error of 11 %; 4 of them
    assert_allclose(np.sqrt((errors**2).mean(axis=0)) / values.std(axis=0), 1, atol=0.45)


def test_scales_share_what_was_measured_and_nothing_runs_twice():
    connection = connect("aer", shots=30, seed=1)
    kernel = LocalKernel(ZZFeatureMap(), connection=connection)
    first = kernel.evaluate(SAMPLES)
    pairs = 6 * 5 // 2
    assert connection.usage.circuits == 6 * 9 + pairs
    assert_array_equal(clone(kernel).evaluate(SAMPLES), first)
    LocalKernel(ZZFeatureMap(), patches="disjoint_pairs", connection=connection).evaluate(SAMPLES)
    FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(SAMPLES)
    assert connection.usage.circuits == 6 * 9 + pairs


def test_a_fake_device_runs_it_and_its_plan_counts_settings_and_pairs():
    kernel = LocalKernel(ZZFeatureMap(reps=1), connection=connect("fake_manila", shots=40, seed=1))
    plan = kernel.plan(SAMPLES[:3])
    assert (plan.circuits, plan.executions, plan.jobs) == (3 * 9 + 3, 30 * 40, 2)
    assert "Each sample is measured in 9 settings." in plan.advice
    said = kernel.plan(SAMPLES[:3], entries=(0.3, 0.04)).advice
    assert said.count("Entries vary by 0.2 from pair to pair.") == 1
    estimate = kernel.evaluate_with_errors(SAMPLES[:3])
    assert estimate.shots == 40
    assert kernel.plan(SAMPLES[:3]).circuits == 0
    only = LocalKernel(ZZFeatureMap(reps=1), patches="all", connection=kernel.connection)
    assert only.plan(SAMPLES[:4]).circuits == 3  # pairs with the new sample
    with pytest.raises(ValueError, match="An exact kernel runs no circuits"):
        kernel.exact_copy().plan(SAMPLES)


def test_it_has_the_abilities_of_a_kernel_and_works_in_machines():
    kernel = LocalKernel(ZZFeatureMap(), patches="single")
    assert all(isinstance(kernel, ability) for ability in (ChangesTarget, PlansRuns, StatesErrors))
    labels = np.arange(6) % 2
    by_callable = SVC(kernel=kernel).fit(SAMPLES, labels).decision_function(SAMPLES + 0.1)
    ours = QuantumSVC(kernel, tol=1e-8).fit(SAMPLES, labels).decision_function(SAMPLES + 0.1)
    assert_allclose(by_callable, ours, atol=1e-2)
    copy = pickle.loads(pickle.dumps(clone(kernel).set_params(feature_map__bandwidth=0.4)))
    assert_array_equal(
        copy.evaluate(SAMPLES), LocalKernel(ZZFeatureMap(bandwidth=0.4), patches="single").evaluate(SAMPLES)
    )


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"patches": "triples"}, ValueError, "patches must be one of"),
        ({"weights": (1, 2, 3)}, ValueError, "one number for each of the 2 scales, but 3 came"),
        ({"weights": (1, -1)}, ValueError, "weights must be numbers from 0, not all 0"),
        ({"weights": (0, 0)}, ValueError, "weights must be numbers from 0, not all 0"),
        ({"weights": "ab"}, TypeError, "weights must be a list of numbers"),
        ({"normalize": 1}, TypeError, "normalize must be True or False"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_before_anything_runs(settings, error, words):
    connection = connect("aer", shots=20)
    with pytest.raises(error, match=words):
        LocalKernel(ZZFeatureMap(), connection=connection, **settings).evaluate(SAMPLES)
    assert connection.usage.circuits == 0


def test_large_patches_are_refused_on_targets_with_shots_and_pairs_of_one_qubit():
    patches = [(0, 1, 2, 3, 4)]
    wide = np.ones((2, 6))
    assert LocalKernel(ZZFeatureMap(reps=1), patches=patches).evaluate(wide).shape == (2, 2)
    with pytest.raises(ValueError, match="takes 3\\^5 = 243 settings"):
        LocalKernel(ZZFeatureMap(reps=1), patches=patches, connection=connect("aer", shots=9)).evaluate(wide)
    with pytest.raises(ValueError, match="needs 2 qubits, but the circuit uses 1"):
        LocalKernel(AngleFeatureMap()).evaluate([[0.1], [0.2]])


def test_a_purity_that_noise_made_negative_is_not_divided_by():
    """Two shots of a maximally mixed qubit: the estimate of its purity is 1/2 plus a noise of the same size."""
    circuit = general_map()
    seen = set()
    for seed in range(30):
        kernel = LocalKernel(circuit, patches=[(0, 1)], connection=connect(shots=2, seed=seed))
        try:
            kernel.evaluate(POINTS)
        except ValueError as error:
            seen.add(str(error).partition(",")[0])
        else:
            seen.add("done")
    assert seen == {"The estimated purity of a sample's patches is not positive", "done"}


def test_errors_of_normalised_entries_follow_from_every_estimate_in_them():
    """Beside slopes by finite differences of K_ij/√(K_ii K_jj) in the estimates of both samples."""
    kernel = LocalKernel(general_map(), patches="single", connection=connect(shots=2000, seed=1))
    compared = kernel._local(POINTS, None, kernel._parts([0, 1, 2]))
    estimates, weights = compared.projections.values, compared.weights

    def entry(a, b, i, j):
        purities = [np.sum(weights * one**2) + compared.identity - compared.excess[k] for one, k in ((a, i), (b, j))]
        return (np.sum(weights * a * b) + compared.identity) / np.sqrt(np.prod(purities))

    errors = kernel.evaluate_with_errors(POINTS).standard_errors
    steps = 1e-6 * np.eye(len(weights))
    for i, j in zip(*PAIRS, strict=True):
        a, b = estimates[i], estimates[j]
        slopes_a = [(entry(a + step, b, i, j) - entry(a - step, b, i, j)) / 2e-6 for step in steps]
        slopes_b = [(entry(a, b + step, i, j) - entry(a, b - step, i, j)) / 2e-6 for step in steps]
        variance = sum(
            np.array(slopes) @ covariance_matrix(compared.projections.covariances, sample) @ slopes
            for slopes, sample in ((slopes_a, i), (slopes_b, j))
        )
        # the shots in the purities' correction, one in 2000, are no part of the slopes
        assert errors[i, j] == pytest.approx(np.sqrt(variance), rel=5e-3)
