"""Matchgate circuits against the evolution of the covariance matrix of 2n Majorana operators, at 20 qubits."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.circuits import GivensAnsatz, MatchgateAnsatz
from qiskit_qml_ext.engine import expectations


def covariance(circuit, values):
    """Evolve M_ab = ⟨-i γ_a γ_b⟩ (a ≠ b) from |0…0⟩ through R_z, R_xx and X gates.

    With γ_2j = Z…Z X_j and γ_2j+1 = Z…Z Y_j (Jordan-Wigner, strings on lower qubits): Z_j = -i γ_2j γ_2j+1 and
    X_j X_j+1 = -i γ_2j+1 γ_2j+2. So exp(-iθ/2 · (-i γ_a γ_b)) turns γ_a into cos θ γ_a - sin θ γ_b and γ_b into
    cos θ γ_b + sin θ γ_a: a rotation in so(2n), M → R M Rᵀ.
    """
    num_qubits = circuit.num_qubits
    matrix = np.kron(np.eye(num_qubits), np.array([[0.0, 1.0], [-1.0, 0.0]]))
    angles = dict(zip(circuit.parameters, values, strict=True))
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        a = 2 * qubits[0] if instruction.operation.name == "rz" else 2 * min(qubits) + 1
        theta = angles[instruction.operation.params[0]]
        turn = np.eye(2 * num_qubits)
        turn[a, a] = turn[a + 1, a + 1] = np.cos(theta)
        turn[a, a + 1], turn[a + 1, a] = -np.sin(theta), np.sin(theta)
        matrix = turn @ matrix @ turn.T
    return matrix


def wick(matrix, j, k):
    """Return ⟨Z_j Z_k⟩ by Wick's theorem."""
    a, b, c, d = 2 * j, 2 * j + 1, 2 * k, 2 * k + 1
    return matrix[a, b] * matrix[c, d] - matrix[a, c] * matrix[b, d] + matrix[a, d] * matrix[b, c]


@pytest.mark.parametrize(("num_qubits", "reps"), [(1, 2), (2, 3), (6, 4), (20, 4)])
def test_matchgate_circuit_is_a_rotation_of_majorana_operators(num_qubits, reps):
    circuit = MatchgateAnsatz(reps=reps).build(num_qubits)
    values = np.random.default_rng(num_qubits).uniform(0, 2 * np.pi, (1, circuit.num_parameters))
    matrix = covariance(circuit, values[0])
    pairs = [(j, k) for j, k in ((0, 1), (0, num_qubits - 1), (num_qubits // 2, num_qubits - 1)) if j < k < num_qubits]
    observables = [SparsePauliOp.from_sparse_list([("Z", [j], 1.0)], num_qubits) for j in range(num_qubits)]
    observables += [SparsePauliOp.from_sparse_list([("ZZ", [j, k], 1.0)], num_qubits) for j, k in pairs]
    expected = [matrix[2 * j, 2 * j + 1] for j in range(num_qubits)] + [wick(matrix, j, k) for j, k in pairs]
    np.testing.assert_allclose(expectations(circuit, values, observables)[0], expected, rtol=0, atol=1e-12)


def test_givens_circuit_is_a_rotation_of_modes():
    # One-particle amplitudes evolve by the n × n orbital rotation; ⟨n_q⟩ of k particles is Σ over the filled modes.
    num_qubits, particles = 7, 3
    ansatz = GivensAnsatz(particles, reps=3)
    circuit = ansatz.build(num_qubits)
    values = np.random.default_rng(8).uniform(0, 4 * np.pi, (1, circuit.num_parameters))
    angles = dict(zip(circuit.parameters, values[0], strict=True))
    orbitals = np.eye(num_qubits, dtype=complex)
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        if instruction.operation.name == "rz":
            orbitals[qubits[0]] *= np.exp(1j * angles[instruction.operation.params[0]])
        elif len(qubits) == 2:
            half = angles[instruction.operation.params[0]] / 2
            first, second = orbitals[qubits].copy()
            orbitals[qubits[0]] = np.cos(half) * first + np.sin(half) * second
            orbitals[qubits[1]] = np.cos(half) * second - np.sin(half) * first
    filled = [0, 2, 4]
    expected = np.sum(abs(orbitals[:, filled]) ** 2, axis=1)
    observables = [
        SparsePauliOp.from_sparse_list([("", [], 0.5), ("Z", [q], -0.5)], num_qubits) for q in range(num_qubits)
    ]
    occupations = expectations(circuit, values, observables)[0]
    assert occupations.sum() == pytest.approx(particles, abs=1e-12)
    np.testing.assert_allclose(occupations, expected, rtol=0, atol=1e-12)
