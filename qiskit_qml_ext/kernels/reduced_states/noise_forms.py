"""What the noise of two sets of estimates does to their squared distances and inner products.

f_i are the vectors of the rows, g_j those of the columns, C_i and C_j the covariances of their estimates. All that the
variances of Σ (f - g)², Σ fg and normalised products consist of are the forms below, as matrices over pairs.
"""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.kernels.reduced_states.projections import Projections

_PAIRS = ("mixed_row", "mixed_column", "other_row", "other_column", "overlap")
_TILE_BYTES = 1 << 26  # of covariance matrices that are held on each side


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
    overlap: FloatArray
    """Tr C_i C_j, shape (rows, columns)."""


def noise_forms(projections: Projections, scales: FloatArray, rows: IndexArray, columns: IndexArray) -> NoiseForms:
    """Return the forms of pairs of estimated projections.

    Args:
        projections: The estimates of distinct samples.
        scales: What each value is multiplied by, shape (values,).
        rows: The sample of each row.
        columns: The sample of each column.
    """
    own_row, square_row = np.empty(len(rows)), np.empty(len(rows))
    own_column, square_column = np.empty(len(columns)), np.empty(len(columns))
    pairs = {name: np.empty((len(rows), len(columns))) for name in _PAIRS}
    step = max(1, _TILE_BYTES // (8 * len(scales) ** 2))
    for left in range(0, len(columns), step):
        right = slice(left, min(left + step, len(columns)))
        of_columns = _Side(projections, scales, columns[right])
        own_column[right], square_column[right] = of_columns.own, of_columns.square
        for top in range(0, len(rows), step):
            here = slice(top, min(top + step, len(rows)))
            same = np.array_equal(rows[here], columns[right])
            of_rows = of_columns if same else _Side(projections, scales, rows[here])
            own_row[here], square_row[here] = of_rows.own, of_rows.square
            for name, tile in zip(_PAIRS, _tile(of_rows, of_columns), strict=True):
                pairs[name][here, right] = tile
    return NoiseForms(own_row[:, None], own_column, square_row[:, None], square_column, **pairs)


class _Side:
    """Some samples with their vectors and covariances, the matrices as rows."""

    def __init__(self, projections: Projections, scales: FloatArray, samples: IndexArray):
        assert projections.covariances is not None, "exact values have no noise"
        distinct, place = np.unique(samples, return_inverse=True)
        weights = np.outer(scales, scales)
        matrices = np.stack([projections.covariances.of(int(sample)) * weights for sample in distinct])
        self.vectors = projections.values[samples] * scales
        turned = np.einsum("nij,nj->ni", matrices, projections.values[distinct] * scales)
        self.matrices, self.turned = matrices.reshape(len(distinct), -1)[place.ravel()], turned[place.ravel()]
        self.products = np.einsum("ni,nj->nij", self.vectors, self.vectors).reshape(len(samples), -1)
        self.own = np.einsum("ni,ni->n", self.turned, self.vectors)
        self.square = np.einsum("ni,ni->n", self.matrices, self.matrices)


def _tile(rows: _Side, columns: _Side) -> tuple[FloatArray, ...]:
    """Return the forms of pairs, in the order of :data:`_PAIRS`."""
    return (
        rows.turned @ columns.vectors.T,
        rows.vectors @ columns.turned.T,
        rows.matrices @ columns.products.T,
        rows.products @ columns.matrices.T,
        rows.matrices @ columns.matrices.T,
    )
