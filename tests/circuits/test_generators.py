"""The generators that ansätze state, against their gates and against the Lie algebras that are known."""

import itertools

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector

from qiskit_qml_ext.circuits import (
    BrickwallAnsatz,
    GivensAnsatz,
    HamiltonianVariationalAnsatz,
    MatchgateAnsatz,
    QAOAAnsatz,
)
from tests.circuits.catalogue import ANSATZ_CASES, label, min_width

every_ansatz = pytest.mark.parametrize("ansatz", ANSATZ_CASES, ids=label)


def gate_generators(circuit):
    """Return for each parameter the (H of exp(-iθH/2), position) of its gates, by differentiating each gate."""
    found = {}
    for position, instruction in enumerate(circuit.data):
        for parameter in {p for angle in instruction.operation.params for p in getattr(angle, "parameters", ())}:
            matrices = []
            for step in (-1e-3, 0.0, 1e-3):
                single = QuantumCircuit(circuit.num_qubits)
                single.append(instruction.operation, [circuit.find_bit(q).index for q in instruction.qubits])
                matrices.append(Operator(single.assign_parameters([0.7 + step])).data)
            # H = 2i (dU/dθ) U†; the central difference is wrong by a factor 1 - (1e-3)²·λ²/24 ≈ 1 - 4e-8.
            derivative = (matrices[2] - matrices[0]) / 2e-3
            found.setdefault(parameter, []).append((2j * derivative @ matrices[1].conj().T, position))
    return found


def is_listed(matrix, listed):
    """Tell whether the matrix is a multiple of one of the listed generators."""
    direction = matrix / np.linalg.norm(matrix)
    return any(abs(abs(np.vdot(direction, other / np.linalg.norm(other))) - 1) < 1e-6 for other in listed)


@every_ansatz
def test_every_parameter_has_a_listed_generator_and_every_listed_one_a_parameter(ansatz):
    num_qubits = max(3, min_width(ansatz))
    circuit = ansatz.build(num_qubits)
    operators = ansatz.generators(num_qubits)
    listed = [operator.to_matrix() for operator in operators]
    assert all(np.allclose(matrix, matrix.conj().T) for matrix in listed)
    used = []
    for parameter, gates in gate_generators(circuit).items():
        singles = [matrix for matrix, _ in gates]
        together = sum(singles)
        if is_listed(together, listed):
            used.append(together)
            # A sum stands for gates that act one after another and commute.
            positions = [position for _, position in gates]
            assert all(np.allclose(a @ b, b @ a, atol=1e-6) for a, b in itertools.combinations(singles, 2)), parameter
            assert positions == list(range(positions[0], positions[-1] + 1)), parameter
        else:
            assert all(is_listed(matrix, listed) for matrix in singles), parameter
            used += singles
    assert all(is_listed(matrix, used) for matrix in listed)
    for first, second in itertools.combinations(listed, 2):
        assert not np.allclose(first, second), "generators are listed once"


@every_ansatz
def test_generators_conserve_the_named_operators(ansatz):
    num_qubits = max(4, min_width(ansatz))
    circuit = ansatz.build(num_qubits)
    samples = np.random.default_rng(1).uniform(0, 2 * np.pi, (3, circuit.num_parameters))
    for conserved in ansatz.conserved_operators(num_qubits):
        for generator in ansatz.generators(num_qubits):
            commutator = (conserved @ generator - generator @ conserved).simplify()
            assert np.allclose(commutator.coeffs, 0)
        values = [
            Statevector(circuit.assign_parameters(angles)).expectation_value(conserved).real for angles in samples
        ]
        np.testing.assert_allclose(values, values[0], rtol=0, atol=1e-12)


def lie_dimension(operators):
    """Return the dimension of the real Lie algebra that i·operators generate: commutators until none is new."""
    basis, queue = [], [1j * operator.to_matrix() for operator in operators]
    elements = []
    while queue:
        matrix = queue.pop()
        vector = np.concatenate([matrix.real.ravel(), matrix.imag.ravel()])
        vector /= np.linalg.norm(vector)
        for _ in range(2):  # twice is enough for orthogonality to rounding
            for other in basis:
                vector = vector - (other @ vector) * other
        if np.linalg.norm(vector) < 1e-8:
            continue
        basis.append(vector / np.linalg.norm(vector))
        size = len(matrix)
        new = basis[-1][: size**2].reshape(size, size) + 1j * basis[-1][size**2 :].reshape(size, size)
        commutators = [new @ old - old @ new for old in elements]
        queue += [commutator for commutator in commutators if np.linalg.norm(commutator) > 1e-8]
        elements.append(new)
    return len(basis)


@pytest.mark.parametrize(
    ("ansatz", "num_qubits", "dimension"),
    [
        # The classical dimensions: free fermions n(2n-1), in a ring 2n(2n-1); QAOA on the path n², on the cycle 3n-1;
        # the Heisenberg chain 4^{n-1}-1 for odd and 4^{n-1}-4 for even n (arXiv:2309.05690).
        (MatchgateAnsatz(), 3, 15),
        (MatchgateAnsatz(), 4, 28),
        (HamiltonianVariationalAnsatz("tfim", shared=False), 4, 28),
        (HamiltonianVariationalAnsatz("tfim", shared=False, periodic=True), 4, 56),
        (HamiltonianVariationalAnsatz("tfim"), 4, 16),
        (HamiltonianVariationalAnsatz("tfim", periodic=True), 4, 11),
        (QAOAAnsatz([(0, 1), (1, 2)]), 3, 9),
        (QAOAAnsatz(), 3, 8),
        (HamiltonianVariationalAnsatz("heisenberg", shared=False), 3, 15),
        (HamiltonianVariationalAnsatz("heisenberg", shared=False), 4, 60),
        (BrickwallAnsatz(), 3, 63),
        (GivensAnsatz(), 4, 16),  # u(n): free fermions that conserve their number
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_generators_span_the_known_lie_algebra(ansatz, num_qubits, dimension):
    assert lie_dimension(ansatz.generators(num_qubits)) == dimension
