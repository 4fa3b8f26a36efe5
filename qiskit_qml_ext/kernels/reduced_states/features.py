"""Expectation values as features of samples, with their standard errors."""

from dataclasses import dataclass

from qiskit_qml_ext.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class PauliFeatures:
    """The expectation values of Paulis in the states of samples."""

    values: FloatArray
    """Shape (samples, paulis)."""
    standard_errors: FloatArray | None
    """The standard error of each value; ``None`` for exact results."""
    paulis: tuple[str, ...]
    """The Pauli of each column, such as ``"X0 Z3"``, with the numbers of the circuit's qubits."""
    shots: int | None
    """The fewest shots behind a value; ``None`` for exact results."""
    target: str
    """The name of the target that ran the circuits."""

    def __repr__(self) -> str:
        shots = "exact" if self.shots is None else f"shots={self.shots}"
        return f"PauliFeatures({self.values.shape[0]} samples × {self.values.shape[1]} Paulis [{shots}])"
