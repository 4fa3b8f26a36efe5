"""Two circuits of three qubits whose kernels are known to ten digits, computed by Qiskit's and PennyLane's states."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

X = np.array([(0.1, 0.5, 0.9), (0.4, -0.3, 1.2), (-0.7, 0.8, 0.2)])
PAIRS = ([0, 0, 1], [1, 2, 2])


def commuting() -> QuantumCircuit:
    """Hadamard gates, then diagonal ones with products of features."""
    x, circuit = ParameterVector("x", 3), QuantumCircuit(3)
    circuit.h(range(3))
    for qubit in range(3):
        circuit.rz(x[qubit], qubit)
    circuit.rzz(x[0] * x[1], 0, 1)
    circuit.rzz(x[1] * x[2], 1, 2)
    return circuit


def layered() -> QuantumCircuit:
    """Rotations about all axes between CX and CZ gates."""
    x, circuit = ParameterVector("x", 3), QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(x[qubit], qubit)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    for qubit in range(3):
        circuit.rx(x[(qubit + 1) % 3], qubit)
    for qubit in range(3):
        circuit.rz(x[qubit], qubit)
    circuit.cz(0, 2)
    for qubit in range(3):
        circuit.ry(x[qubit], qubit)
    return circuit
