"""Tensor-network circuits: matrix-product states, trees and the multi-scale entanglement renormalisation ansatz."""

from abc import abstractmethod
from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.ansatze.qcnn import active_levels
from qiskit_qml_ext.circuits.blocks import block_by_name
from qiskit_qml_ext.circuits.generators import distinct
from qiskit_qml_ext.circuits.template import Ansatz


class TensorNetworkAnsatz(Ansatz):
    """What the tensor-network circuits have in common: one two-qubit block for each tensor, with angles of its own."""

    block: str
    min_qubits = 2

    @property
    def symmetry(self) -> str:  # type: ignore[override]
        """Real amplitudes for the simple block, otherwise none."""
        return "real amplitudes" if self.block == "simple" else "none"

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits, minimum=self.min_qubits)
        block = block_by_name(self.block)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name=type(self).__name__)
        for pair in self.tensors(num_qubits):
            block.append(circuit, pair, [next(angles) for _ in range(block.num_parameters)])
        return circuit

    @abstractmethod
    def tensors(self, num_qubits: int) -> list[tuple[int, int]]:
        """List the pairs of qubits on which the tensors act, in their order."""

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: 2 (simple) or 15 (SU(4)) for each tensor."""
        return len(self.tensors(num_qubits)) * block_by_name(self.block).num_parameters

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of two-qubit gates: 1 (simple) or 3 (SU(4)) for each tensor."""
        return len(self.tensors(num_qubits)) * block_by_name(self.block).two_qubit_gates

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the generators of the blocks on all tensors; see :meth:`Ansatz.generators`."""
        block = block_by_name(self.block)
        return distinct(op for pair in self.tensors(num_qubits) for op in block.generators(pair, num_qubits))


class MPSAnsatz(TensorNetworkAnsatz):
    r"""A staircase of two-qubit blocks: a matrix-product state of bond dimension at most 2^{reps}.

    Each of the ``reps`` layers applies a block with angles of its own to (0,1), (1,2), …, (n-2,n-1). A block is R_y on
    both qubits and a CX (``"simple"``) or the general two-qubit gate (``"su4"``). At least two qubits. All angles have
    the period 2π.

    Counts:
        parameters: 2 * reps * (n - 1)
        two-qubit gates: reps * (n - 1)
        depth: 2 * (n - 1) + 2 * (reps - 1) * min(n - 1, 2)

    Args:
        block: ``"simple"`` or ``"su4"``.
        reps: The number of staircases, at least 1.

    References:
        Schön et al., arXiv:quant-ph/0501096; Huggins et al., arXiv:1803.11537.

    Examples:
        >>> from qiskit_qml_ext.circuits import MPSAnsatz
        >>> MPSAnsatz().tensors(4)
        [(0, 1), (1, 2), (2, 3)]
    """

    name: ClassVar[str] = "mps"
    reference: ClassVar[str] = "arXiv:quant-ph/0501096, arXiv:1803.11537"

    def __init__(self, block: str = "simple", *, reps: int = 1):
        self.block = block
        self.reps = reps

    def tensors(self, num_qubits: int) -> list[tuple[int, int]]:
        """List the pairs of the staircases."""
        return [(q, q + 1) for _ in range(whole_number("reps", self.reps)) for q in range(num_qubits - 1)]


class TreeTensorNetworkAnsatz(TensorNetworkAnsatz):
    r"""A binary tree of two-qubit blocks that leads to the last qubit.

    On each level a block with angles of its own acts on the active qubits two by two; the second of each two stays
    active, as does a last odd one, until one is left. A block is R_y on both qubits and a CX (``"simple"``) or the
    general two-qubit gate (``"su4"``). At least two qubits. All angles have the period 2π.

    Counts:
        parameters: 2 * (n - 1)
        two-qubit gates: n - 1
        depth: 2 * ceil(log2(n))

    Args:
        block: ``"simple"`` or ``"su4"``.

    References:
        Grant et al., arXiv:1804.03680; Huggins et al., arXiv:1803.11537.

    Examples:
        >>> from qiskit_qml_ext.circuits import TreeTensorNetworkAnsatz
        >>> TreeTensorNetworkAnsatz().tensors(4)
        [(0, 1), (2, 3), (1, 3)]
    """

    name: ClassVar[str] = "ttn"
    reference: ClassVar[str] = "arXiv:1804.03680, arXiv:1803.11537"

    def __init__(self, block: str = "simple"):
        self.block = block

    def tensors(self, num_qubits: int) -> list[tuple[int, int]]:
        """List the pairs of the tree, level by level."""
        return [pair for active in active_levels(num_qubits)[:-1] for pair in _neighbours(active, 0)]


class MERAAnsatz(TensorNetworkAnsatz):
    r"""A tree of two-qubit blocks with disentangling blocks between the branches.

    On each level, of m active qubits, blocks act on the active qubits (1,2), (3,4), … (disentanglers) and then on
    (0,1), (2,3), … (isometries), each with angles of its own: m-1 in all. The second of each two stays active, as does
    a last odd one, until one is left. A block is R_y on both qubits and a CX (``"simple"``) or the general two-qubit
    gate (``"su4"``). At least two qubits. All angles have the period 2π.

    Counts:
        parameters: 2 * sum(m - 1 for m in levels(n))
        two-qubit gates: sum(m - 1 for m in levels(n))
        depth: 4 * ceil(log2(n)) - 2

    Args:
        block: ``"simple"`` or ``"su4"``.

    References:
        Vidal, arXiv:quant-ph/0610099; as a classifier: Grant et al., arXiv:1804.03680.

    Examples:
        >>> from qiskit_qml_ext.circuits import MERAAnsatz
        >>> MERAAnsatz().tensors(4)
        [(1, 2), (0, 1), (2, 3), (1, 3)]
    """

    name: ClassVar[str] = "mera"
    reference: ClassVar[str] = "arXiv:quant-ph/0610099, arXiv:1804.03680"

    def __init__(self, block: str = "simple"):
        self.block = block

    def tensors(self, num_qubits: int) -> list[tuple[int, int]]:
        """List the pairs of the disentanglers and isometries, level by level."""
        levels = active_levels(num_qubits)[:-1]
        return [pair for active in levels for start in (1, 0) for pair in _neighbours(active, start)]


def _neighbours(active: list[int], start: int) -> list[tuple[int, int]]:
    return [(active[i], active[i + 1]) for i in range(start, len(active) - 1, 2)]
