"""A connection's transpilation as Qiskit's own kind of object, for those who take a primitive and a pass manager."""

from collections.abc import Callable, Sequence

from qiskit import QuantumCircuit
from qiskit.transpiler import PassManager


class IsaPassManager(PassManager):
    """Makes circuits into a target's own gates as a connection does, once for each distinct content.

    Args:
        make: Returns a circuit in the target's own gates.
    """

    def __init__(self, make: Callable[[QuantumCircuit], QuantumCircuit]):
        super().__init__()
        self._make = make

    def run(self, circuits: QuantumCircuit | Sequence[QuantumCircuit]) -> QuantumCircuit | list[QuantumCircuit]:
        """Return the circuit, or each of several, in the target's own gates.

        Args:
            circuits: One circuit or several; they are not changed.
        """
        if isinstance(circuits, QuantumCircuit):
            return self._make(circuits)
        return [self._make(circuit) for circuit in circuits]
