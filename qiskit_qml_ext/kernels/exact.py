"""Exact fidelities: one state for each distinct sample, then the squared moduli of all inner products.

A circuit whose qubits fall into groups that never interact is a product, and so is its kernel: each group is simulated
alone. Encodings without entanglement therefore work for any number of features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IndexArray, StateArray
from qiskit_qml_ext.engine import gram, state_memory
from qiskit_qml_ext.kernels.blocks import check_matrix, plan_blocks
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.approximation import used_qubits
from qiskit_qml_ext.program import RotationProgram, lower


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
        connection: Does the simulation; its ``max_memory`` bounds matrices and states together.
        factors: The encoding, from :func:`independent_factors`.
        x: Samples, shape (n, features).
        y: Samples, shape (m, features), or ``None``.

    Raises:
        StateTooLargeError: If the matrix and blocks of one state do not fit; nothing is simulated then.
    """
    shape = (len(x), len(x if y is None else y))
    product: FloatArray | None = None
    for factor in factors:
        task = _Task(connection, factor, x, y, shape, arrays=1 if product is None else 2)
        kernel = task.matrix()
        product = kernel if product is None else np.multiply(product, kernel, out=product)
    return np.ones(shape) if product is None else product


def independent_factors(circuit: QuantumCircuit) -> list[Factor]:
    """Split a unitary circuit into factors that share no instruction.

    The common global phase and qubits on which nothing acts are left out: they change no fidelity.

    Args:
        circuit: A circuit from :func:`~qiskit_qml_ext.program.unitary_part.unitary_part`.
    """
    groups = _interacting_qubits(circuit)
    if len(groups) == 1 and len(groups[0]) == circuit.num_qubits:
        return [Factor(lower(circuit), None)]
    place = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    return [
        Factor(lower(part), np.array([place[parameter] for parameter in part.parameters], dtype=np.intp))
        for part in (_part_on(circuit, group) for group in groups)
    ]


def _part_on(circuit: QuantumCircuit, qubits: Sequence[int]) -> QuantumCircuit:
    """Return what acts on some qubits; no instruction may act on some of them and on others too."""
    part = QuantumCircuit(len(qubits))
    new_index = {circuit.qubits[qubit]: index for index, qubit in enumerate(qubits)}
    for item in circuit.data:
        if item.qubits and item.qubits[0] in new_index:
            part.append(item.operation, [new_index[qubit] for qubit in item.qubits])
    return part


def _interacting_qubits(circuit: QuantumCircuit) -> list[list[int]]:
    """List the groups of used qubits that instructions join, directly or through others."""
    group_of = {qubit: {qubit} for qubit in used_qubits(circuit)}
    for item in circuit.data:
        if len(item.qubits) < 2:
            continue
        joined = set().union(*(group_of[circuit.find_bit(qubit).index] for qubit in item.qubits))
        for qubit in joined:
            group_of[qubit] = joined
    return sorted({min(group): sorted(group) for group in group_of.values()}.values())


class _Task:
    """The matrix of one factor: between distinct samples, in blocks that fit, then spread over equal samples."""

    def __init__(
        self,
        connection: Connection,
        factor: Factor,
        x: FloatArray,
        y: FloatArray | None,
        shape: tuple[int, int],
        *,
        arrays: int,
    ):
        self._connection = connection
        self._program = factor.program
        self._x, self._row_of = _distinct(factor.select(x))
        self._y: FloatArray | None = None
        self._column_of = self._row_of
        if y is not None:
            self._y, self._column_of = _distinct(factor.select(y))
        spread = self._row_of is not None or self._column_of is not None
        self._shape = shape
        self._spread = spread
        self._blocks = plan_blocks(
            self._program,
            connection.dtype,
            len(self._x),
            0 if self._y is None else len(self._y),
            matrices=check_matrix(shape, arrays + spread, connection.max_memory),
            max_memory=connection.max_memory,
        )

    def matrix(self) -> FloatArray:
        """Compute the matrix between all samples."""
        kernel = self._between_distinct()
        if not self._spread:
            return kernel
        rows = np.arange(len(kernel)) if self._row_of is None else self._row_of
        columns = np.arange(kernel.shape[1]) if self._column_of is None else self._column_of
        return kernel[np.ix_(rows, columns)]

    def _between_distinct(self) -> FloatArray:
        x, y, blocks = self._x, self._y, self._blocks
        if y is None:
            kernel = self._symmetric(x)
            np.fill_diagonal(kernel, 1.0)
            return kernel
        if blocks.rows >= len(x) and blocks.columns >= len(y):
            return gram(self._states(x), self._states(y, beside=len(x)))
        # The states of the smaller side are held, so that the larger one is simulated least often.
        return self._rectangular(x, y) if len(x) <= len(y) else self._rectangular(y, x).T

    def _symmetric(self, x: FloatArray) -> FloatArray:
        size = self._blocks.rows
        if size >= len(x):
            return gram(self._states(x))
        kernel = np.empty((len(x), len(x)))
        for top in range(0, len(x), size):
            rows = slice(top, min(top + size, len(x)))
            states = self._states(x[rows])
            kernel[rows, rows] = gram(states)
            for columns in self._columns(rows.stop, len(x)):
                kernel[rows, columns] = gram(states, self._states(x[columns], beside=len(states)))
                kernel[columns, rows] = kernel[rows, columns].T
            del states  # before the next block is there
        return kernel

    def _rectangular(self, x: FloatArray, y: FloatArray) -> FloatArray:
        kernel = np.empty((len(x), len(y)))
        for top in range(0, len(x), self._blocks.rows):
            rows = slice(top, min(top + self._blocks.rows, len(x)))
            states = self._states(x[rows])
            for columns in self._columns(0, len(y)):
                kernel[rows, columns] = gram(states, self._states(y[columns], beside=len(states)))
            del states  # before the next block is there
        return kernel

    def _columns(self, first: int, last: int) -> Iterator[slice]:
        step = max(1, self._blocks.columns)
        return (slice(left, min(left + step, last)) for left in range(first, last, step))

    def _states(self, values: FloatArray, beside: int = 0) -> StateArray:
        """Simulate a block of states while others are held."""
        blocks, connection = self._blocks, self._connection
        if blocks.memory is None:
            return connection.statevectors(self._program, values)
        held = beside * state_memory(self._program.num_qubits, connection.dtype)
        return connection.statevectors(self._program, values, max_memory=blocks.memory - held)


def _distinct(samples: FloatArray) -> tuple[FloatArray, IndexArray | None]:
    """Return the distinct samples as they first appear and each sample's place among them, ``None`` if all differ."""
    if samples.shape[1] == 0:  # a factor without data: one state serves all samples
        return samples[:1], np.zeros(len(samples), dtype=np.intp)
    # Adding 0.0 turns -0.0 into 0.0: the same angle, but not the same bytes.
    rows = np.ascontiguousarray(samples + 0.0).view(f"V{8 * samples.shape[1]}").ravel().tolist()
    distinct = dict.fromkeys(rows)
    if len(distinct) == len(samples):
        return samples, None
    place = {row: index for index, row in enumerate(distinct)}
    places = np.array([place[row] for row in rows], dtype=np.intp)
    first = np.full(len(place), len(samples))
    np.minimum.at(first, places, np.arange(len(samples)))
    return samples[first], places
