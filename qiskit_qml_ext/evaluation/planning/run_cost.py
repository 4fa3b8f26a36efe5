"""What an evaluation will run on a sampled target, said before it runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from qiskit_qml_ext.evaluation.formatting import count, plural
from qiskit_qml_ext.evaluation.hardware import kernel_circuit_price
from qiskit_qml_ext.evaluation.planning.request import Request
from qiskit_qml_ext.evaluation.protocol.folds import Split
from qiskit_qml_ext.primitives import CircuitPrice


@dataclass(frozen=True)
class RunCost:
    """What an evaluation will run on a sampled target."""

    circuit: CircuitPrice
    """The kernel circuit there."""
    max_circuits: int
    """An upper bound of the number of circuits: all training pairs and all test-training pairs."""
    shots: int
    """Shots of each circuit."""

    def sentence(self) -> str:
        """Say it in words."""
        circuit = self.circuit
        return (
            f"Runs on {circuit.target}: up to {self.max_circuits:,} circuits with {plural(self.shots, 'shot')} each "
            f"({count(self.max_circuits * self.shots)} shots); {plural(circuit.num_qubits, 'qubit')}, depth "
            f"{circuit.depth:,}, {plural(circuit.two_qubit_gates, 'two-qubit gate')}."
        )


def run_cost_of(request: Request, num_encoded: int, splits: Sequence[Split], num_maps: int) -> RunCost | None:
    """Count what will run on a sampled target; None for an exact one.

    Args:
        request: What was asked for.
        num_encoded: How many features the feature map encodes.
        splits: The rows of each outer training set and test set.
        num_maps: How many quantum models there are.
    """
    connection = request.connection
    if connection.is_exact:
        return None
    pairs = sum(len(train) * (len(train) - 1) // 2 + len(test) * len(train) for train, test in splits)
    circuit = kernel_circuit_price(request.feature_map, num_encoded, connection)
    return RunCost(circuit, pairs * num_maps, connection.shots or 0)
