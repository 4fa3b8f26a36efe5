"""The projected kernel: known values, shots without bias and with true errors, one bandwidth for all data."""

import pickle

import numpy as np
import pytest
from kernel_maps import PAIRS, POINTS, commuting_map, general_map
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.primitives import StatevectorSampler
from qiskit.quantum_info import DensityMatrix, Pauli, SparsePauliOp
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from sklearn.base import clone
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    ExpSineSquared,
    Matern,
    PairwiseKernel,
    RationalQuadratic,
    WhiteKernel,
)
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC
from together import in_threads

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning
from qiskit_qml_ext.kernels import ChangesTarget, LocalKernel, PlansRuns, ProjectedKernel, StatesErrors
from qiskit_qml_ext.models import QuantumSVC
from qiskit_qml_ext.primitives import connect

SAMPLES = np.random.default_rng(4).uniform(-2, 2, (8, 2))
LABELS = np.arange(8) % 2
KNOWN = [
    (commuting_map, [0.8451614725, 0.7724007911, 0.5155051233]),
    (general_map, [0.5445187008, 0.6601671634, 0.4113507776]),
]
OUTER = {
    "rbf": {"gamma": 0.5},
    "linear": {},
    "matern": {"gamma": 0.5},
    "rational_quadratic": {"gamma": 0.5},
}


@pytest.mark.parametrize(("circuit", "expected"), KNOWN)
def test_known_values(circuit, expected):
    matrix = ProjectedKernel(circuit(), gamma=0.5).evaluate(POINTS)
    assert_allclose(matrix[PAIRS], expected, atol=5e-11)  # half a unit of the last of ten digits
    assert_array_equal(np.diagonal(matrix), 1)
    assert_array_equal(matrix, matrix.T)


def features_of(rows: np.ndarray, num_qubits: int = 3) -> np.ndarray:
    """Bloch vectors of the general map from Qiskit, divided by √2: their squared distances are Σ ‖ρ - ρ'‖²_F."""
    states = [DensityMatrix(general_map().assign_parameters(row)) for row in rows]
    paulis = [Pauli("I" * (num_qubits - 1 - qubit) + letter + "I" * qubit) for qubit in range(3) for letter in "XYZ"]
    return np.array([[state.expectation_value(pauli).real for pauli in paulis] for state in states]) / np.sqrt(2)


@pytest.mark.parametrize(
    ("outer", "theirs"),
    [
        ("rbf", RBF(1.0)),
        ("matern", Matern(1.0, nu=1.5)),
        ("rational_quadratic", RationalQuadratic(1.0, alpha=1.0)),
        (Matern(0.7, nu=2.5), Matern(0.7, nu=2.5)),
        (2.0 * DotProduct(0.5) + RBF(0.4), 2.0 * DotProduct(0.5) + RBF(0.4)),
    ],
)
def test_outer_kernels_are_scikit_learns_of_the_features(outer, theirs):
    settings = {"gamma": 0.5} if isinstance(outer, str) else {}  # γ = 1/(2l²) with l = 1
    kernel = ProjectedKernel(general_map(), outer=outer, **settings)
    rows, columns = features_of(POINTS), features_of(POINTS[:2] + 0.1)
    assert_allclose(kernel.evaluate(POINTS), theirs(rows), atol=1e-7 if outer == "matern" else 1e-12)  # √ of rounding
    assert_allclose(kernel.evaluate(POINTS, POINTS[:2] + 0.1), theirs(rows, columns), atol=1e-12)


def test_linear_kernel_is_the_sum_of_overlaps_of_reduced_states():
    expected = 1.5 + features_of(POINTS) @ features_of(POINTS).T  # Tr ρρ' = ½(1 + a·b) for each of three qubits
    assert_allclose(ProjectedKernel(general_map(), outer="linear").evaluate(POINTS), expected, atol=1e-12)


@pytest.mark.parametrize("patches", ["single", "all_pairs", [(0, 2)]])
@pytest.mark.parametrize("outer", [*OUTER, RBF(1.3)], ids=str)
def test_exact_matrices_are_symmetric_and_positive_semi_definite(outer, patches):
    settings = OUTER.get(outer, {}) if isinstance(outer, str) else {}
    samples = np.random.default_rng(1).uniform(-3, 3, (10, 3))
    kernel = ProjectedKernel(ZZFeatureMap(), patches=patches, outer=outer, **settings)
    matrix = kernel.evaluate(samples)
    assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix)[0] > -1e-12
    assert_allclose(kernel.evaluate(samples, samples[:4]), matrix[:, :4], atol=1e-12)


@pytest.mark.parametrize("outer", [*OUTER, RBF(1.3)], ids=str)
def test_measured_matrices_are_symmetric_to_the_last_digit(outer):
    settings = OUTER.get(outer, {}) if isinstance(outer, str) else {}
    samples = np.random.default_rng(1).uniform(-3, 3, (9, 3))
    kernel = ProjectedKernel(ZZFeatureMap(), outer=outer, connection=connect(shots=30, seed=1), **settings)
    estimate = kernel.evaluate_with_errors(samples)
    assert_array_equal(estimate.matrix, estimate.matrix.T)
    assert_allclose(estimate.standard_errors, estimate.standard_errors.T, rtol=1e-12)
    cross = kernel.evaluate_with_errors(samples, samples[:4])
    assert_allclose(cross.matrix, estimate.matrix[:, :4], rtol=1e-12)
    assert_allclose(cross.standard_errors, estimate.standard_errors[:, :4], rtol=1e-9, atol=1e-15)


def drawn(outer, patches, *, shots, seeds, circuit=general_map, debias=True, samples=POINTS):
    """Exact entries, and estimates with their errors of many runs."""
    settings = OUTER.get(outer, {}) if isinstance(outer, str) else {}
    kernel = ProjectedKernel(circuit(), patches=patches, outer=outer, debias=debias, **settings)
    runs = [kernel.with_connection(connect(shots=shots, seed=seed)).evaluate_with_errors(samples) for seed in seeds]
    entries = np.triu_indices(len(samples), 0 if outer == "linear" else 1)
    errors = np.array([run.standard_errors[entries] for run in runs])
    return kernel.evaluate(samples)[entries], np.array([run.raw[entries] for run in runs]), errors


@pytest.mark.parametrize("patches", ["single", "all_pairs"])
@pytest.mark.parametrize("outer", ["rbf", "linear"])
def test_estimates_are_unbiased_with_true_standard_errors(outer, patches):
    exact, values, errors = drawn(outer, patches, shots=60, seeds=range(120))
    # 4 standard errors of a mean of 120 runs: false alarm 6e-5 for each of at most 6 entries; fixed seeds
    assert np.all(np.abs(values.mean(axis=0) - exact) < 4 * values.std(axis=0) / np.sqrt(len(values)))
    # the spread of 120 runs has a relative standard error of 6.5 %; 4 of them
    assert_allclose(np.sqrt((errors**2).mean(axis=0)) / values.std(axis=0), 1, atol=0.26)
    within = np.abs(values - exact) < 2 * errors
    assert within.mean() > 0.92  # 95 % for a normal law; the mean over correlated entries of 120 runs


def test_the_plain_square_is_biased_and_its_matrix_positive_semi_definite():
    exact, values, _ = drawn("rbf", "single", shots=60, seeds=range(60), debias=False)
    # three qubits, three axes: distances are too large by up to ½ · 9 · 2/60 = 0.15, and entries too small
    assert np.all(values.mean(axis=0) < exact - 0.01)
    kernel = ProjectedKernel(general_map(), gamma=2.0, debias=False, connection=connect(shots=5, seed=1))
    assert np.linalg.eigvalsh(kernel.evaluate(np.random.default_rng(0).uniform(-2, 2, (8, 3))))[0] > -1e-12


def spread_out() -> QuantumCircuit:
    """A state whose qubits all read the same: cos|0…0⟩ + sin|1…1⟩, its outcomes in Z as correlated as can be."""
    x, circuit = ParameterVector("x", 1), QuantumCircuit(5)
    circuit.ry(x[0], 0)
    for qubit in range(4):
        circuit.cx(qubit, qubit + 1)
    return circuit


def test_errors_know_that_outcomes_of_one_shot_are_correlated():
    """Without covariances they would be too small by √5."""
    samples = np.array([[0.6], [1.9]])
    _, values, errors = drawn("linear", "single", shots=200, seeds=range(120), circuit=spread_out, samples=samples)
    assert_allclose(np.sqrt((errors**2).mean(axis=0)) / values.std(axis=0), 1, atol=0.26)


@pytest.mark.parametrize("outer", ["matern", "rational_quadratic", Matern(1.0, nu=2.5)], ids=str)
def test_other_outer_kernels_are_within_their_errors(outer):
    exact, values, errors = drawn(outer, "single", shots=800, seeds=range(40))
    # biases of these are of the order of the variance of a distance, far below the error of one run
    assert np.all(np.abs(values - exact) < 5 * errors)
    assert_allclose(np.sqrt((errors**2).mean(axis=0)) / values.std(axis=0), 1, atol=0.45)  # 11 %, and 9 % of draws


def noisy() -> NoiseModel:
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.08, 2), ["cx", "rzz", "cz"])
    return noise


@pytest.mark.parametrize("patches", ["single", "all_pairs"])
def test_noisy_states_are_compared_as_they_are(patches):
    """Depolarising noise on a CX gate makes of each sample a mixed state that Qiskit's DensityMatrix knows."""
    x, circuit = ParameterVector("x", 2), QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.ry(x[1], 1)
    circuit.cx(0, 1)
    samples = np.array([[0.4, 1.1], [1.7, -0.6], [0.2, 2.2]])
    states = []
    for row in samples:
        pure = DensityMatrix(circuit.assign_parameters(row))
        # depolarizing_error(p) leaves the state with 1 - p and makes it I/4 with p
        states.append(DensityMatrix(0.92 * pure.data + 0.08 * np.eye(4) / 4))
    letters = [a + b for a in "IXYZ" for b in "IXYZ"][1:]
    if patches == "single":
        letters = [word for word in letters if "I" in word]
    weight = 0.5 if patches == "single" else 0.25
    vectors = np.array([[state.expectation_value(Pauli(word)).real for word in letters] for state in states])
    expected = np.exp(-0.5 * weight * np.sum((vectors[:, None] - vectors[None]) ** 2, axis=-1))
    connection = connect("aer", shots=4000, seed=3, noise_model=noisy())
    found = ProjectedKernel(circuit, patches=patches, gamma=0.5, connection=connection).evaluate_with_errors(samples)
    pairs = np.triu_indices(3, 1)
    # false alarm about 3 · 6e-5; fixed seed; without noise the entries differ by more than that
    assert np.all(np.abs(found.matrix - expected)[pairs] < 4 * found.standard_errors[pairs])
    pure = ProjectedKernel(circuit, patches=patches, gamma=0.5).evaluate(samples)
    assert np.any(np.abs(found.matrix - pure)[pairs] > 4 * found.standard_errors[pairs])


def test_nothing_runs_twice_for_any_kernel_of_the_same_states():
    connection = connect("aer", shots=40, seed=1)
    kernel = ProjectedKernel(ZZFeatureMap(), gamma=0.5, connection=connection)
    first = kernel.evaluate(SAMPLES[:5])
    assert connection.usage.circuits == 5 * 3
    assert connection.usage.jobs == 1
    assert_array_equal(clone(kernel).evaluate(SAMPLES[[3, 1, 1]]), first[np.ix_([3, 1, 1], [3, 1, 1])])
    kernel.evaluate(SAMPLES, SAMPLES[:5])
    assert connection.usage.circuits == 8 * 3, "only the samples that are new"
    ProjectedKernel(ZZFeatureMap(), outer="linear", connection=connection).evaluate(SAMPLES)
    LocalKernel(ZZFeatureMap(), patches="single", connection=connection).evaluate(SAMPLES)
    assert connection.usage.circuits == 8 * 3
    ProjectedKernel(ZZFeatureMap(), patches="all_pairs", gamma=0.5, connection=connection).evaluate(SAMPLES)
    # nine settings, of which three are those of single qubits
    assert connection.usage.circuits == 8 * 9


@pytest.mark.parametrize("name", ["exact", "aer"])
def test_a_grid_search_measures_each_sample_once(name):
    connection = connect(name, shots=30, seed=2)
    search = GridSearchCV(
        QuantumSVC(ProjectedKernel(AngleFeatureMap(), connection=connection)),
        {"C": [0.1, 1.0], "kernel__gamma": [1, 2]},
        cv=2,
    )
    search.fit(SAMPLES, LABELS)
    assert connection.usage.circuits == 8 * 3


def test_threads_measure_each_sample_once():
    connection = connect("aer", shots=20)
    matrices = in_threads(
        *[lambda: ProjectedKernel(ZZFeatureMap(), gamma=1.0, connection=connection).evaluate(SAMPLES)] * 6
    )
    assert connection.usage.circuits == 8 * 3
    for matrix in matrices:
        assert_array_equal(matrix, matrices[0])


def test_a_journal_keeps_the_outcomes_for_another_process(tmp_path):
    first = connect("aer", shots=30, seed=1, journal=tmp_path / "run.journal")
    matrix = ProjectedKernel(ZZFeatureMap(), gamma=0.5, connection=first).evaluate(SAMPLES)
    again = connect("aer", shots=30, seed=1, journal=tmp_path / "run.journal")
    kernel = ProjectedKernel(ZZFeatureMap(), gamma=0.5, connection=again)
    assert kernel.plan(SAMPLES).in_journal == 24
    assert_array_equal(kernel.evaluate(SAMPLES), matrix)
    assert again.usage.shots == 0


def test_a_fake_device_runs_it_and_its_plan_says_what_it_takes():
    connection = connect("fake_manila", shots=60, seed=1)
    kernel = ProjectedKernel(ZZFeatureMap(reps=1), gamma=0.5, connection=connection)
    plan = kernel.plan(SAMPLES[:3], SAMPLES[2:4], entries=(0.5, 0.04))
    assert (plan.circuits, plan.shots, plan.jobs) == (4 * 3, 60, 1)
    assert plan.advice[:2] == ("Each sample is measured in 3 settings.", "Entries vary by 0.2 from pair to pair.")
    estimate = kernel.evaluate_with_errors(SAMPLES[:3])
    assert (estimate.shots, estimate.target, estimate.synthesis_error) == (60, connection.target_name, 0.0)
    assert kernel.plan(SAMPLES[:3]).circuits == 0
    assert estimate.standard_errors[0, 1] > 0
    assert estimate.standard_errors[0, 0] == 0
    with pytest.raises(ValueError, match="An exact kernel runs no circuits"):
        kernel.exact_copy().plan(SAMPLES)


def test_copies_side_by_side_and_a_map_on_the_devices_own_qubits():
    samples = SAMPLES[:4]
    exact = ProjectedKernel(ZZFeatureMap(reps=1), gamma=0.5).evaluate(samples)
    packed = connect("fake_manila", shots=400, seed=1, packing=2)
    found = ProjectedKernel(ZZFeatureMap(reps=1), gamma=0.5, connection=packed).evaluate(samples)
    assert packed.usage.circuits == 4 * 3 // 2
    assert_allclose(found, exact, atol=0.2)  # errors of the device, and 400 shots
    backend = FakeManilaV2()
    isa = transpile(ZZFeatureMap(reps=1).build(2), backend, initial_layout=[3, 2], seed_transpiler=1)
    connection = connect(backend, shots=400, seed=1)
    kernel = ProjectedKernel(isa, gamma=0.5, connection=connection)
    assert connection.is_isa(kernel.circuit(2))
    assert kernel.features(samples).paulis == ("X2", "Y2", "Z2", "X3", "Y3", "Z3")
    assert_allclose(kernel.evaluate(samples), exact, atol=0.2)
    assert_allclose(kernel.exact_copy().evaluate(samples), exact, atol=1e-12)


def test_evolution_that_a_device_approximates_is_said():
    gate = PauliEvolutionGate(SparsePauliOp(["XX", "ZI"]), time=ParameterVector("t", 1)[0])
    circuit = QuantumCircuit(2)
    circuit.ry(0.4, 0)
    circuit.append(gate, [0, 1])
    kernel = ProjectedKernel(circuit, gamma=0.5, connection=connect("fake_manila", shots=20, seed=1))
    with pytest.warns(ApproximateCircuitWarning, match="product formula"):
        estimate = kernel.evaluate_with_errors([[0.5], [1.0]])
    assert 1e-4 < estimate.synthesis_error < 1


def test_it_has_the_abilities_of_a_kernel_and_is_cloned_and_pickled():
    kernel = ProjectedKernel(ZZFeatureMap(), patches="all_pairs", gamma=0.7, outer=Matern(nu=2.5))
    assert all(isinstance(kernel, ability) for ability in (ChangesTarget, PlansRuns, StatesErrors))
    copy = clone(kernel).set_params(feature_map__bandwidth=0.3, outer__nu=0.5, gamma="median")
    assert (kernel.feature_map.bandwidth, kernel.outer.nu, copy.outer.nu) == (1.0, 2.5, 0.5)
    numbered = clone(kernel).set_params(outer="rbf")
    assert_array_equal(pickle.loads(pickle.dumps(numbered)).evaluate(SAMPLES), numbered.evaluate(SAMPLES))
    assert kernel.num_qubits(3) == 3
    assert kernel.num_settings(2) == 9
    circuit = kernel.with_connection(connect("aer", shots=10)).circuit(2)
    assert (circuit.num_clbits, circuit.num_parameters) == (2, 2 + 2 * 2)
    moved = numbered.with_connection(connect("aer", shots=10, seed=1))
    assert moved.evaluate_with_errors(SAMPLES).shots == 10
    assert_array_equal(moved.exact_copy().evaluate(SAMPLES), numbered.evaluate(SAMPLES))


def test_a_sampler_of_the_users_own():
    kernel = ProjectedKernel(AngleFeatureMap(), gamma=0.5, sampler=StatevectorSampler(default_shots=3000, seed=1))
    estimate, exact = kernel.evaluate_with_errors(SAMPLES), ProjectedKernel(AngleFeatureMap(), gamma=0.5)
    assert estimate.shots == 3000
    # 28 entries, false alarm about 28 · 6e-5; fixed seed
    assert np.all(np.abs(estimate.matrix - exact.evaluate(SAMPLES)) <= 4 * estimate.standard_errors)


@pytest.mark.parametrize("settings", [{"gamma": 0.5}, {}, {"outer": "linear"}, {"outer": RBF(1.0)}], ids=str)
def test_a_plan_says_the_noise_beside_the_spread_of_entries(settings):
    kernel = ProjectedKernel(general_map(), connection=connect(shots=300, seed=3), **settings)
    rows = np.random.default_rng(2).uniform(-2, 2, (12, 3))
    settings_said, spread, noise = kernel.plan(rows).advice
    assert kernel.connection.usage.circuits == 0
    pairs = np.triu_indices(12, 1)
    found = kernel.evaluate_with_errors(rows)
    exact = ProjectedKernel(general_map(), **settings).evaluate(rows)
    assert settings_said == "Each sample is measured in 3 settings."
    assert spread == f"Entries vary by {np.std(exact[pairs]):.3g} from pair to pair."
    said = float(noise.rpartition("about ")[2].rstrip("."))
    # without covariances, and to two digits
    assert said == pytest.approx(np.sqrt(np.mean(found.standard_errors[pairs] ** 2)), rel=0.3)


class TestMedian:
    """The bandwidth that data say is one for training and test data, or an error."""

    def test_it_is_one_over_the_median_of_squared_distances(self):
        kernel = ProjectedKernel(general_map())
        matrix = kernel.evaluate(np.concatenate([POINTS, POINTS[:1]]))  # a sample twice counts once
        distances = np.sum((features_of(POINTS)[:, None] - features_of(POINTS)[None]) ** 2, axis=-1)[PAIRS]
        assert kernel.gamma_ == pytest.approx(1 / np.median(distances))
        assert_allclose(matrix[:3, :3][PAIRS], np.exp(-distances / np.median(distances)), atol=1e-12)

    @pytest.mark.parametrize("model", [SVC, QuantumSVC])
    def test_a_machine_trains_and_predicts_with_one_bandwidth(self, model):
        train, test = SAMPLES[:5], SAMPLES[5:]
        machine = model(kernel=ProjectedKernel(ZZFeatureMap()), tol=1e-8).fit(train, LABELS[:5])
        fixed = ProjectedKernel(ZZFeatureMap()).fit(train)
        number = ProjectedKernel(ZZFeatureMap(), gamma=fixed.gamma_)
        expected = SVC(kernel="precomputed", tol=1e-8).fit(number.evaluate(train), LABELS[:5])
        assert_allclose(
            machine.decision_function(test), expected.decision_function(number.evaluate(test, train)), atol=1e-6
        )

    def test_cross_validation_takes_the_median_of_each_training_set(self):
        scores = cross_val_score(SVC(kernel=ProjectedKernel(ZZFeatureMap())), SAMPLES, LABELS, cv=2)
        assert np.isfinite(scores).all()

    def test_test_data_do_not_change_it(self):
        kernel = ProjectedKernel(ZZFeatureMap())
        kernel.evaluate(SAMPLES[:5])
        found = kernel.gamma_
        cross = kernel.evaluate(SAMPLES[5:], SAMPLES[:5])
        number = ProjectedKernel(ZZFeatureMap(), gamma=found)
        assert_array_equal(cross, number.evaluate(SAMPLES[5:], SAMPLES[:5]))
        assert_array_equal(kernel.evaluate(SAMPLES[1:3]), number.evaluate(SAMPLES[1:3]))  # part of the same data

    def test_what_would_be_another_bandwidth_is_refused(self):
        kernel = ProjectedKernel(ZZFeatureMap())
        with pytest.raises(ValueError, match="not taken of any samples yet"):
            kernel.evaluate(SAMPLES[5:], SAMPLES[:5])
        kernel.evaluate(SAMPLES[:5])
        with pytest.raises(ValueError, match=r"taken of other samples .* Call fit"):
            kernel.evaluate(SAMPLES[5:])
        kernel.set_params(feature_map__bandwidth=0.2)
        with pytest.raises(ValueError, match="settings were changed since"):
            kernel.evaluate(SAMPLES[5:], SAMPLES[:5])
        before = ProjectedKernel(ZZFeatureMap(bandwidth=0.2))
        assert_array_equal(kernel.evaluate(SAMPLES[:5]), before.evaluate(SAMPLES[:5]))

    def test_fit_fixes_it_for_whatever_comes(self):
        kernel = ProjectedKernel(ZZFeatureMap()).fit(SAMPLES, LABELS)
        number = ProjectedKernel(ZZFeatureMap(), gamma=kernel.gamma_)
        assert_array_equal(kernel.evaluate(POINTS[:, :2]), number.evaluate(POINTS[:, :2]))
        assert_array_equal(pickle.loads(pickle.dumps(kernel)).evaluate(POINTS[:, :2]), kernel.evaluate(POINTS[:, :2]))
        with pytest.raises(ValueError, match="taken of other settings"):
            kernel.set_params(patches="all_pairs").evaluate(SAMPLES)

    def test_a_clone_starts_anew_and_another_target_does_not(self):
        kernel = ProjectedKernel(ZZFeatureMap()).fit(SAMPLES[:5])
        with pytest.raises(AttributeError, match="not taken of any samples yet"):
            _ = clone(kernel).gamma_
        assert kernel.with_connection(connect("aer", shots=20, seed=1)).gamma_ == kernel.gamma_
        assert kernel.exact_copy().gamma_ == kernel.gamma_
        assert ProjectedKernel(gamma=0.3).gamma_ == 0.3

    def test_threads_with_other_data_get_an_error_and_not_another_bandwidth(self):
        kernel = ProjectedKernel(ZZFeatureMap())
        ends = in_threads(*[lambda part=part: kernel.evaluate(SAMPLES[part]) for part in ([0, 1, 2], [3, 4, 5])] * 3)
        good = [end for end in ends if isinstance(end, np.ndarray)]
        assert len(good) == 3
        assert all(isinstance(end, ValueError) for end in ends if not isinstance(end, np.ndarray))
        assert all(np.array_equal(end, good[0]) for end in good)

    def test_data_without_a_median_are_refused(self):
        with pytest.raises(ValueError, match="at least two different samples"):
            ProjectedKernel(ZZFeatureMap()).evaluate(SAMPLES[[0, 0]])
        circuit = QuantumCircuit(1)
        circuit.rz(ParameterVector("x", 1)[0], 0)  # of |0⟩: one state for all, up to rounding
        with pytest.raises(ValueError, match="positive median"):
            ProjectedKernel(circuit).evaluate(SAMPLES[:, :1])


class TestFeatures:
    def test_features_come_with_their_errors(self):
        exact = ProjectedKernel(general_map()).features(POINTS)
        assert exact.standard_errors is None
        assert_allclose(exact.values, features_of(POINTS) * np.sqrt(2), atol=1e-12)
        found = ProjectedKernel(general_map(), connection=connect(shots=2000, seed=5)).features(POINTS)
        assert (found.shots, found.paulis) == (2000, exact.paulis)
        # 27 values, false alarm about 27 · 6e-5; fixed seed
        assert np.all(np.abs(found.values - exact.values) < 4 * found.standard_errors)
        pairs = ProjectedKernel(general_map(), patches=[(0, 2)], connection=connect(shots=100, seed=5)).features(POINTS)
        assert pairs.shots == 100
        assert len(pairs.paulis) == 15
        assert "X0 Y2" in pairs.paulis

    def test_measured_features_give_the_kernel_of_their_states(self):
        inside = ProjectedKernel(general_map(), connection=connect(shots=500, seed=5))
        values = inside.features(POINTS).values
        kernel = ProjectedKernel.from_features(values, shots=500)
        assert_allclose(
            kernel.evaluate(values), inside.evaluate(POINTS), rtol=0.02
        )  # variances, and so the correction, differ
        assert kernel.gamma_ == pytest.approx(
            ProjectedKernel(general_map(), connection=inside.connection).fit(POINTS).gamma_
        )
        other = values + 0.01 * (values < 0)
        assert kernel.evaluate(other, values).shape == (3, 3)
        estimate = kernel.evaluate_with_errors(values)
        assert (estimate.shots, estimate.target) == (500, "data")
        assert estimate.standard_errors[0, 1] > 0

    def test_exact_features_give_the_exact_kernel(self):
        values = ProjectedKernel(general_map()).features(POINTS).values
        for outer, settings in OUTER.items():
            expected = ProjectedKernel(general_map(), outer=outer, **settings).evaluate(POINTS)
            found = ProjectedKernel.from_features(values, outer=outer, **settings).evaluate(values)
            assert_allclose(found, expected, atol=1e-12)

    def test_what_are_no_bloch_vectors_is_refused(self):
        with pytest.raises(ValueError, match="three columns for each qubit"):
            ProjectedKernel.from_features(np.zeros((3, 4)))
        with pytest.raises(ValueError, match=r"from -1 to 1 where shots are given, but 1\.2"):
            ProjectedKernel.from_features([[0, 0, 1.2], [0, 0, 1]], shots=100)
        with pytest.raises(ValueError, match="shots must be at least 2"):
            ProjectedKernel.from_features([[0, 0, 1.0], [0, 1, 0]], shots=1)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"outer": "laplacian"}, ValueError, "outer must be one of 'rbf', .*'laplacian' came"),
        ({"outer": 3}, TypeError, "outer must be one of 'rbf'"),
        ({"outer": RBF}, TypeError, "outer must be one of 'rbf'"),
        ({"gamma": 0}, ValueError, "gamma must be above 0"),
        ({"gamma": "mean"}, ValueError, "gamma must be a positive number or 'median'"),
        ({"gamma": None}, TypeError, "gamma must be a number"),
        ({"outer": "linear", "gamma": 0.5}, ValueError, "gamma=0.5 means nothing for outer='linear'"),
        ({"patches": "triples"}, ValueError, "patches must be one of"),
        ({"debias": "yes"}, TypeError, "debias must be True or False"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_before_anything_runs(settings, error, words):
    connection = connect("aer", shots=20)
    with pytest.raises(error, match=words):
        ProjectedKernel(
            ZZFeatureMap(), connection=connection, **{"gamma": 1.0, **settings} if "outer" not in settings else settings
        ).evaluate(SAMPLES)
    assert connection.usage.circuits == 0


def test_bad_data_and_a_single_shot_are_refused_before_anything_runs():
    connection = connect("aer", shots=1)
    with pytest.raises(ValueError, match="One shot says nothing of its own noise"):
        ProjectedKernel(ZZFeatureMap(), gamma=1.0, connection=connection).evaluate(SAMPLES)
    with pytest.raises(ValueError, match="x_vec has the value nan"):
        ProjectedKernel(ZZFeatureMap(), gamma=1.0).evaluate([[np.nan, 1.0]])
    with pytest.raises(ValueError, match="data have 2 columns but the feature map encodes 3"):
        ProjectedKernel(general_map(), gamma=1.0).evaluate(SAMPLES)
    with pytest.raises(ValueError, match="takes 3\\^5 = 243 settings"):
        ProjectedKernel(ZZFeatureMap(), patches="all", gamma=1.0, connection=connect("aer")).evaluate(np.ones((2, 5)))
    assert connection.usage.circuits == 0


# --- what is positive semi-definite ----------------------------------------------------------------------------------

DEFINITE = [RBF(0.7), Matern(nu=0.8), RationalQuadratic(alpha=0.3), DotProduct(), WhiteKernel(), ConstantKernel(2.0)]
DEFINITE += [PairwiseKernel(metric=metric) for metric in ("linear", "cosine", "rbf", "laplacian")]
DEFINITE += [RBF() ** 2 * DotProduct(0.0) + WhiteKernel(0.1), (RBF() + ConstantKernel()) ** 3.0]
INDEFINITE = [
    ExpSineSquared(),
    RBF(10.0) * ExpSineSquared(),
    ExpSineSquared() + ConstantKernel(1e-3),
    PairwiseKernel(metric="sigmoid"),
    PairwiseKernel(metric=lambda one, other, gamma: -np.abs(one - other).sum()),
    ConstantKernel(-1.0),
    DotProduct(1.0) ** 0.3,
]


@pytest.mark.parametrize("outer", [*OUTER, *DEFINITE], ids=str)
def test_outer_kernels_that_are_said_to_be_definite_are(outer):
    vectors = np.random.default_rng(1).normal(size=(14, 2))
    kernel = ProjectedKernel(ZZFeatureMap(), outer=outer)
    assert kernel.is_positive_semidefinite is True
    assert np.linalg.eigvalsh(kernel.evaluate(vectors))[0] > -1e-12  # 14 eps of entries up to 64
    assert ProjectedKernel.from_features(np.eye(3), outer=outer).is_positive_semidefinite is True


@pytest.mark.parametrize("outer", INDEFINITE, ids=lambda outer: type(outer).__name__)
def test_outer_kernels_that_are_not_definite_are_not_said_to_be(outer):
    kernel = ProjectedKernel(ZZFeatureMap(), outer=outer)
    assert kernel.is_positive_semidefinite is None
    matrix = kernel.evaluate(np.random.default_rng(1).normal(size=(14, 2)))
    assert np.linalg.eigvalsh(matrix)[0] < -1e-3
