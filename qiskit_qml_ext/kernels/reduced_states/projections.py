"""Expectation values of samples, exact or estimated, and the covariances of the estimates.

Paulis that one shot measures together have correlated estimates, strongly so for entangled states, so the covariances
are kept: standard errors without them would be wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.reduced_states.outcomes import Outcomes
from qiskit_qml_ext.kernels.reduced_states.paulis import PauliTable


class Covariances(Protocol):
    """Knows the covariances of the estimates of each sample; those of different samples are independent."""

    def of(self, row: int) -> FloatArray:
        """Return the covariance matrix of the estimates of a sample, shape (values, values)."""


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


@dataclass(frozen=True, eq=False)
class IndependentEstimates:
    """Covariances of values that were estimated each by itself, or of which nothing else is known."""

    values: FloatArray
    """Shape (samples, values)."""
    shots: IntArray
    """Same shape."""

    def of(self, row: int) -> FloatArray:
        """Return a diagonal matrix."""
        return np.diag(binomial_variances(self.values[row], self.shots[row]))


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
        self._read: list[IndexArray] = [np.flatnonzero(reads) for reads in self.readings(table, settings)]
        shape = len(outcomes), len(table.paulis)
        self.sums, self.shots = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, of_settings in enumerate(outcomes):
            for read, outcome in zip(self._read, of_settings, strict=True):
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

    def of(self, row: int) -> FloatArray:
        """Return the covariance matrix of the estimates of a sample.

        Two Paulis share the shots of the settings that read both. The diagonal is that of
        :func:`binomial_variances` where this is larger.
        """
        shots = self.shots[row]
        matrix = np.zeros((len(shots), len(shots)))
        for read, outcome in zip(self._read, self._outcomes[row], strict=True):
            signs = self._signs(read, outcome).astype(np.float64)
            means = outcome.counts @ signs / outcome.shots
            weighted = (signs * outcome.counts[:, None]).T @ signs
            shared = (weighted - outcome.shots * np.outer(means, means)) * outcome.shots / (outcome.shots - 1)
            matrix[np.ix_(read, read)] += shared / np.outer(shots[read], shots[read])
        diagonal = np.maximum(np.diagonal(matrix), binomial_variances(self.values[row], shots))
        np.fill_diagonal(matrix, diagonal)
        return matrix

    def projections(self) -> Projections:
        """Return the values with their shots and covariances."""
        return Projections(self.values, self.shots, self)
