"""The quantum convolutional neural network."""

import math
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.blocks import Block, block_by_name
from qiskit_qml_ext.circuits.generators import controlled_rotations, distinct
from qiskit_qml_ext.circuits.template import Ansatz


class QCNNAnsatz(Ansatz):
    r"""Alternate convolutions and poolings, each of which halves the number of active qubits, down to one.

    A convolution applies a two-qubit block to the neighbouring pairs of active qubits, in the order of a brickwall,
    with the same angles for all pairs. A pooling takes the active qubits two by two and, depending on the first,
    rotates the second: CR_z(θ) if it is 1 and CR_x(θ') if it is 0. The first is not used any more: whether it is
    measured then or never makes no difference, so no measurement is needed. With an odd number of active qubits the
    last one stays. The answer is on the last qubit. Block angles have the period 2π, pooling angles 4π.

    Counts:
        parameters: ceil(log2(n)) * 17
        two-qubit gates: sum(3 * (m - 1) + 2 * (m // 2) for m in levels(n))
        depth: 21 * ceil(log2(n)) - 8

    Args:
        block: The convolution's block, ``"su4"`` (15 angles) or ``"simple"`` (2).
        shared: Whether all blocks of a convolution, and all pairs of a pooling, share their angles.

    References:
        Cong, Choi and Lukin, arXiv:1810.03787; trainability: Pesah et al., arXiv:2011.02966; the pooling's gates: Hur,
        Kim and Park, arXiv:2108.00661.

    Examples:
        >>> from qiskit_qml_ext.circuits import QCNNAnsatz
        >>> QCNNAnsatz().active_qubits(8)
        [[0, 1, 2, 3, 4, 5, 6, 7], [1, 3, 5, 7], [3, 7], [7]]
    """

    name: ClassVar[str] = "qcnn"
    reference: ClassVar[str] = "arXiv:1810.03787, arXiv:2011.02966"
    parameter_period = 4 * math.pi
    min_qubits = 2

    def __init__(self, block: str = "su4", *, shared: bool = True):
        self.block = block
        self.shared = shared

    def active_qubits(self, num_qubits: int) -> list[list[int]]:
        """Return the active qubits before each layer, and last the one qubit that is left."""
        return active_levels(num_qubits)

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits, minimum=self.min_qubits)
        block = block_by_name(self.block)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name="QCNNAnsatz")
        for active in active_levels(num_qubits)[:-1]:
            shared_filter = [next(angles) for _ in range(block.num_parameters)] if self.shared else None
            for pair in _convolved(active):
                block.append(circuit, pair, shared_filter or [next(angles) for _ in range(block.num_parameters)])
            shared_pooling = [next(angles) for _ in range(2)] if self.shared else None
            for source, kept in _pooled(active):
                first, second = shared_pooling or [next(angles) for _ in range(2)]
                circuit.crz(first, source, kept)
                circuit.x(source)
                circuit.crx(second, source, kept)
                circuit.x(source)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: those of one block and one pooling for each layer, or of all if not shared."""
        size = block_by_name(self.block).num_parameters
        levels = active_levels(num_qubits)[:-1]
        if self.shared:
            return len(levels) * (size + 2)
        return sum(size * len(_convolved(active)) + 2 * len(_pooled(active)) for active in levels)

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of two-qubit gates: those of each block, and two for each pooled pair."""
        gates = block_by_name(self.block).two_qubit_gates
        levels = active_levels(num_qubits)[:-1]
        return sum(gates * len(_convolved(active)) + 2 * len(_pooled(active)) for active in levels)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the generators of all blocks and poolings, each gate on its own; see :meth:`Ansatz.generators`.

        The CR_x gates stand between X gates on their control, which are fixed gates of the circuit.
        """
        block = block_by_name(self.block)
        generators: list[SparsePauliOp] = []
        for active in active_levels(num_qubits)[:-1]:
            generators += _block_generators(block, _convolved(active), num_qubits)
            generators += controlled_rotations("Z", _pooled(active), num_qubits)
            generators += controlled_rotations("X", _pooled(active), num_qubits)
        return distinct(generators)


def active_levels(num_qubits: int) -> list[list[int]]:
    """Halve the qubits until one is left, keeping the second of each two and a last odd one; return all levels."""
    levels = [list(range(num_qubits))]
    while len(levels[-1]) > 1:
        active = levels[-1]
        levels.append(active[1::2] + (active[-1:] if len(active) % 2 else []))
    return levels


def _convolved(active: list[int]) -> list[tuple[int, int]]:
    return [(active[i], active[i + 1]) for start in (0, 1) for i in range(start, len(active) - 1, 2)]


def _pooled(active: list[int]) -> list[tuple[int, int]]:
    return [(active[i], active[i + 1]) for i in range(0, len(active) - 1, 2)]


def _block_generators(block: Block, pairs: list[tuple[int, int]], num_qubits: int) -> list[SparsePauliOp]:
    return [operator for pair in pairs for operator in block.generators(pair, num_qubits)]
