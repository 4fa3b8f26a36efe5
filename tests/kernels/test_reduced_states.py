"""Reduced states: which qubits, which Paulis, which settings, and their values against Qiskit's partial traces."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import BitArray
from qiskit.quantum_info import Statevector, partial_trace

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.exceptions import StateTooLargeError
from qiskit_qml_ext.kernels import ProjectedKernel
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.reduced_states.exact_projections import exact_values
from qiskit_qml_ext.kernels.reduced_states.local_circuit import local_circuit_on, pauli_turns, turns
from qiskit_qml_ext.kernels.reduced_states.outcomes import LocalOutcomes, _counted
from qiskit_qml_ext.kernels.reduced_states.patches import patches_of, scales_of
from qiskit_qml_ext.kernels.reduced_states.paulis import pauli_table
from qiskit_qml_ext.kernels.reduced_states.projections import covariance_matrix
from qiskit_qml_ext.kernels.reduced_states.settings import covering_settings
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(2).uniform(-2, 2, (5, 4))
PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def two_groups() -> QuantumCircuit:
    """Qubits 0 and 3 interact, 1 and 4 do, 2 is idle: two groups whose qubits are not in a row."""
    x = ParameterVector("x", 4)
    circuit = QuantumCircuit(5)
    for place, qubit in enumerate((0, 1, 3, 4)):
        circuit.ry(x[place], qubit)
        circuit.rz(0.3 + x[place], qubit)
    circuit.cx(0, 3)
    circuit.rzz(x[1], 1, 4)
    circuit.rx(x[3], 4)
    return circuit


def expectation(circuit: QuantumCircuit, row: np.ndarray, pauli: np.ndarray, qubits: list[int]) -> float:
    """⟨P⟩ from Qiskit's reduced density matrix, P as a Kronecker product written by hand."""
    state = Statevector(circuit.assign_parameters(row))
    support = [qubit for qubit, letter in zip(qubits, pauli, strict=True) if letter]
    reduced = partial_trace(state, [q for q in range(circuit.num_qubits) if q not in support]).data
    operator = np.eye(1)
    for letter in reversed([letter for letter in pauli if letter]):  # the first qubit is the rightmost factor
        operator = np.kron(operator, PAULIS[letter])
    return float(np.trace(reduced @ operator).real)


@pytest.mark.parametrize("patches", ["single", "disjoint_pairs", "all_pairs", [(0, 4, 3)], [(0, 1, 3, 4)]])
def test_exact_values_are_those_of_reduced_density_matrices(patches):
    circuit, qubits = two_groups(), [0, 1, 3, 4]
    encoding = Encoding(circuit)
    table = pauli_table(patches_of(patches, qubits), len(qubits))
    values = exact_values(connect(), encoding.factors, table, X)
    expected = [[expectation(circuit, row, pauli, qubits) for pauli in table.paulis] for row in X]
    assert len(encoding.factors) == 2
    assert_allclose(values, expected, atol=1e-12)  # sums of 32 products of unit-norm amplitudes


def test_values_do_not_depend_on_the_memory_that_is_allowed():
    whole = ProjectedKernel(ZZFeatureMap(reps=1), patches="all_pairs", gamma=0.5)
    little = ProjectedKernel(
        ZZFeatureMap(reps=1), patches="all_pairs", gamma=0.5, connection=connect(max_memory=100_000)
    )
    assert_allclose(little.evaluate(X), whole.evaluate(X), atol=1e-13)
    with pytest.raises(StateTooLargeError):
        ProjectedKernel(ZZFeatureMap(), gamma=1.0, connection=connect(max_memory=40)).evaluate(X)


def test_a_product_map_is_simulated_qubit_by_qubit_however_wide():
    x = np.random.default_rng(0).uniform(-1, 1, (3, 60))
    features = ProjectedKernel(AngleFeatureMap("y")).features(x)
    assert_allclose(features.values[:, 0::3], np.sin(x), atol=1e-12)  # RY(x)|0⟩ has ⟨X⟩ = sin x, ⟨Z⟩ = cos x
    assert_allclose(features.values[:, 1::3], 0, atol=1e-12)
    assert_allclose(features.values[:, 2::3], np.cos(x), atol=1e-12)
    assert features.paulis[:4] == ("X0", "Y0", "Z0", "X1")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("single", [(0,), (1,), (2,), (3,), (4,)]),
        ("disjoint_pairs", [(0, 1), (2, 3)]),
        ("neighbour_pairs", [(0, 1), (1, 2), (2, 3), (3, 4)]),
        ("all_pairs", list(combinations(range(5), 2))),
        ("all", [(0, 1, 2, 3, 4)]),
    ],
)
def test_words_for_patches(word, expected):
    assert list(patches_of(word, [2, 3, 5, 6, 9])) == expected


def test_lists_of_patches_name_the_circuits_own_qubits():
    assert patches_of([(9, 2), [5]], [2, 5, 9]) == ((0, 2), (1,))
    assert patches_of(np.array([[2, 5]]), [2, 5, 9]) == ((0, 1),)
    assert scales_of("single", [2, 5]) == (((0,), (1,)),)
    assert scales_of([(2, 5)], [2, 5]) == (((0, 1),),)
    assert scales_of(["single", [(2, 5)], "all"], [2, 5]) == (((0,), (1,)), ((0, 1),), ((0, 1),))


@pytest.mark.parametrize(
    ("patches", "error", "words"),
    [
        ("triples", ValueError, "patches must be one of 'single', .*'triples' came"),
        (3, TypeError, "patches must be one of 'single', .* 3"),
        ([], ValueError, "patches is empty"),
        ([0, 1], TypeError, "each of patches must be a set of qubits"),
        ([(0, 0)], ValueError, "each of patches must be a set of at least one qubit, each once"),
        ([()], ValueError, "each of patches must be a set of at least one qubit"),
        ([(0, 1.5)], TypeError, "each of patches must be a set of whole numbers"),
        ([(0, 1), (1, 0)], ValueError, "different sets of qubits"),
        ([(0, 7)], ValueError, "names qubit 7, on which the circuit does not act.*acts on 0, 1, 2"),
    ],
)
def test_patches_that_cannot_be_meant_are_refused(patches, error, words):
    with pytest.raises(error, match=words):
        patches_of(patches, [0, 1, 2])


def test_words_that_need_more_qubits_and_mixed_scales_are_refused():
    with pytest.raises(ValueError, match="patches='all_pairs' needs 2 qubits, but the circuit uses 1"):
        patches_of("all_pairs", [0])
    with pytest.raises(ValueError, match="patches mixes sets of qubits with words"):
        scales_of([(0, 1), "all"], [0, 1])


@pytest.mark.parametrize("number", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("patches", ["single", "disjoint_pairs", "neighbour_pairs", "all_pairs"])
def test_settings_measure_every_pauli_of_every_patch(patches, number):
    chosen = patches_of(patches, range(number))
    settings = covering_settings(chosen, number)
    for patch in chosen:
        seen = {tuple(setting[list(patch)].tolist()) for setting in settings}
        assert seen == set(product((1, 2, 3), repeat=len(patch)))


@pytest.mark.parametrize(
    ("patches", "number", "most"),
    [
        ("single", 20, 3),
        ("disjoint_pairs", 20, 9),
        ("neighbour_pairs", 20, 9),
        ("all_pairs", 4, 9),
        # pairs of 13 columns with three values take at least 13 rows, and 27 by the linear construction
        ("all_pairs", 13, 20),
        ([(0, 1, 2), (3, 4, 5)], 6, 27),
        ([(0, 1, 2), (2, 3, 4), (4, 5)], 6, 27),
    ],
)
def test_settings_are_few(patches, number, most):
    chosen = patches_of(patches, range(number))
    settings = covering_settings(chosen, number)
    assert len(settings) <= most
    assert all(set(product((1, 2, 3), repeat=len(p))) <= set(map(tuple, settings[:, list(p)].tolist())) for p in chosen)


def test_large_patches_are_refused_with_their_cost():
    with pytest.raises(ValueError, match="A patch of 5 qubits takes 3\\^5 = 243 settings"):
        covering_settings((tuple(range(5)),), 5)
    with pytest.raises(ValueError, match=r"A patch has 9 qubits, and so 4\^9 Paulis; at most 8"):
        pauli_table((tuple(range(9)),), 9)


def test_weights_of_paulis_that_patches_share_add_up():
    table = pauli_table(((0, 1), (1, 2)), 3)
    weights = dict(zip(table.labels([0, 1, 2]), table.weights([1.0, 2.0]), strict=True))
    assert len(table.paulis) == 15 + 15 - 3  # those of qubit 1 once
    assert weights["X1"] == 0.25 * (1 + 2)
    assert (weights["Y0 Z1"], weights["Y1 Z2"]) == (0.25, 0.5)
    assert table.identity_weight([1.0, 2.0]) == 0.75


@pytest.mark.parametrize("direction", ["x", "y", "z", "tilted"])
def test_a_qubit_is_measured_along_its_direction(direction):
    """The state along n always reads 0, the opposite one always 1."""
    theta, phi = {"x": (np.pi / 2, 0), "y": (np.pi / 2, np.pi / 2), "z": (0, 0), "tilted": (1.1, -2.3)}[direction]
    angles = ParameterVector("a", 2)
    circuit = QuantumCircuit(1)
    circuit.ry(angles[0], 0)
    circuit.rz(angles[1], 0)
    connection = connect("aer", shots=50, seed=1)
    made = local_circuit_on(connection, Encoding(circuit))
    setting = turns(np.array([[theta]]), np.array([[phi]]))
    if direction != "tilted":
        assert_array_equal(setting, pauli_turns(np.array([["xyz".index(direction) + 1]])))
    samples = np.array([[theta, phi], [theta + np.pi, phi]])
    outcomes = LocalOutcomes(connection, made).of(samples, setting)
    assert [one[0].frequencies(1).tolist() for one in outcomes] == [[1, 0], [0, 1]]


@pytest.mark.parametrize("number", [3, 8, 9, 64, 70])
def test_outcomes_are_counted_and_keep_the_order_of_qubits(number):
    """Beside Qiskit's own reading of the same bytes, whose strings have the first qubit last."""
    few = np.random.default_rng(number).integers(0, 2, (6, number))
    array = BitArray.from_bool_array(few[np.random.default_rng(1).integers(0, 6, 40)], order="little")
    outcomes = _counted(array.array)
    words = ["".join(map(str, bits[::-1])) for bits in outcomes.bits(number).tolist()]
    assert dict(zip(words, outcomes.counts.tolist(), strict=True)) == array.get_counts()
    assert outcomes.shots == 40


def test_samples_that_the_circuit_does_not_tell_apart_are_one_sample():
    """Were each thought to have shots of its own, their distance would come out below 0."""
    made = replace(local_circuit_on(connect("aer"), Encoding(two_groups())), columns=np.array([0, 2]))
    samples = np.array([[0.1, 5.0, 0.2, 6.0], [0.1, 7.0, 0.2, 8.0], [0.3, 0.0, 0.2, 0.0], [-0.0, 1.0, 0.0, 0.0]])
    distinct, places = made.distinct(samples)
    assert_array_equal(distinct, [[0.1, 0, 0.2, 0], [0.3, 0, 0.2, 0], [0, 0, 0, 0]])
    assert places.tolist() == [0, 0, 1, 2]
    phase = ParameterVector("x", 2)
    circuit = QuantumCircuit(1, global_phase=phase[1])
    circuit.ry(phase[0], 0)
    kernel = ProjectedKernel(circuit, gamma=0.5, connection=connect("aer", shots=30, seed=1))
    assert kernel.evaluate([[0.4, 0.1], [1.3, 0.1]], [[0.4, 0.1], [1.3, 0.1], [0.4, 0.1]]).shape == (2, 3)


def test_forms_of_pairs_are_those_of_dense_covariance_matrices():
    samples = np.random.default_rng(3).uniform(-2, 2, (5, 4))
    kernel = ProjectedKernel(two_groups(), patches="all_pairs", gamma=0.5, connection=connect(shots=40, seed=1))
    comparison, _ = kernel.compared(samples, np.concatenate([samples[3:], samples[:1]]))
    found, vectors = comparison.forms, comparison.vectors
    scales = np.outer(comparison.scales, comparison.scales)
    dense = [covariance_matrix(comparison.projections.covariances, row) * scales for row in range(5)]
    assert all(np.linalg.eigvalsh(matrix)[0] > -1e-15 for matrix in dense)
    for row, i in enumerate(comparison.rows):
        for column, j in enumerate(comparison.columns):
            f, g, c, d = vectors[i], vectors[j], dense[i], dense[j]
            expected = {
                "own_row": f @ c @ f,
                "own_column": g @ d @ g,
                "mixed_row": f @ c @ g,
                "mixed_column": f @ d @ g,
                "other_row": g @ c @ g,
                "other_column": f @ d @ f,
                "square_row": np.sum(c * c),
                "square_column": np.sum(d * d),
            }
            for name, value in expected.items():
                form = np.broadcast_to(getattr(found, name), (5, 3))[row, column]
                assert form == pytest.approx(value, rel=1e-9, abs=1e-15), name
            assert found.overlap[row, column] >= np.sum(c * d) - 1e-15


def test_covariances_are_those_of_repeated_experiments():
    """Of estimates pooled over settings, some of which read two Paulis together and some only one of them."""
    circuit = QuantumCircuit(3)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    circuit.rx(0.4, 2)
    circuit.cx(1, 2)
    values, matrices = [], []
    for seed in range(300):
        kernel = ProjectedKernel(circuit, patches="neighbour_pairs", gamma=1.0, connection=connect(shots=40, seed=seed))
        projections, _, _ = kernel._projections(np.zeros((1, 0)), None)
        values.append(projections.values[0])
        matrices.append(covariance_matrix(projections.covariances, 0))
    found, stated = np.cov(np.transpose(values)), np.mean(matrices, axis=0)
    # a covariance of 300 runs has a standard error of about the variance over √300; the largest variance is 1/40.
    # Those that are small are stated larger, by Laplace's rule: by 2/40² at most
    assert_allclose(stated, found, atol=5 / 40 / np.sqrt(300) + 2 / 40**2)
    assert np.abs(stated - np.diag(np.diag(stated))).max() > 0.01  # and they are not all 0
