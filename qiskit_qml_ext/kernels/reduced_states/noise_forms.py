"""What the noise of two sets of estimates does to their squared distances and inner products.

f_i are the vectors of the rows, g_j those of the columns, C_i and C_j the covariances of their estimates. All that the
variances of Σ (f - g)², Σ fg and normalised products consist of are the forms below, as matrices over pairs. Those that
are linear in C are summed over blocks of values that are measured together.
"""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.kernels.reduced_states.projections import Projections


@dataclass(frozen=True, eq=False)
class NoiseForms:
    """Quadratic forms of pairs of samples with their covariances; rows and columns broadcast."""

    own_row: FloatArray
    """f_iᵀ C_i f_i, shape (rows, 1)."""
    own_column: FloatArray
    """g_jᵀ C_j g_j, shape (columns,)."""
    square_row: FloatArray
    """Tr C_i², shape (rows, 1)."""
    square_column: FloatArray
    """Tr C_j², shape (columns,)."""
    mixed_row: FloatArray
    """f_iᵀ C_i g_j, shape (rows, columns)."""
    mixed_column: FloatArray
    """f_iᵀ C_j g_j, shape (rows, columns)."""
    other_row: FloatArray
    """g_jᵀ C_i g_j, shape (rows, columns)."""
    other_column: FloatArray
    """f_iᵀ C_j f_i, shape (rows, columns)."""

    @property
    def overlap(self) -> FloatArray:
        """√(Tr C_i² Tr C_j²), shape (rows, columns): the largest Tr C_i C_j, which it is where two samples agree.

        Only there, where all else is small, does it count.
        """
        overlap: FloatArray = np.sqrt(self.square_row * self.square_column)
        return overlap


def noise_forms(projections: Projections, scales: FloatArray, rows: IndexArray, columns: IndexArray) -> NoiseForms:
    """Return the forms of pairs of estimated projections.

    Args:
        projections: The estimates of distinct samples.
        scales: What each value is multiplied by, shape (values,).
        rows: The sample of each row.
        columns: The sample of each column.
    """
    of_rows = _one_side(projections, scales, rows, columns)
    of_columns = of_rows if np.array_equal(rows, columns) else _one_side(projections, scales, columns, rows)
    return NoiseForms(
        of_rows.own[:, None],
        of_columns.own,
        of_rows.square[:, None],
        of_columns.square,
        of_rows.mixed,
        of_columns.mixed.T,
        of_rows.other,
        of_columns.other.T,
    )


@dataclass(frozen=True, eq=False)
class _OneSide:
    """The forms with the covariances of the samples of one side."""

    own: FloatArray
    square: FloatArray
    mixed: FloatArray
    other: FloatArray


def _one_side(projections: Projections, scales: FloatArray, samples: IndexArray, others: IndexArray) -> _OneSide:
    """Return the forms of samples with their own covariances, beside other samples; one sample after the other."""
    covariances, vectors = projections.covariances, projections.values * scales
    assert covariances is not None, "exact values have no noise"
    distinct, place = np.unique(samples, return_inverse=True)
    far = vectors[others]
    parts = [(values, np.outer(scales[values], scales[values]), far[:, values]) for values in covariances.blocks]
    own, square = np.empty(len(distinct)), np.empty(len(distinct))
    mixed, other = np.empty((len(distinct), len(others))), np.empty((len(distinct), len(others)))
    for row, sample in enumerate(distinct.tolist()):
        variances, mine = covariances.variances[sample] * scales**2, vectors[sample]
        turned, whole = variances * mine, np.diag(variances)
        other[row] = far**2 @ variances
        for block, (values, weights, part) in enumerate(parts):
            matrix = covariances.of(block, sample) * weights
            turned[values] += matrix @ mine[values]
            whole[np.ix_(values, values)] += matrix
            other[row] += np.einsum("nf,nf->n", part @ matrix, part)
        own[row], square[row], mixed[row] = mine @ turned, np.sum(whole**2), far @ turned
    place = place.ravel()
    return _OneSide(own[place], square[place], mixed[place], other[place])
