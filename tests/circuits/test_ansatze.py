"""Ansätze against Qiskit's own circuits, their symmetries, their generators and the structure of the papers."""

import itertools
import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import PermutationGate, efficient_su2, qaoa_ansatz, real_amplitudes
from qiskit.quantum_info import Operator, Pauli, SparsePauliOp, Statevector
from scipy.linalg import expm

from qiskit_qml_ext.circuits import (
    BasicEntanglerAnsatz,
    BrickwallAnsatz,
    GivensAnsatz,
    GraphEquivariantAnsatz,
    HamiltonianVariationalAnsatz,
    HardwareEfficientAnsatz,
    MERAAnsatz,
    MPSAnsatz,
    MultiAngleQAOAAnsatz,
    PermutationEquivariantAnsatz,
    QAOAAnsatz,
    QCNNAnsatz,
    RandomPauliAnsatz,
    RealAmplitudesAnsatz,
    SimplifiedTwoDesignAnsatz,
    StronglyEntanglingAnsatz,
    TreeTensorNetworkAnsatz,
)
from qiskit_qml_ext.circuits.ansatze.hamiltonian_variational import chain_bonds
from tests.circuits.catalogue import ANSATZ_CASES, label, min_width

EXACT = {"rtol": 0, "atol": 1e-12}
every_ansatz = pytest.mark.parametrize("ansatz", ANSATZ_CASES, ids=label)


def bound(ansatz, num_qubits, seed=0):
    circuit = ansatz.build(num_qubits)
    return circuit.assign_parameters(np.random.default_rng(seed).uniform(0, 2 * np.pi, circuit.num_parameters))


def unitary(ansatz, num_qubits, seed=0):
    return Operator(bound(ansatz, num_qubits, seed)).data


@every_ansatz
def test_symmetry_in_words_is_true(ansatz):
    num_qubits = max(3, min_width(ansatz))
    amplitudes = Statevector(bound(ansatz, num_qubits)).data
    if ansatz.symmetry == "real amplitudes":
        assert np.all(abs(amplitudes.imag) < 1e-14)
    elif ansatz.symmetry == "none":
        assert not ansatz.conserved_operators(num_qubits)
    else:
        assert ansatz.conserved_operators(num_qubits) or "graph" in ansatz.symmetry


@every_ansatz
def test_parameters_have_the_stated_period(ansatz):
    num_qubits = max(3, min_width(ansatz))
    circuit = ansatz.build(num_qubits)
    values = np.random.default_rng(2).uniform(0, 2 * np.pi, circuit.num_parameters)
    state = Statevector(circuit.assign_parameters(values))
    for index in range(0, len(values), max(1, len(values) // 12)):
        moved = values.copy()
        moved[index] += ansatz.parameter_period
        assert abs(state.inner(Statevector(circuit.assign_parameters(moved)))) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("entanglement", ["linear", "reverse_linear", "full", "circular", "sca", "pairwise"])
def test_hardware_efficient_ansatz_is_efficient_su2(entanglement):
    ours = HardwareEfficientAnsatz(reps=2, entanglement=entanglement).build(4)
    theirs = efficient_su2(4, reps=2, entanglement=entanglement)
    values = np.random.default_rng(0).normal(size=24)
    assert ours.assign_parameters(values) == theirs.assign_parameters(values)


def test_real_amplitudes_ansatz_is_qiskits():
    values = np.random.default_rng(0).normal(size=16)
    assert RealAmplitudesAnsatz(reps=3).build(4).assign_parameters(values) == real_amplitudes(4).assign_parameters(
        values
    )


def pairs_of(circuit, name):
    return [tuple(circuit.find_bit(q).index for q in i.qubits) for i in circuit.data if i.operation.name == name]


def test_entangling_rings_are_the_papers():
    assert pairs_of(BasicEntanglerAnsatz(reps=1).build(4), "cx") == [(0, 1), (1, 2), (2, 3), (3, 0)]
    assert pairs_of(BasicEntanglerAnsatz(reps=2).build(2), "cx") == [(0, 1), (0, 1)]
    strongly = pairs_of(StronglyEntanglingAnsatz(reps=4).build(4), "cx")
    for layer, step in enumerate((1, 2, 3, 1)):
        assert strongly[4 * layer : 4 * layer + 4] == [(q, (q + step) % 4) for q in range(4)]
    assert pairs_of(StronglyEntanglingAnsatz(reps=1).build(2), "cx") == [(0, 1), (1, 0)]
    assert pairs_of(SimplifiedTwoDesignAnsatz(reps=1).build(5), "cz") == [(0, 1), (2, 3), (1, 2), (3, 4)]


def test_su4_block_reaches_all_of_su4():
    circuit = BrickwallAnsatz(reps=1).build(2)
    values = np.random.default_rng(3).uniform(0, 2 * np.pi, 15)
    unitary_ = Operator(circuit.assign_parameters(values)).data
    tangents = []
    for index in range(15):
        moved = values.copy()
        moved[index] += np.pi  # a rotation by π more: U(θ+π) = 2 dU/dθ for a gate used once
        tangent = unitary_.conj().T @ Operator(circuit.assign_parameters(moved)).data
        tangents.append(np.concatenate([tangent.real.ravel(), tangent.imag.ravel()]))
    # 15 independent directions in the 15-dimensional algebra su(4)
    assert np.linalg.matrix_rank(np.array(tangents), tol=1e-6) == 15


def test_random_pauli_ansatz_draws_its_axes_from_the_seed():
    circuit = RandomPauliAnsatz(reps=50, seed=1).build(6)
    names = [i.operation.name for i in circuit.data if i.operation.num_qubits == 1]
    assert names[:6] == ["ry"] * 6
    assert [i.operation.params[0] for i in circuit.data[:6]] == [math.pi / 4] * 6
    # 300 draws of 3 axes: each 100 ± 8.2; 5 s.e.
    assert all(abs(names[6:].count(axis) - 100) < 41 for axis in ("rx", "ry", "rz"))
    again = RandomPauliAnsatz(reps=50, seed=1).build(6)
    assert [i.operation.name for i in again.data] == [i.operation.name for i in circuit.data]
    other = RandomPauliAnsatz(reps=50, seed=2).build(6)
    assert [i.operation.name for i in other.data] != [i.operation.name for i in circuit.data]


@pytest.mark.parametrize("weights", [None, [0.5, -1.5, 2.0, 1.0]])
def test_qaoa_is_qiskits(weights):
    edges = [(0, 1), (1, 2), (0, 2), (2, 3)]
    factors = weights or [1.0] * 4
    cost = SparsePauliOp.from_sparse_list([("ZZ", edge, w) for edge, w in zip(edges, factors, strict=True)], 4)
    theirs = qaoa_ansatz(cost, reps=2)
    beta, gamma = np.random.default_rng(4).normal(size=(2, 2))
    expected = Statevector(theirs.assign_parameters([*beta, *gamma]))
    theta = 2 * np.stack([gamma, beta], axis=1).ravel()
    actual = Statevector(QAOAAnsatz(edges, weights=weights, reps=2).build(4).assign_parameters(theta))
    np.testing.assert_allclose(actual.data, expected.data, **EXACT)


def test_multi_angle_qaoa_with_equal_angles_is_qaoa():
    edges = [(0, 1), (1, 2), (0, 2)]
    values = np.random.default_rng(5).normal(size=4)
    repeated = np.repeat(values, 3)
    expected = Statevector(QAOAAnsatz(edges, reps=2).build(3).assign_parameters(values))
    actual = Statevector(MultiAngleQAOAAnsatz(edges, reps=2).build(3).assign_parameters(repeated))
    np.testing.assert_allclose(actual.data, expected.data, **EXACT)


def test_bad_graphs_are_refused():
    with pytest.raises(ValueError, match="edges must not repeat an edge"):
        QAOAAnsatz([(0, 1), (1, 0)]).build(2)
    with pytest.raises(ValueError, match="weights must be 1 finite numbers other than 0"):
        QAOAAnsatz([(0, 1)], weights=[1.0, 2.0]).build(2)
    with pytest.raises(ValueError, match=r"but \(0, 3\)"):
        QAOAAnsatz([(0, 3)]).build(3)


def permutation(order):
    circuit = QuantumCircuit(len(order))
    circuit.append(PermutationGate(list(order)), range(len(order)))
    return Operator(circuit).data


def test_permutation_equivariant_circuit_commutes_with_every_permutation():
    matrix = unitary(PermutationEquivariantAnsatz(reps=3), 4)
    for order in itertools.permutations(range(4)):
        np.testing.assert_allclose(permutation(order) @ matrix, matrix @ permutation(order), **EXACT)


def test_relabelling_the_graph_relabels_the_qubits():
    edges, weights = [(0, 1), (1, 2), (2, 3), (1, 3)], [0.5, 1.5, -1.0, 2.0]
    matrix = unitary(GraphEquivariantAnsatz(edges, weights=weights), 4)
    for order in itertools.permutations(range(4)):
        relabelled = [(order.index(a), order.index(b)) for a, b in edges]
        moved = unitary(GraphEquivariantAnsatz(relabelled, weights=weights), 4)
        swap = permutation(order)  # takes qubit order[i] to place i
        np.testing.assert_allclose(moved, swap @ matrix @ swap.T, **EXACT)


def test_graph_equivariant_circuit_commutes_with_automorphisms_only():
    matrix = unitary(GraphEquivariantAnsatz(), 4)  # the cycle: rotations and reflections
    automorphisms = 0
    for order in itertools.permutations(range(4)):
        automorphisms += np.allclose(permutation(order) @ matrix, matrix @ permutation(order), atol=1e-12)
    assert automorphisms == 8


@pytest.mark.parametrize(("num_qubits", "num_particles"), [(1, 1), (4, None), (5, 2), (5, 0), (6, 6)])
def test_givens_circuit_conserves_the_number_of_particles(num_qubits, num_particles):
    amplitudes = Statevector(bound(GivensAnsatz(num_particles, reps=3), num_qubits)).data
    number = (num_qubits + 1) // 2 if num_particles is None else num_particles
    weights = np.array([state.bit_count() for state in range(2**num_qubits)])
    assert np.sum(abs(amplitudes[weights == number]) ** 2) == pytest.approx(1, abs=1e-12)
    assert np.all(abs(amplitudes[weights != number]) < 1e-14)
    with pytest.raises(ValueError, match="num_particles must be at most the number of qubits"):
        GivensAnsatz(num_qubits + 1).build(num_qubits)


def test_givens_rotation_is_real_and_turns_one_particle():
    circuit = GivensAnsatz(1, reps=1, phases=False).build(2)
    amplitudes = Statevector(circuit.assign_parameters([0.8])).data
    np.testing.assert_allclose(abs(amplitudes), [0, math.cos(0.4), math.sin(0.4), 0], **EXACT)
    assert np.all(abs(amplitudes.imag) < 1e-15)


def test_bonds_of_chains():
    assert chain_bonds(5, periodic=False) == [[(0, 1), (2, 3)], [(1, 2), (3, 4)]]
    assert chain_bonds(4, periodic=True) == [[(0, 1), (2, 3)], [(1, 2), (3, 0)]]
    assert chain_bonds(3, periodic=True) == [[(0, 1)], [(1, 2)], [(2, 0)]]
    assert chain_bonds(2, periodic=True) == [[(0, 1)], []]
    assert chain_bonds(1, periodic=True) == [[], []]


@pytest.mark.parametrize("model", ["tfim", "xxz", "heisenberg"])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("num_qubits", [3, 4])
def test_hamiltonian_variational_ansatz_is_the_product_of_exponentials(model, periodic, num_qubits):
    ansatz = HamiltonianVariationalAnsatz(model, reps=2, periodic=periodic, initial_state=False)
    groups = [operator.to_matrix() for operator in ansatz.generators(num_qubits)]
    values = np.random.default_rng(6).normal(size=2 * len(groups))
    expected = np.eye(2**num_qubits)
    for angle, group in zip(values, groups * 2, strict=True):
        expected = expm(-0.5j * angle * group) @ expected
    actual = Operator(ansatz.build(num_qubits).assign_parameters(values)).data
    np.testing.assert_allclose(actual, expected, **EXACT)
    bonds = sum(
        label.count("Z") == 2 for operator in ansatz.generators(num_qubits) for label in operator.paulis.to_labels()
    )
    assert bonds == num_qubits - 1 + periodic


def test_heisenberg_ansatz_keeps_the_singlets_total_spin():
    for seed in (0, 1):
        state = Statevector(bound(HamiltonianVariationalAnsatz("heisenberg", reps=3), 4, seed))
        spin = sum(SparsePauliOp.from_sparse_list([(a, [q], 0.5) for q in range(4)], 4).power(2) for a in "XYZ")
        assert state.expectation_value(spin).real == pytest.approx(0, abs=1e-12)
    start = Statevector(HamiltonianVariationalAnsatz("xxz", reps=1).build(2).assign_parameters([0.0, 0.0])).data
    np.testing.assert_allclose(start, np.array([0, 1, -1, 0]) / math.sqrt(2) * np.sign(start[1].real), **EXACT)
    with pytest.raises(ValueError, match="model must be one of 'tfim', 'xxz', 'heisenberg', but 'hubbard' came"):
        HamiltonianVariationalAnsatz("hubbard").build(3)


@pytest.mark.parametrize("num_qubits", range(2, 9))
def test_qcnn_halves_its_active_qubits_each_layer(num_qubits):
    ansatz = QCNNAnsatz()
    levels = ansatz.active_qubits(num_qubits)
    assert [len(level) for level in levels] == [math.ceil(num_qubits / 2**k) for k in range(len(levels))]
    assert levels[-1] == [num_qubits - 1]
    circuit = ansatz.build(num_qubits)
    # 17 angles a layer: gates of layer k touch only the qubits that are still active.
    for instruction in circuit.data:
        for parameter in {p for a in instruction.operation.params for p in getattr(a, "parameters", ())}:
            layer = parameter.index // 17
            assert {circuit.find_bit(q).index for q in instruction.qubits} <= set(levels[layer])
    last_use = dict.fromkeys(range(num_qubits), 0)
    for instruction in circuit.data:
        for parameter in {p for a in instruction.operation.params for p in getattr(a, "parameters", ())}:
            for qubit in instruction.qubits:
                last_use[circuit.find_bit(qubit).index] = parameter.index // 17
    for layer, (active, kept) in enumerate(itertools.pairwise(levels)):
        assert all(last_use[qubit] == layer for qubit in set(active) - set(kept))


def test_qcnn_pooling_equals_measuring_and_rotating():
    # Deferred measurement: with the pooled qubit measured to m, the kept one is rotated by R_z (m = 1) or R_x (m = 0).
    circuit = QCNNAnsatz("simple").build(2)
    values = np.random.default_rng(7).normal(size=4)
    state = Statevector(circuit.assign_parameters(values))
    convolved = QuantumCircuit(2)
    convolved.ry(values[0], 0)
    convolved.ry(values[1], 1)
    convolved.cx(0, 1)
    before = Statevector(convolved).data.reshape(2, 2)  # [qubit 1, qubit 0]
    rotations = {
        0: expm(-0.5j * values[3] * Pauli("X").to_matrix()),
        1: expm(-0.5j * values[2] * Pauli("Z").to_matrix()),
    }
    for pauli in "XYZ":
        expected = sum(
            np.vdot(rotations[m] @ before[:, m], Pauli(pauli).to_matrix() @ rotations[m] @ before[:, m]).real
            for m in (0, 1)
        )
        assert state.expectation_value(Pauli(pauli), [1]).real == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("reps", [1, 2])
def test_mps_circuit_has_bounded_bond_dimension(reps):
    amplitudes = Statevector(bound(MPSAnsatz("su4", reps=reps), 6)).data
    ranks = [
        np.count_nonzero(np.linalg.svd(amplitudes.reshape(2 ** (6 - cut), 2**cut), compute_uv=False) > 1e-12)
        for cut in range(1, 6)
    ]
    assert max(ranks) == 2**reps


def test_tensors_of_trees_and_mera():
    tree = [(0, 1), (2, 3), (4, 5), (6, 7), (1, 3), (5, 7), (3, 7)]
    assert TreeTensorNetworkAnsatz().tensors(8) == tree
    assert TreeTensorNetworkAnsatz().tensors(5) == [(0, 1), (2, 3), (1, 3), (3, 4)]
    mera = [(1, 2), (3, 4), (5, 6), *tree[:4], (3, 5), *tree[4:6], tree[6]]
    assert MERAAnsatz().tensors(8) == mera
    with pytest.raises(ValueError, match="block must be one of 'simple', 'su4', but 'u3' came"):
        MPSAnsatz("u3").build(3)
