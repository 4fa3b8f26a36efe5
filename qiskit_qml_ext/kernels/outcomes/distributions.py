"""Exact probabilities of the Hamming weights of U(y)†U(x) for pairs of samples."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.engine import state_memory
from qiskit_qml_ext.kernels.factors import Factor
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.outcomes.pair_outcomes import PairOutcomes
from qiskit_qml_ext.kernels.outcomes.read_pairs import in_fixed_order
from qiskit_qml_ext.kernels.readings import Reading, ReadoutErrors, values_of
from qiskit_qml_ext.kernels.samples import DistinctPairs
from qiskit_qml_ext.primitives import Connection

_TILE_BYTES = 1 << 26  # states that are there together; larger tiles are no faster
_SHARE = 4  # of the memory that may be used, beside probabilities and scratch of the simulation


@dataclass(frozen=True, eq=False)
class ExactOutcomes(PairOutcomes):
    """Exact distributions of outcomes for the pairs of a kernel matrix, simulated when they are asked for."""

    connection: Connection
    """Does the simulation, within its memory."""
    factors: tuple[Factor, ...]
    """The groups of interacting qubits of U(y)†U(x)."""
    columns: IndexArray
    """The parameters of U(y)†U(x) as columns of the features of x, followed by those of y."""
    needed: DistinctPairs
    """The pairs."""

    def raw(self, reading: Reading, *, both: bool, errors: ReadoutErrors | None = None) -> RawKernel:
        """Return the matrix of a reading; an entry of the diagonal is exactly f(0).

        Raises:
            ValueError: If readout errors came, which exact states do not have.
        """
        if errors is not None:
            raise exact_states_are_not_read()
        values = values_of(reading, self.num_qubits)
        samples = self.needed.samples
        used = self.columns[self.columns < samples.shape[1]]
        pairs = in_fixed_order(samples[:, used], self.needed.pairs)
        means = self._weights(samples[pairs[:, 0]], samples[pairs[:, 1]]) @ values
        if both:
            means = (means + self._weights(samples[pairs[:, 1]], samples[pairs[:, 0]]) @ values) / 2
        matrix = self.needed.fill(means, np.full(len(self.needed.same), values[0]))
        return RawKernel(matrix, None, None, self.connection.target_name, outcomes=self)

    def _weights(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return the probability of each Hamming weight for rows of x with rows of y, shape (rows, n + 1)."""
        total = np.ones((len(x), 1))
        for factor in self.factors:
            total = _convolved(total, self._weights_of(factor, x, y))
        return total

    def _weights_of(self, factor: Factor, x: FloatArray, y: FloatArray) -> FloatArray:
        values = factor.select(np.concatenate([x, y], axis=1)[:, self.columns])
        num_qubits, dtype = factor.program.num_qubits, self.connection.dtype
        by_weight = np.bitwise_count(np.arange(2**num_qubits, dtype=np.uint64))
        order = np.argsort(by_weight, kind="stable")
        starts = np.searchsorted(by_weight[order], np.arange(num_qubits + 1))
        weights = np.empty((len(x), num_qubits + 1))
        room = min(_TILE_BYTES, self.connection.memory_budget // _SHARE)
        for rows in _tiles(len(x), max(1, room // state_memory(num_qubits, dtype))):
            states = self.connection.statevectors(factor.program, values[rows])
            probabilities = states.real.astype(np.float64) ** 2 + states.imag.astype(np.float64) ** 2
            weights[rows] = np.add.reduceat(probabilities[:, order], starts, axis=1)
        return weights


def exact_states_are_not_read() -> ValueError:
    """Return the error for readout errors that nothing has."""
    return ValueError("readout_correction goes with counts; exact states are not read out, so nothing is wrong.")


def _tiles(number: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, number)) for start in range(0, number, size))


def _convolved(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the distribution of the sum of two independent numbers, row by row."""
    total = np.zeros((len(one), one.shape[1] + other.shape[1] - 1))
    for number in range(other.shape[1]):
        total[:, number : number + one.shape[1]] += one * other[:, number : number + 1]
    return total
