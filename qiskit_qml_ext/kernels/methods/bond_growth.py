"""How wide the bonds of a matrix-product state can get, read off a circuit."""

from dataclasses import dataclass

from qiskit_qml_ext.program import CliffordGate, DenseUnitary, InitialState, Operation, RotationProgram


@dataclass(frozen=True)
class BondGrowth:
    """What a circuit does to the bonds between neighbouring qubits."""

    exponent: int
    """No bond gets wider than 2 to this power."""
    is_local: bool
    """Whether everything acts on qubits side by side, in gates that are applied as they are: so that no bond is wider
    in between, while qubits are moved to each other or a gate is taken apart."""

    @property
    def widest(self) -> int:
        """The width that no bond exceeds."""
        return 1 << self.exponent

    def surely_fits(self, max_bond: int) -> bool:
        """Whether a simulation with bonds up to ``max_bond`` truncates nothing."""
        return self.is_local and self.widest <= max_bond


def bond_growth(program: RotationProgram) -> BondGrowth:
    """Return how wide the bonds of a circuit's state can get.

    An operation that acts on both sides of a bond multiplies its width by its operator-Schmidt rank there: 2 for a
    Pauli rotation and the gates CX and CZ, 4 for a swap, at most 4 to the number of its qubits on the smaller side for
    any other. And no bond is wider than 2 to the number of qubits on either side of it.

    Args:
        program: A lowered circuit.
    """
    cuts = [0] * max(program.num_qubits - 1, 0)
    is_local = True
    for operation in program.operations:
        qubits = [qubit for qubit in range(program.num_qubits) if operation.support >> qubit & 1]
        for cut in range(qubits[0], qubits[-1]) if qubits else ():
            cuts[cut] += _rank_exponent(operation, sum(qubit <= cut for qubit in qubits), len(qubits))
        is_local &= not qubits or (qubits[-1] - qubits[0] < len(qubits) and _is_applied_as_it_is(operation))
    sides = (min(cut + 1, program.num_qubits - cut - 1) for cut in range(len(cuts)))
    return BondGrowth(max((min(pair) for pair in zip(cuts, sides, strict=True)), default=0), is_local)


def _rank_exponent(operation: Operation, left: int, number: int) -> int:
    """Return the power of 2 by which an operation widens a bond that has ``left`` of its qubits on one side."""
    if isinstance(operation, InitialState):
        return min(left, number - left)
    if isinstance(operation, DenseUnitary):
        return 2 * min(left, number - left)
    return 2 if isinstance(operation, CliffordGate) and operation.name == "swap" else 1


def _is_applied_as_it_is(operation: Operation) -> bool:
    if isinstance(operation, InitialState):
        return len(operation.qubits) == 1
    return not isinstance(operation, DenseUnitary) or len(operation.qubits) <= 2
