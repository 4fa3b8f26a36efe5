"""Two feature maps of three qubits whose kernels are known to ten digits, and distributions of outcomes by Qiskit."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Statevector

POINTS = np.array([[0.1, 0.5, 0.9], [0.4, -0.3, 1.2], [-0.7, 0.8, 0.2]])
PAIRS = np.triu_indices(3, 1)  # 12, 13, 23


def commuting_map():
    """A single IQP block."""
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    for qubit in range(3):
        circuit.rz(x[qubit], qubit)
    circuit.rzz(x[0] * x[1], 0, 1)
    circuit.rzz(x[1] * x[2], 1, 2)
    return circuit


def general_map():
    """Rotations about several axes between entangling gates."""
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(3)
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


# computed with qiskit.quantum_info and with PennyLane, which agree to 1e-15
COMMUTING = {
    "fidelity": (0.6819267481, 0.6617880162, 0.3475737489),
    "hamming": (0.8456202540, 0.8423837622, 0.7059037439),
    "bit_flip_tolerant": (0.8594649348, 0.8863079413, 0.7810638915),
}
GENERAL = {
    "fidelity": (0.2865871676, 0.2474560771, 0.0882608367),
    "hamming": (0.6944977186, 0.6235060615, 0.5447239883),
    "bit_flip_tolerant": (0.7978804841, 0.6693966071, 0.6134541445),
}
GENERAL_TURNED_ROUND = {
    "fidelity": GENERAL["fidelity"],
    "hamming": (0.6959084686, 0.5996344708, 0.5021746175),
    "bit_flip_tolerant": (0.8195991418, 0.5589108348, 0.4481974129),
}
MAPS = {
    "commuting": (commuting_map, COMMUTING),
    "general": (general_map, {name: np.add(GENERAL[name], GENERAL_TURNED_ROUND[name]) / 2 for name in GENERAL}),
}


def outcomes(circuit, x, y):
    """Return the probabilities of the outcomes of U(y)†U(x), shape (2**n,), by Qiskit's states."""
    forward, backward = circuit.assign_parameters(x), circuit.assign_parameters(y).inverse()
    return Statevector(forward.compose(backward)).probabilities()


def weights_of(probabilities):
    """Return the probability of each number of ones."""
    n = len(probabilities).bit_length() - 1
    ones = np.array([bin(outcome).count("1") for outcome in range(len(probabilities))])
    return np.array([probabilities[ones == weight].sum() for weight in range(n + 1)])


def kernel_of(circuit, values, x, y, *, both=True):
    """Return the matrix of a function of the number of ones, by Qiskit's states."""

    def entry(a, b):
        there = weights_of(outcomes(circuit, a, b)) @ values
        return (there + weights_of(outcomes(circuit, b, a)) @ values) / 2 if both else there

    return np.array([[entry(a, b) for b in y] for a in x])
