"""Generators of gates as ``SparsePauliOp``: Pauli strings on chosen qubits, their sums, controlled rotations.

All functions use Qiskit's bit order: qubit 0 is the rightmost character of a label.
"""

from collections.abc import Iterable, Sequence

from qiskit.quantum_info import SparsePauliOp


def single_paulis(axes: str, num_qubits: int, qubits: Iterable[int] | None = None) -> list[SparsePauliOp]:
    """List the Paulis of the given axes ("XZ" means X and Z) on each of ``qubits`` (default: all), axis by axis."""
    chosen = list(range(num_qubits) if qubits is None else qubits)
    return [SparsePauliOp.from_sparse_list([(axis, [q], 1.0)], num_qubits) for axis in axes for q in chosen]


def two_qubit_paulis(label: str, pairs: Iterable[tuple[int, int]], num_qubits: int) -> list[SparsePauliOp]:
    """List the two-qubit Pauli ``label`` (first letter on the first qubit of the pair) on each distinct pair."""
    ordered = dict.fromkeys(pairs)
    return [SparsePauliOp.from_sparse_list([(label, list(pair), 1.0)], num_qubits) for pair in ordered]


def controlled_rotations(axis: str, pairs: Iterable[tuple[int, int]], num_qubits: int) -> list[SparsePauliOp]:
    """List the generators |1⟩⟨1|_c ⊗ P_t = (P_t - Z_c P_t)/2 of controlled rotations on (control, target) pairs."""
    return [
        SparsePauliOp.from_sparse_list([(axis, [target], 0.5), ("Z" + axis, [control, target], -0.5)], num_qubits)
        for control, target in dict.fromkeys(pairs)
    ]


def total(operators: Sequence[SparsePauliOp]) -> list[SparsePauliOp]:
    """Return the sum of the operators as a list of one, or an empty list if there are none."""
    return [SparsePauliOp.sum(operators).simplify()] if operators else []


def distinct(operators: Iterable[SparsePauliOp]) -> list[SparsePauliOp]:
    """Drop operators that are equal to an earlier one, keeping the order."""
    seen: dict[tuple[tuple[str, complex], ...], SparsePauliOp] = {}
    for operator in operators:
        key = tuple(sorted((label, complex(c)) for label, c in operator.simplify().to_list()))
        seen.setdefault(key, operator)
    return list(seen.values())
