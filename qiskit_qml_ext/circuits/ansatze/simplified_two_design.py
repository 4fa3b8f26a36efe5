"""The simplified two-design and the brickwall of general two-qubit gates."""

from typing import ClassVar

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.checks import whole_number
from qiskit_qml_ext.circuits.blocks import block_by_name
from qiskit_qml_ext.circuits.generators import distinct, single_paulis
from qiskit_qml_ext.circuits.template import Ansatz


class SimplifiedTwoDesignAnsatz(Ansatz):
    r"""Approximate a two-design by alternating blocks of CZ gates and Y rotations.

    A layer of R_y on every qubit, then ``reps`` times: a CZ and R_y on both qubits of the pairs (0,1), (2,3), …, and
    the same on the pairs (1,2), (3,4), …. The states have real amplitudes. All angles have the period 2π.

    Counts:
        parameters: n + 2 * reps * (n - 1)
        two-qubit gates: reps * (n - 1)
        depth: 1 + 2 * reps * min(n - 1, 2)

    Args:
        reps: The number of layers, at least 1.

    References:
        Cerezo et al., arXiv:2001.00550.

    Examples:
        >>> from qiskit_qml_ext.circuits import SimplifiedTwoDesignAnsatz
        >>> SimplifiedTwoDesignAnsatz(reps=3).build(4).num_parameters
        22
    """

    name: ClassVar[str] = "simplified-two-design"
    reference: ClassVar[str] = "arXiv:2001.00550"
    symmetry = "real amplitudes"

    def __init__(self, *, reps: int = 2):
        self.reps = reps

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        reps = whole_number("reps", self.reps)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name="SimplifiedTwoDesignAnsatz")
        for qubit in range(num_qubits):
            circuit.ry(next(angles), qubit)
        for _ in range(reps):
            for first, second in brickwall_pairs(num_qubits):
                circuit.cz(first, second)
                circuit.ry(next(angles), first)
                circuit.ry(next(angles), second)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: one for each qubit, two for each CZ gate."""
        return num_qubits + 2 * self.two_qubit_gates(num_qubits)

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of CZ gates: one for each neighbouring pair of each layer."""
        return self.reps * (num_qubits - 1)

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List Y on every qubit; see :meth:`Ansatz.generators`."""
        return single_paulis("Y", num_qubits)


class BrickwallAnsatz(Ansatz):
    r"""Apply general two-qubit gates in a brickwall.

    Each of the ``reps`` layers applies a general gate of SU(4), in its Cartan form with 15 angles and 3 two-qubit
    rotations, to the pairs (0,1), (2,3), … and then to (1,2), (3,4), …. With the block ``"simple"`` the gate is two R_y
    and a CX. One qubit alone gets R_z R_y R_z (or R_y) in each layer. All angles have the period 2π.

    Counts:
        parameters: 15 * reps * (n - 1) if n > 1 else 3 * reps
        two-qubit gates: 3 * reps * (n - 1)
        depth: 9 * reps * min(n - 1, 2) if n > 1 else 3 * reps

    Args:
        block: The gate, ``"su4"`` or ``"simple"``.
        reps: The number of layers, at least 1.

    References:
        The gate: Vatan and Williams, arXiv:quant-ph/0308006; the random brickwall as an approximate design: Brandão,
        Harrow and Horodecki, arXiv:1208.0692.

    Examples:
        >>> from qiskit_qml_ext.circuits import BrickwallAnsatz
        >>> BrickwallAnsatz(reps=1).build(4).num_parameters
        45
    """

    name: ClassVar[str] = "brickwall"
    reference: ClassVar[str] = "arXiv:quant-ph/0308006, arXiv:1208.0692"

    def __init__(self, block: str = "su4", *, reps: int = 2):
        self.block = block
        self.reps = reps

    @property
    def symmetry(self) -> str:  # type: ignore[override]
        """Real amplitudes for the simple block, otherwise none."""
        return "real amplitudes" if self.block == "simple" else "none"

    def build(self, num_qubits: int) -> QuantumCircuit:
        """Build the circuit on ``num_qubits`` qubits; see :meth:`Ansatz.build`."""
        num_qubits = whole_number("num_qubits", num_qubits)
        reps = whole_number("reps", self.reps)
        block = block_by_name(self.block)
        angles = iter(ParameterVector("θ", self.num_parameters(num_qubits)))
        circuit = QuantumCircuit(num_qubits, name="BrickwallAnsatz")
        for _ in range(reps):
            for pair in brickwall_pairs(num_qubits):
                block.append(circuit, pair, [next(angles) for _ in range(block.num_parameters)])
            if num_qubits == 1:
                for axis in self._lone_axes():
                    getattr(circuit, f"r{axis}")(next(angles), 0)
        return circuit

    def num_parameters(self, num_qubits: int) -> int:
        """Return the number of angles: 15 (or 2) for each gate."""
        if num_qubits == 1:
            return self.reps * len(self._lone_axes())
        return self.reps * (num_qubits - 1) * block_by_name(self.block).num_parameters

    def two_qubit_gates(self, num_qubits: int) -> int:
        """Return the number of two-qubit gates: 3 (or 1) for each block."""
        return self.reps * (num_qubits - 1) * block_by_name(self.block).two_qubit_gates

    def generators(self, num_qubits: int) -> list[SparsePauliOp]:
        """List the generators of the blocks on all neighbouring pairs; see :meth:`Ansatz.generators`."""
        if num_qubits == 1:
            return single_paulis("".join(dict.fromkeys(self._lone_axes().upper())), 1)
        block = block_by_name(self.block)
        return distinct(op for pair in brickwall_pairs(num_qubits) for op in block.generators(pair, num_qubits))

    def _lone_axes(self) -> str:
        return "zyz" if self.block == "su4" else "y"


def brickwall_pairs(num_qubits: int) -> list[tuple[int, int]]:
    """List the neighbouring pairs in the order of a brickwall: (0,1), (2,3), … and then (1,2), (3,4), …."""
    return [(first, first + 1) for start in (0, 1) for first in range(start, num_qubits - 1, 2)]
