"""Circuits of other packages as ``QuantumCircuit`` objects: their parameters by name, their states with the phase."""

from qiskit_qml_ext.circuits.conversion.cirq import from_cirq
from qiskit_qml_ext.circuits.conversion.pennylane import from_pennylane
from qiskit_qml_ext.circuits.conversion.qasm import from_qasm

__all__ = ["from_cirq", "from_pennylane", "from_qasm"]
