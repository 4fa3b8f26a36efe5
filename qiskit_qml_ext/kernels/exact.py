"""Exact fidelities: one state for each distinct sample, then the squared moduli of all inner products.

A circuit whose qubits fall into groups that never interact is a product, and so is its kernel: each group is simulated
alone. Encodings without entanglement therefore work for any number of features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_qml_ext.engine import gram, state_memory
from qiskit_qml_ext.kernels.samples import FloatArray, IndexArray
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import RotationProgram, lower

_SMALL_BYTES = 2**24  # states that fit any machine
_MIN_BLOCK = 64  # states in a block: fewer would recompute states more than the products cost


@dataclass(frozen=True, eq=False)
class Factor:
    """A group of interacting qubits of an encoding circuit.

    Attributes:
        program: The group's circuit, lowered.
        columns: The features that it encodes, ascending; ``None`` where it encodes all of them.
    """

    program: RotationProgram
    columns: IndexArray | None

    def select(self, samples: FloatArray) -> FloatArray:
        """Return the columns of the samples that the group encodes."""
        return samples if self.columns is None else samples[:, self.columns]


def exact_fidelities(connection: Connection, factors: list[Factor], x: FloatArray, y: FloatArray | None) -> FloatArray:
    """Return |⟨φ(y_j)|φ(x_i)⟩|², shape (n, m); ``y=None`` means ``x`` again, with a diagonal of exactly 1.

    Args:
        connection: Does the simulation.
        factors: The encoding, from :func:`independent_factors`.
        x: Samples, shape (n, features).
        y: Samples, shape (m, features), or ``None``.
    """
    product: FloatArray | None = None
    for factor in factors:
        kernel = _fidelities(connection, factor.program, factor.select(x), None if y is None else factor.select(y))
        product = kernel if product is None else np.multiply(product, kernel, out=product)
    assert product is not None
    return product


def independent_factors(circuit: QuantumCircuit) -> list[Factor]:
    """Split a circuit into factors that share no instruction; their common global phase is left out."""
    groups = _interacting_qubits(circuit)
    if len(groups) == 1:
        return [Factor(lower(circuit), None)]
    place = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    factors = []
    for group in groups:
        factor = QuantumCircuit(len(group))
        new_index = {qubit: index for index, qubit in enumerate(group)}
        for instruction in circuit.data:
            qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
            if instruction.operation.name != "barrier" and qubits[0] in new_index:
                factor.append(instruction.operation, [new_index[qubit] for qubit in qubits])
        columns = np.array([place[parameter] for parameter in factor.parameters], dtype=np.intp)
        factors.append(Factor(lower(factor), columns))
    return factors


def _interacting_qubits(circuit: QuantumCircuit) -> list[list[int]]:
    """List the groups of qubits that instructions join, directly or through others."""
    group_of = {qubit: {qubit} for qubit in range(circuit.num_qubits)}
    for instruction in circuit.data:
        if instruction.operation.name == "barrier" or len(instruction.qubits) < 2:
            continue
        joined = set().union(*(group_of[circuit.find_bit(qubit).index] for qubit in instruction.qubits))
        for qubit in joined:
            group_of[qubit] = joined
    return sorted({min(group): sorted(group) for group in group_of.values()}.values())


def _fidelities(connection: Connection, program: RotationProgram, x: FloatArray, y: FloatArray | None) -> FloatArray:
    samples, rows = _distinct(x)
    others, columns = (samples, rows) if y is None else _distinct(y)
    size = _block_size(connection, program, max(len(samples), len(others)))
    if size >= max(len(samples), len(others)):
        states = connection.statevectors(program, samples)
        kernel = gram(states, None if y is None else connection.statevectors(program, others))
    else:
        kernel = _blockwise(connection, program, samples, None if y is None else others, size)
    if y is None:
        np.fill_diagonal(kernel, 1.0)
    if rows is None and columns is None:
        return kernel
    rows = np.arange(len(samples)) if rows is None else rows
    return kernel[np.ix_(rows, np.arange(len(others)) if columns is None else columns)]


def _blockwise(
    connection: Connection, program: RotationProgram, x: FloatArray, y: FloatArray | None, size: int
) -> FloatArray:
    """Compute the matrix with at most two blocks of states in memory; the inner block is simulated anew each time."""
    kernel = np.empty((len(x), len(x if y is None else y)))
    for top in range(0, len(x), size):
        rows = slice(top, min(top + size, len(x)))
        states = connection.statevectors(program, x[rows])
        if y is None:
            kernel[rows, rows] = gram(states)
        for left in range(rows.stop if y is None else 0, kernel.shape[1], size):
            columns = slice(left, min(left + size, kernel.shape[1]))
            kernel[rows, columns] = gram(states, connection.statevectors(program, (x if y is None else y)[columns]))
            if y is None:
                kernel[columns, rows] = kernel[rows, columns].T
    return kernel


def _block_size(connection: Connection, program: RotationProgram, wanted: int) -> int:
    """Return how many states may be held at a time: two blocks of them fit half of the connection's memory."""
    one = state_memory(program.num_qubits, connection.dtype)
    if wanted * one <= _SMALL_BYTES and connection.max_memory is None:  # asking how much is free takes a while
        return wanted
    return max(_MIN_BLOCK, min(wanted, connection.memory_budget // (4 * one)))


def _distinct(samples: FloatArray) -> tuple[FloatArray, NDArray[np.intp] | None]:
    """Return the distinct samples as they first appear and each sample's place among them, ``None`` if all differ."""
    if samples.shape[1] == 0:  # a factor without data: one state serves all samples
        return samples[:1], np.zeros(len(samples), dtype=np.intp)
    # Adding 0.0 turns -0.0 into 0.0: the same angle, but not the same bytes.
    rows = np.ascontiguousarray(samples + 0.0).view(f"V{8 * samples.shape[1]}").ravel().tolist()
    place = {row: index for index, row in enumerate(dict.fromkeys(rows))}
    if len(place) == len(samples):
        return samples, None
    places = np.array([place[row] for row in rows], dtype=np.intp)
    first = np.full(len(place), len(samples))
    np.minimum.at(first, places, np.arange(len(samples)))
    return samples[first], places
