"""Two-qubit blocks that several ansätze are made of, and their generators."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import one_of
from qiskit_qml_ext.circuits.generators import single_paulis, two_qubit_paulis

Pair = tuple[int, int]
Angles = Sequence[ParameterExpression]


class Block(NamedTuple):
    """A parametrised gate sequence on two qubits."""

    num_parameters: int
    """The number of its angles."""
    two_qubit_gates: int
    """The number of its gates on two qubits."""
    append: Callable[[QuantumCircuit, Pair, Angles], None]
    """Appends the block with these angles to a circuit."""
    generators: Callable[[Pair, int], list[SparsePauliOp]]
    """Its generators, given the pair of qubits and the width of the circuit."""


def _append_simple(circuit: QuantumCircuit, pair: Pair, angles: Angles) -> None:
    circuit.ry(angles[0], pair[0])
    circuit.ry(angles[1], pair[1])
    circuit.cx(pair[0], pair[1])


def _simple_generators(pair: Pair, num_qubits: int) -> list[SparsePauliOp]:
    return single_paulis("Y", num_qubits, pair)


def _append_su4(circuit: QuantumCircuit, pair: Pair, angles: Angles) -> None:
    """Append a universal gate: a rotation of each qubit, the three Cartan rotations, a rotation of each qubit."""
    _append_su2(circuit, pair[0], angles[0:3])
    _append_su2(circuit, pair[1], angles[3:6])
    circuit.rxx(angles[6], *pair)
    circuit.ryy(angles[7], *pair)
    circuit.rzz(angles[8], *pair)
    _append_su2(circuit, pair[0], angles[9:12])
    _append_su2(circuit, pair[1], angles[12:15])


def _append_su2(circuit: QuantumCircuit, qubit: int, angles: Angles) -> None:
    circuit.rz(angles[0], qubit)
    circuit.ry(angles[1], qubit)
    circuit.rz(angles[2], qubit)


def _su4_generators(pair: Pair, num_qubits: int) -> list[SparsePauliOp]:
    singles = single_paulis("ZY", num_qubits, pair[:1]) + single_paulis("ZY", num_qubits, pair[1:])
    return singles + [op for label in ("XX", "YY", "ZZ") for op in two_qubit_paulis(label, [pair], num_qubits)]


_BLOCKS = {
    "simple": Block(2, 1, _append_simple, _simple_generators),
    "su4": Block(15, 3, _append_su4, _su4_generators),
}


def block_by_name(name: object) -> Block:
    """Return a block by its name.

    ``"simple"`` is an RY gate on each qubit and a CX (2 angles, real amplitudes); ``"su4"`` is the general two-qubit
    gate in its Cartan form (15 angles, 3 two-qubit rotations; Vatan and Williams, arXiv:quant-ph/0308006).

    Raises:
        ValueError: If there is no such block; the message lists those there are.
    """
    return _BLOCKS[one_of("block", name, tuple(_BLOCKS))]
