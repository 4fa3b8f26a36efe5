r"""Matrices from counts of the inversion test, and gradients from counts of shifted circuits.

K_ij is the probability of the all-zeros outcome of U(y)†U(x), in which x and y are all parameters of U, weights
included. So by each angle of one half K_ij is a trigonometric polynomial with the frequencies of that angle's gate, and
a shift rule gives its derivative exactly. An angle of sample i occurs in all pairs of i: the derivative of a loss by it
is Σ_j H_ij ∂K_ij, H = G + Gᵀ for the derivatives G of the loss by the entries. Pairs whose H_ij is 0 are not run.
"""

from collections.abc import Sequence

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.gradients.methods.shifted_points import shifted_points
from qiskit_qml_ext.kernels.data_binding import check_domain
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.methods.inversion_circuit import InversionTest, inversion_test_on
from qiskit_qml_ext.kernels.outcomes import OutcomeCounts
from qiskit_qml_ext.kernels.training.pairs import PullBack
from qiskit_qml_ext.primitives import Connection, RunPlan


class CountedPairs:
    """Matrices and gradients of an encoding by counts, each circuit once for all that share the connection."""

    gradient = "parameter_shift"
    is_exact = False

    def __init__(self, connection: Connection, encoding: Encoding):
        self.connection, self._encoding = connection, encoding

    def matrices(self, rows: Sequence[FloatArray]) -> list[FloatArray]:
        """Return the matrix of each set of rows, all of them from one job."""
        test = inversion_test_on(self.connection, *self._encoding.circuit_for(self.connection))
        ends = np.cumsum([len(one) for one in rows])
        pairs = [_upper(len(one)) + end - len(one) for one, end in zip(rows, ends, strict=True)]
        found = self._fidelities(test, np.concatenate(rows), np.concatenate(pairs))
        parts = np.split(found, np.cumsum([len(one) for one in pairs])[:-1])
        return [_symmetric(part, len(one)) for part, one in zip(parts, rows, strict=True)]

    def gradients(self, rows: FloatArray, columns: Sequence[int], pull_back: PullBack) -> FloatArray:
        """Return the derivatives of a loss by the parameters of each row; see :class:`Pairs`."""
        points = shifted_points(self._encoding.unitary, rows, columns)
        freed = Encoding(points.circuit)
        test = inversion_test_on(self.connection, *freed.circuit_for(self.connection))
        slopes = pull_back(self.matrices([rows])[0])
        both = slopes + slopes.T
        np.fill_diagonal(both, 0.0)
        weighted = self._weighted(test, points.points, both)
        found = np.zeros(rows.shape)
        found[:, list(columns)] = points.derivatives(weighted[:, :, None])[:, 0]
        return found

    def plan(
        self,
        rows: FloatArray,
        columns: Sequence[int],
        *,
        num_matrices: int = 1,
        price_per_minute: float | None = None,
    ) -> RunPlan:
        """Say what :meth:`gradients` takes of a loss of all pairs; without columns, what some matrices take.

        Args:
            rows: Shape (n, P).
            columns: The parameters by which derivatives are wanted.
            num_matrices: How many matrices at different parameters, without columns.
            price_per_minute: The price of a minute of processor time.
        """
        test = inversion_test_on(self.connection, *self._encoding.circuit_for(self.connection))
        pairs = OutcomeCounts(self.connection, test).missing(rows, _upper(len(rows)))
        if not columns:
            return self.connection.plan(
                [(test.circuit, np.tile(pairs, (num_matrices, 1)), None)], price_per_minute=price_per_minute
            )
        points = shifted_points(self._encoding.unitary, rows, columns)
        freed = Encoding(points.circuit)
        shifted = inversion_test_on(self.connection, *freed.circuit_for(self.connection))
        number, shifts, _ = points.points.shape
        first, second = np.nonzero(~np.eye(number, dtype=bool))
        moved = _moved_pairs(first, second, shifts)
        values = OutcomeCounts(self.connection, shifted).missing(points.points.reshape(number * shifts, -1), moved)
        pubs = [(test.circuit, pairs, None), (shifted.circuit, values, None)]
        jobs = sum(self.connection.plan([pub]).jobs for pub in pubs if len(pub[1]))  # the slopes want the matrix first
        return self.connection.plan(pubs, price_per_minute=price_per_minute).with_jobs(jobs)

    def _weighted(self, test: InversionTest, points: FloatArray, both: FloatArray) -> FloatArray:
        """Return Σ_j both_ij K(i at its point s, j at its own), shape (n, S); the point 0 is the sample's own."""
        number, shifts, _ = points.shape
        first, second = np.nonzero(both)
        pairs = _moved_pairs(first, second, shifts)
        values = self._fidelities(test, points.reshape(number * shifts, -1), pairs).reshape(len(first), shifts - 1)
        sums = np.zeros((number, shifts))
        np.add.at(sums[:, 1:], first, both[first, second][:, None] * values)
        return sums

    def _fidelities(self, test: InversionTest, rows: FloatArray, pairs: IndexArray) -> FloatArray:
        """Return the fidelities of pairs of rows, shape (p,), 1 of equal ones; what is known is not run again."""
        if test.program is not None:
            check_domain(test.program, test.columns, rows, None)
        differ = np.any(rows[pairs[:, 0]] != rows[pairs[:, 1]], axis=1)
        [counts] = OutcomeCounts(self.connection, test).of(rows, pairs[differ])
        values = np.ones(len(pairs))
        values[differ] = counts.histograms[:, 0] / np.maximum(counts.shots, 1)
        return values


def _moved_pairs(first: IndexArray, second: IndexArray, shifts: int) -> IndexArray:
    """Return the rows of all pairs of a sample at each of its shifted points, and another at its own point."""
    moved = (first[:, None] * shifts + np.arange(1, shifts)).ravel()
    return np.stack([moved, np.repeat(second * shifts, shifts - 1)], axis=1)


def _upper(number: int) -> IndexArray:
    return np.stack(np.triu_indices(number, 1), axis=1)


def _symmetric(values: FloatArray, number: int) -> FloatArray:
    """Return the matrix with these values above its diagonal of ones, and below it."""
    matrix = np.eye(number)
    rows, columns = np.triu_indices(number, 1)
    matrix[rows, columns] = matrix[columns, rows] = values
    return matrix
