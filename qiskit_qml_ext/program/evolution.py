"""exp(-i t H) exactly, with a free time t, as Pauli rotations and few fixed dense blocks.

The Pauli terms of H are split into groups such that terms of different groups commute: the connected components of the
graph that joins anticommuting terms. The exponential is then the product of the groups' exponentials, whatever their
order. A group of one term is a Pauli rotation. A group of several terms on k qubits is diagonalised, H_g = V D V†, and
its exponential is V exp(-i t D) V†, where the middle is a product of Pauli-Z rotations with angles linear in t: the
diagonal is D = Σ_s w_s Z_s with w_s = 2^-k Σ_b (-1)^|s & b| λ_b, a Walsh-Hadamard transform of the eigenvalues λ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import ParameterExpression
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate
from qiskit.quantum_info import Operator, SparseObservable, SparsePauliOp
from scipy.sparse import csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

from qiskit_qml_ext.arrays import BoolArray, ComplexArray, FloatArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

Term = tuple[int, int, float]
"""``(x, z, c)``: the term c P(x, z) of a Hamiltonian."""

MAX_DENSE_QUBITS = 12  # a dense matrix on more qubits takes over 256 MiB
_MAX_EXPANDED_QUBITS = 4  # fixed matrices on so few qubits are split into Pauli terms, of which there are 4**k
_NEGLIGIBLE = 1e-15  # relative to the largest coefficient: rounding of sums that cancel
_ROWS = 1024  # rows of the table of anticommuting pairs that are held at once
_HERMITIAN_RTOL = 1e-12  # far above rounding; Qiskit itself accepts 1e-8


@dataclass(frozen=True, eq=False)
class DiagonalisedBlock:
    """A group of terms that do not all commute, H = V diag(λ) V†.

    Attributes:
        qubits: The k qubits that it acts on; bit j of a row of ``basis`` belongs to ``qubits[j]``.
        eigenvalues: λ, shape (2**k,).
        basis: V, shape (2**k, 2**k), read-only.
        adjoint: V†, read-only.
    """

    qubits: tuple[int, ...]
    eigenvalues: FloatArray
    basis: ComplexArray
    adjoint: ComplexArray

    def unitary(self, time: float) -> ComplexArray:
        """V exp(-i time λ) V†."""
        result: ComplexArray = (self.basis * np.exp(-1j * time * self.eigenvalues)) @ self.adjoint
        return result

    def diagonal_terms(self) -> list[tuple[int, float]]:
        """``(s, w_s)`` with diag(λ) = Σ_s w_s Z_s, the identity (s = 0) included; bit j of s is ``qubits[j]``."""
        weights = self.eigenvalues.copy()
        half = 1
        while half < len(weights):
            pairs = weights.reshape(-1, 2, half)
            weights = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).ravel()
            half *= 2
        weights /= len(weights)
        kept = np.flatnonzero(np.abs(weights) > _NEGLIGIBLE * np.abs(self.eigenvalues).max())
        return [(int(mask), float(weights[mask])) for mask in kept]


def pauli_terms(gate: PauliEvolutionGate) -> list[Term]:
    """The Hamiltonian of an evolution gate as Pauli terms over the gate's own qubits, equal strings summed.

    Raises:
        UnsupportedCircuitError: A coefficient is complex or a free parameter.
    """
    total: dict[tuple[int, int], complex] = {}
    for operator in _operators(gate):
        for x, z, phase, coefficient in _rows(operator):
            if isinstance(coefficient, ParameterExpression) and coefficient.parameters:
                raise UnsupportedCircuitError(
                    f"The Hamiltonian of {gate.name!r} has the free coefficient {coefficient}, which Qiskit never "
                    "binds. Put the parameter into the time of one PauliEvolutionGate per term, "
                    "PauliEvolutionGate(term, time=parameter), or write Pauli rotations."
                )
            total[x, z] = total.get((x, z), 0.0) + complex(coefficient) * (-1j) ** phase
    return _real_terms(total, gate.name)


def _operators(gate: PauliEvolutionGate) -> list[SparsePauliOp]:
    """The summands of the Hamiltonian as sums of Pauli strings."""
    return [
        SparsePauliOp.from_sparse_observable(operator.as_paulis())
        if isinstance(operator, SparseObservable)
        else operator
        for operator in (gate.operator if isinstance(gate.operator, list) else [gate.operator])
    ]


def _rows(operator: SparsePauliOp) -> list[tuple[int, int, int, complex | ParameterExpression]]:
    """Masks, the power of -i that the string carries beyond P(x, z), and the coefficient of each term."""
    paulis = operator.paulis
    return [
        (_mask(x), _mask(z), int(phase) % 4, coefficient)
        for x, z, phase, coefficient in zip(paulis.x, paulis.z, paulis.phase, operator.coeffs, strict=True)
    ]


def _mask(bits: BoolArray) -> int:
    return sum(1 << int(place) for place in np.flatnonzero(bits))


def _real_terms(total: Mapping[tuple[int, int], complex], name: str) -> list[Term]:
    scale = max((abs(value) for value in total.values()), default=0.0)
    complex_terms = [value for value in total.values() if abs(value.imag) > _NEGLIGIBLE * scale]
    if complex_terms or not np.isfinite(scale):
        raise UnsupportedCircuitError(
            f"The Hamiltonian of {name!r} has the coefficient {complex_terms[0] if complex_terms else scale}; the "
            "coefficients of a Hamiltonian must be real and finite."
        )
    return [(x, z, value.real) for (x, z), value in total.items() if abs(value) > _NEGLIGIBLE * scale]


def matrix_terms(gate: HamiltonianGate) -> list[Term] | None:
    """The Hamiltonian of a ``HamiltonianGate`` as Pauli terms, or None if it has too many qubits to be split."""
    if gate.num_qubits > _MAX_EXPANDED_QUBITS:
        return None
    split = SparsePauliOp.from_operator(Operator(_hermitian(gate)), atol=0.0, rtol=0.0)
    total = {(x, z): complex(value) * (-1j) ** phase for x, z, phase, value in _rows(split)}
    return _real_terms(total, gate.name)


def matrix_block(gate: HamiltonianGate) -> DiagonalisedBlock:
    """The whole Hamiltonian of a ``HamiltonianGate`` as one block.

    Raises:
        UnsupportedCircuitError: It has more than :data:`MAX_DENSE_QUBITS` qubits.
    """
    check_dense_size(gate.name, gate.num_qubits)
    return _diagonalised(tuple(range(gate.num_qubits)), _hermitian(gate))


def _hermitian(gate: HamiltonianGate) -> ComplexArray:
    matrix = np.asarray(gate.params[0], dtype=np.complex128)
    if np.abs(matrix - matrix.conj().T).max() > _HERMITIAN_RTOL * max(1.0, np.abs(matrix).max()):
        raise UnsupportedCircuitError(
            f"The matrix of the instruction {gate.name!r} is not Hermitian within {_HERMITIAN_RTOL}, so that its "
            "exponential is not unitary. Pass (matrix + matrix.conj().T) / 2."
        )
    return (matrix + matrix.conj().T) / 2.0


def commuting_groups(terms: Sequence[Term]) -> list[list[Term]]:
    """Split terms into groups such that terms of different groups commute, in the order of their first terms."""
    if not any(x for x, _, _ in terms) or not any(z for _, z, _ in terms):
        return [[term] for term in terms]
    num_qubits = max((x | z).bit_length() for x, z, _ in terms)
    bits = np.array(
        [[mask >> place & 1 for mask in (x, z) for place in range(num_qubits)] for x, z, _ in terms], dtype=np.float32
    )
    swapped = np.roll(bits, num_qubits, axis=1)
    edges = vstack([csr_matrix(bits[row : row + _ROWS] @ swapped.T % 2) for row in range(0, len(terms), _ROWS)])
    groups: dict[int, list[Term]] = {}
    for term, label in zip(terms, connected_components(edges, directed=False)[1].tolist(), strict=True):
        groups.setdefault(label, []).append(term)
    return list(groups.values())


def diagonalise(group: Sequence[Term], name: str) -> DiagonalisedBlock:
    """The block of a group of terms on the qubits of their joint support.

    Raises:
        UnsupportedCircuitError: The support has more than :data:`MAX_DENSE_QUBITS` qubits.
    """
    support = 0
    for x, z, _ in group:
        support |= x | z
    qubits = tuple(place for place in range(support.bit_length()) if support >> place & 1)
    check_dense_size(name, len(qubits))
    matrix = np.zeros((1 << len(qubits), 1 << len(qubits)), dtype=np.complex128)
    columns = np.arange(1 << len(qubits))
    for x, z, coefficient in group:
        flips, signs = _gather(x, qubits), _gather(z, qubits)
        # P(x, z) |b> = i^|x & z| (-1)^|z & b| |b xor x>
        parities = np.bitwise_count(columns & signs) & 1
        matrix[columns ^ flips, columns] += coefficient * 1j ** ((x & z).bit_count() % 4) * (1.0 - 2.0 * parities)
    return _diagonalised(qubits, matrix)


def _gather(mask: int, qubits: Sequence[int]) -> int:
    return sum(1 << place for place, qubit in enumerate(qubits) if mask >> qubit & 1)


def _diagonalised(qubits: tuple[int, ...], matrix: ComplexArray) -> DiagonalisedBlock:
    eigenvalues, basis = np.linalg.eigh(matrix.real if not matrix.imag.any() else matrix)
    basis = np.ascontiguousarray(basis, dtype=np.complex128)
    adjoint = np.ascontiguousarray(basis.conj().T)
    basis.flags.writeable = adjoint.flags.writeable = False
    return DiagonalisedBlock(qubits, eigenvalues, basis, adjoint)


def check_dense_size(name: str, num_qubits: int) -> None:
    """Raise if a dense matrix on ``num_qubits`` qubits would be too large.

    Raises:
        UnsupportedCircuitError: The message names the instruction and says what to do.
    """
    if num_qubits > MAX_DENSE_QUBITS:
        raise UnsupportedCircuitError(
            f"The exact unitary of the instruction {name!r} is a dense matrix on {num_qubits} qubits; at most "
            f"{MAX_DENSE_QUBITS} are supported. If an approximation (a Trotter formula) will do, synthesise it "
            "explicitly before: circuit.decompose() replaces each instruction by its definition."
        )


def all_strings_commute(gate: PauliEvolutionGate) -> bool:
    """Whether every product formula of the gate's strings, as they were given, is exact.

    Strings that cancel in the sum are still in the formula.
    """
    given = [(x, z, 1.0) for operator in _operators(gate) for x, z, _, _ in _rows(operator)]
    return all(len(group) == 1 for group in commuting_groups(list(dict.fromkeys(given))))
