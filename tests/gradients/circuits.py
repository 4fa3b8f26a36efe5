"""Circuits A, B and C with their exact derivatives, and central differences of Qiskit's own states as an oracle.

The literals were computed without this package: numpy with inserted generators, finite differences and PennyLane 0.45.1
(differences below 1e-14), to ten digits.
"""

from dataclasses import dataclass, field

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector

DIGITS = 6e-11  # half a unit of the tenth digit


@dataclass(frozen=True)
class Known:
    circuit: QuantumCircuit
    observable: SparsePauliOp
    values: np.ndarray
    loss: float
    gradient: list[float]
    hessian: np.ndarray = field(repr=False)
    metric: np.ndarray = field(repr=False)


def symmetric(size, upper):
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return matrix + np.triu(matrix, 1).T


def circuit_a():
    t = ParameterVector("t", 3)
    circuit = QuantumCircuit(2)
    circuit.ry(t[0], 0)
    circuit.rx(t[1], 1)
    circuit.cry(t[2], 0, 1)
    return Known(
        circuit,
        SparsePauliOp(["ZX", "ZI"], [1.0, 0.5]),
        np.array([0.4, 0.9, 1.3]),
        0.4945242374,
        [0.4114619051, -0.6231787815, -0.0850678990],
        symmetric(3, [-0.2975517607, -0.5185071010, -0.2315581696, -0.4945242374, 0.1071990120, -0.0514577628]),
        np.diag([0.25, 0.25, 0.0096284024]),
    )


def circuit_b():
    t = ParameterVector("t", 6)
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(t[qubit], qubit)
    circuit.cz(0, 1)
    circuit.cz(1, 2)
    for qubit in range(3):
        circuit.rx(t[3 + qubit], qubit)
    hessian = np.zeros((6, 6))
    hessian[:5, :5] = symmetric(
        5,
        [
            *(-0.4649954169, 0.4349905997, -0.0711391933, 0.1927948671, 0.1604766839),
            *(-1.0101065484, -0.2046146990, 0.1678963520, 0.1545759274),
            *(-0.3336744204, -0.0084742088, -0.0056641520, -0.4649954169, 0.4919954166, -0.6894976508),
        ],
    )
    metric = np.diag([0.25] * 6)
    metric[3:, 3:] = symmetric(
        3, [0.2477259259, -0.0061527940, 0.0010449884, 0.2333528405, -0.0295472866, 0.1975560892]
    )
    return Known(
        circuit,
        SparsePauliOp(["IZZ", "XII", "IYI"], [1.0, 0.7, -0.3]),
        0.1 + 0.2 * np.arange(6),
        1.0101065484,
        [0.0848751821, -0.2661836483, 0.5797329229, -0.3651433634, -0.3809810038, 0.0],
        hessian,
        metric,
    )


def circuit_c():
    t = ParameterVector("t", 2)  # γ, β
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.rzz(t[0], 0, 1)
    circuit.rzz(2 * t[0], 1, 2)
    circuit.rz(t[0] * t[1], 0)
    circuit.rx(t[1], range(3))
    return Known(
        circuit,
        SparsePauliOp(["IZZ", "ZZI"]),
        np.array([0.6, 0.8]),
        1.2028477526,
        [0.2831720129, -0.1484638118],
        symmetric(2, [-6.9590068914, -0.3812957435, -4.8923666868]),
        symmetric(2, [1.41, 0.12, 1.0605522051]),
    )


KNOWN = {"A": circuit_a, "B": circuit_b, "C": circuit_c}


def statevector_loss(circuit, observable, values):
    """⟨O⟩ by Qiskit's own simulator and nothing of this package."""
    state = Statevector(circuit.assign_parameters(dict(zip(circuit.parameters, values, strict=True))))
    return float(np.real(state.expectation_value(observable)))


def statevector_gradient(circuit, observable, values, step=2e-3):
    """Central differences of the sixth order: step⁶ f⁽⁷⁾/140 and rounding eps/step, both below 1e-12 for f⁽⁷⁾ ~ 100."""
    weights = {1: 45 / 60, 2: -9 / 60, 3: 1 / 60}
    gradient = []
    for unit in np.eye(len(values)):
        total = 0.0
        for count, weight in weights.items():
            up = statevector_loss(circuit, observable, values + count * step * unit)
            down = statevector_loss(circuit, observable, values - count * step * unit)
            total += weight * (up - down)
        gradient.append(total / step)
    return np.array(gradient)
