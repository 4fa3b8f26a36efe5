"""Expectation values of samples, exact or estimated, and the covariances of the estimates.

Paulis that one shot measures together have correlated estimates, strongly so for entangled states, so the covariances
are kept: standard errors without them would be wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.reduced_states.local_circuit import LocalCircuit, pauli_turns
from qiskit_qml_ext.kernels.reduced_states.outcomes import LocalOutcomes, Outcomes
from qiskit_qml_ext.kernels.reduced_states.paulis import PauliTable
from qiskit_qml_ext.kernels.reduced_states.settings import covering_settings
from qiskit_qml_ext.primitives import Connection


class Covariances(Protocol):
    """Knows the covariances of the estimates of each sample, C = diag(v) + Σ_b C_b; those of samples are independent.

    The sum is over blocks of values that are measured together, since most values are not.
    """

    @property
    def variances(self) -> FloatArray:
        """The part v of each estimate's variance that is in no block, shape (samples, values)."""

    @property
    def blocks(self) -> Sequence[IndexArray]:
        """The values of each block; a value may be in several."""

    def of(self, block: int, row: int) -> FloatArray:
        """Return the matrix C_b of a block for a sample, shape (values of the block, values of the block)."""


def covariance_matrix(covariances: Covariances, row: int) -> FloatArray:
    """Return the covariance matrix of all estimates of a sample, shape (values, values)."""
    matrix = np.diag(covariances.variances[row])
    for block, values in enumerate(covariances.blocks):
        matrix[np.ix_(values, values)] += covariances.of(block, row)
    return matrix


@dataclass(frozen=True, eq=False)
class Projections:
    """The expectation values of samples."""

    values: FloatArray
    """Shape (samples, values)."""
    shots: IntArray | None = None
    """The shots behind each value, same shape; ``None`` for exact values."""
    covariances: Covariances | None = None
    """Of the estimates; ``None`` for exact values."""

    @property
    def errors(self) -> FloatArray | None:
        """The standard error of each value, or ``None`` for exact values."""
        return None if self.shots is None else np.sqrt(binomial_variances(self.values, self.shots))


def binomial_variances(values: FloatArray, shots: IntArray) -> FloatArray:
    """Return the variances 4p(1-p)/M of means of M outcomes ±1, with p = (c + 1)/(M + 2) from the count c of +1.

    The shifted p (Laplace's rule) keeps the variance above zero where all outcomes agree.
    """
    p = ((1 + values) / 2 * shots + 1) / (shots + 2)
    variances: FloatArray = 4 * p * (1 - p) / shots
    return variances


class IndependentEstimates:
    """Covariances of values that were estimated each by itself, or of which nothing else is known.

    Args:
        values: Shape (samples, values).
        shots: Same shape.
    """

    blocks: Sequence[IndexArray] = ()

    def __init__(self, values: FloatArray, shots: IntArray):
        self.variances = binomial_variances(values, shots)

    def of(self, block: int, row: int) -> FloatArray:
        """Return the matrix of a block, of which there are none."""
        raise IndexError(block)


class MeasuredPaulis:
    """The Paulis of a table, estimated from outcomes in settings.

    A Pauli is read from every setting that agrees with it on its support; the outcomes of these settings are pooled.

    Args:
        table: The Paulis.
        settings: The basis of each qubit, shape (settings, qubits).
        outcomes: Those of each sample in each setting.
    """

    def __init__(self, table: PauliTable, settings: IntArray, outcomes: Sequence[Sequence[Outcomes]]):
        self._outcomes = outcomes
        self._supports = (table.paulis > 0).astype(np.int64)
        self.blocks: list[IndexArray] = [np.flatnonzero(reads) for reads in self.readings(table, settings)]
        shape = len(outcomes), len(table.paulis)
        self.sums, self.shots = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, of_settings in enumerate(outcomes):
            for read, outcome in zip(self.blocks, of_settings, strict=True):
                self.sums[row, read] += outcome.counts @ self._signs(read, outcome)
                self.shots[row, read] += outcome.shots
        self.values: FloatArray = self.sums / self.shots

    @staticmethod
    def readings(table: PauliTable, settings: IntArray) -> BoolArray:
        """Tell which settings read which Paulis: those that agree with it on its support; shape (settings, paulis)."""
        agree = (table.paulis[None] == 0) | (table.paulis[None] == settings[:, None])
        reads: BoolArray = np.all(agree, axis=2)
        return reads

    def _signs(self, read: IndexArray, outcome: Outcomes) -> IntArray:
        """Return the value ±1 of each Pauli in each of the different outcomes, shape (outcomes, paulis)."""
        supports = self._supports[read]
        signs: IntArray = 1 - 2 * (outcome.bits(supports.shape[1]).astype(np.int64) @ supports.T & 1)
        return signs

    @cached_property
    def variances(self) -> FloatArray:
        """What the variances of :func:`binomial_variances` are more than those of the outcomes, or 0."""
        wanted = binomial_variances(self.values, self.shots)
        for row in range(len(wanted)):
            for block, values in enumerate(self.blocks):
                wanted[row, values] -= np.diagonal(self.of(block, row))
        return np.maximum(wanted, 0.0)

    def of(self, block: int, row: int) -> FloatArray:
        """Return what the shots of a setting make of the covariances of a sample's estimates.

        Each is a mean over the shots of several settings, of which these are a part.
        """
        outcome, values = self._outcomes[row][block], self.blocks[block]
        signs = self._signs(values, outcome).astype(np.float64)
        means = outcome.counts @ signs / outcome.shots
        spread = (signs * outcome.counts[:, None]).T @ signs - outcome.shots * np.outer(means, means)
        spread *= outcome.shots / (outcome.shots - 1)
        shots = self.shots[row, values]
        return spread / np.outer(shots, shots)

    def projections(self) -> Projections:
        """Return the values with their shots and covariances."""
        return Projections(self.values, self.shots, self)


def measured_paulis(
    connection: Connection, circuit: LocalCircuit, table: PauliTable, samples: FloatArray
) -> MeasuredPaulis:
    """Return the Paulis of a table in the states of samples, measured where they are not known yet.

    Args:
        connection: Where the circuit runs.
        circuit: The circuit.
        table: The Paulis.
        samples: Values of the feature map's parameters, shape (n, parameters).

    Raises:
        ValueError: If there is one shot only.
    """
    if connection.shots == 1:
        raise ValueError("One shot says nothing of its own noise. Take at least 2 shots, or better some hundreds.")
    settings = covering_settings(table.patches, table.paulis.shape[1])
    return MeasuredPaulis(table, settings, LocalOutcomes(connection, circuit).of(samples, pauli_turns(settings)))
