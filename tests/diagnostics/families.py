"""Circuits whose variances are known in closed form."""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qiskit_qml_ext.diagnostics import global_observable, local_observable


def product_circuit(num_qubits: int) -> QuantumCircuit:
    """One RX on each qubit (Cerezo et al., arXiv:2001.00550)."""
    circuit = QuantumCircuit(num_qubits)
    for qubit, angle in enumerate(ParameterVector("θ", num_qubits)):
        circuit.rx(angle, qubit)
    return circuit


def layered_circuit(num_qubits: int, layers: int) -> QuantumCircuit:
    """Layers of RY and RZ on every qubit, then a ladder of CZ."""
    circuit = QuantumCircuit(num_qubits)
    angles = iter(ParameterVector("θ", 2 * num_qubits * layers))
    for _ in range(layers):
        for qubit in range(num_qubits):
            circuit.ry(next(angles), qubit)
            circuit.rz(next(angles), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
    return circuit


EIGHT_QUBITS = [
    (1, global_observable, 1 / 256),
    (2, global_observable, 0.00241452456),
    (1, local_observable, 0.5),
    (2, local_observable, 9 / 32),
]
"""Layers, observable and the exact variance of the loss of :func:`layered_circuit` on 8 qubits."""
