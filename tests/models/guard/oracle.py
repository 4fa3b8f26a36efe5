"""Gradients and their shot noise with none of our code: states in NumPy, derivatives from differences."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Pauli

STEP = 1e-4  # of the central differences: their error is some 1e-9, far below what is compared


_PAULIS = {name: Operator(Pauli(name)).data for name in ("X", "Y", "Z", "XX", "YY", "ZZ")}


def states(circuit: QuantumCircuit, values: np.ndarray) -> np.ndarray:
    """The states at each row of values, columns in the order of ``circuit.parameters``; shape (rows, 2**n)."""
    n, rows = circuit.num_qubits, len(values)
    place = {parameter: column for column, parameter in enumerate(circuit.parameters)}
    state = np.zeros((rows, *(2,) * n), dtype=complex)
    state[(slice(None), *(0,) * n)] = 1
    for item in circuit.data:
        axes = [n - circuit.find_bit(qubit).index for qubit in reversed(item.qubits)]
        k = len(axes)
        moved = np.moveaxis(state, axes, range(1, k + 1)).reshape(rows, 2**k, -1)
        moved = _matrices(item.operation, place, values) @ moved
        state = np.moveaxis(moved.reshape(rows, *(2,) * n), range(1, k + 1), axes)
    return state.reshape(rows, -1)


def _matrices(operation, place, values):
    """The matrix of a gate at each row: fixed gates by Qiskit, rotations by exp(-iθP/2) = cos(θ/2) - i sin(θ/2) P."""
    if not operation.is_parameterized():
        return operation.to_matrix()[None]
    (expression,) = operation.params
    columns = {parameter: values[:, place[parameter]] for parameter in expression.parameters}
    angles = np.array([
        float(expression.bind({p: column[row] for p, column in columns.items()})) for row in range(len(values))
    ]) if expression not in columns else columns[expression]  # fmt: skip
    if operation.name == "p":
        return np.stack([np.diag([1, np.exp(1j * angle)]) for angle in angles])
    pauli = _PAULIS[operation.name[1:].upper()]
    half = angles[:, None, None] / 2
    return np.cos(half) * np.eye(len(pauli)) - 1j * np.sin(half) * pauli


def means(circuit: QuantumCircuit, observable: np.ndarray, values: np.ndarray) -> np.ndarray:
    """⟨O⟩ of a diagonal, shape (rows,)."""
    return np.abs(states(circuit, values)) ** 2 @ observable


def derivatives(circuit, observable, values, columns) -> np.ndarray:
    """Central differences of ⟨O⟩ by these columns, shape (rows, columns)."""
    shifts = np.zeros((2 * len(columns), values.shape[1]))
    for number, column in enumerate(columns):
        shifts[2 * number, column], shifts[2 * number + 1, column] = STEP, -STEP
    read = means(circuit, observable, (values[:, None] + shifts).reshape(-1, values.shape[1]))
    pairs = read.reshape(len(values), len(columns), 2)
    return (pairs[..., 0] - pairs[..., 1]) / (2 * STEP)


def noise_of_derivatives(circuit, observable, values, columns) -> np.ndarray:
    """(σ₊² + σ₋²)/4 of one shot for parameters that drive one rotation each, shape (rows, columns).

    The observable is a diagonal, read from one measurement of all qubits: its variance is ⟨O²⟩ - ⟨O⟩².
    """
    shifts = np.zeros((2 * len(columns), values.shape[1]))
    for number, column in enumerate(columns):
        shifts[2 * number, column], shifts[2 * number + 1, column] = np.pi / 2, -np.pi / 2
    points = (values[:, None] + shifts).reshape(-1, values.shape[1])
    outcomes = np.abs(states(circuit, points)) ** 2
    variance = outcomes @ observable**2 - (outcomes @ observable) ** 2
    return variance.reshape(len(values), len(columns), 2).sum(axis=2) / 4
