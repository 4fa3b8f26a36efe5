"""The circuits in PennyLane; its wire 0 is the most significant bit, so qubits are counted from the other end."""

from collections.abc import Iterable
from typing import Any

import pennylane as qml

from benchmarks.inputs import FEATURE_MAP_REPS, Gate, zz_pairs


def zz_operations(singles: Any, doubles: Any, num_qubits: int) -> None:
    """Queue the ZZ feature map; angles as of ``inputs.zz_angles``, with or without a leading axis of samples."""
    for _ in range(FEATURE_MAP_REPS):
        for qubit in range(num_qubits):
            qml.Hadamard(num_qubits - 1 - qubit)
        for qubit in range(num_qubits):
            qml.RZ(singles[..., qubit], num_qubits - 1 - qubit)
        for place, (first, second) in enumerate(zz_pairs(num_qubits)):
            qml.IsingZZ(doubles[..., place], [num_qubits - 1 - first, num_qubits - 1 - second])


def queue_gates(gates: Iterable[Gate], features: Any, weights: Any, num_qubits: int) -> None:
    """Queue a list of gates for one sample."""
    for name, qubits, column in gates:
        wires = [num_qubits - 1 - qubit for qubit in qubits]
        if name == "cx":
            qml.CNOT(wires)
        elif name == "cz":
            qml.CZ(wires)
        else:
            angle = features[column] if column < num_qubits else weights[column - num_qubits]
            {"rx": qml.RX, "ry": qml.RY, "rz": qml.RZ}[name](angle, wires)
