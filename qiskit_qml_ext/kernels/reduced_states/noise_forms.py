"""What the noise of two sets of estimates does to their squared distances and inner products.

f_i are the vectors of the rows, g_j those of the columns, C_i and C_j the covariances of their estimates. All that the
variances of Σ (f - g)², Σ fg and normalised products consist of are the forms below, as matrices over pairs.
"""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.kernels.reduced_states.projections import Projections

_TILE_BYTES = 1 << 26  # of covariance matrices that are held on each side


@dataclass(frozen=True, eq=False)
class NoiseForms:
    """Quadratic forms of pairs of samples with their covariances; each of shape (rows, columns)."""

    own_row: FloatArray
    """f_iᵀ C_i f_i."""
    own_column: FloatArray
    """g_jᵀ C_j g_j."""
    mixed_row: FloatArray
    """f_iᵀ C_i g_j."""
    mixed_column: FloatArray
    """f_iᵀ C_j g_j."""
    other_row: FloatArray
    """g_jᵀ C_i g_j."""
    other_column: FloatArray
    """f_iᵀ C_j f_i."""
    overlap: FloatArray
    """Tr C_i C_j."""
    square_row: FloatArray
    """Tr C_i²."""
    square_column: FloatArray
    """Tr C_j²."""


def noise_forms(projections: Projections, scales: FloatArray, rows: IndexArray, columns: IndexArray) -> NoiseForms:
    """Return the forms of pairs of estimated projections.

    Args:
        projections: The estimates of distinct samples.
        scales: What each value is multiplied by, shape (values,).
        rows: The sample of each row.
        columns: The sample of each column.
    """
    assert projections.covariances is not None, "exact values have no noise"
    vectors = projections.values * scales
    shape = len(rows), len(columns)
    forms = {name: np.empty(shape) for name in NoiseForms.__dataclass_fields__}
    step = max(1, _TILE_BYTES // (8 * len(scales) ** 2))
    for left in range(0, len(columns), step):
        right = slice(left, min(left + step, len(columns)))
        of_columns = _Side(projections, scales, vectors, columns[right])
        for top in range(0, len(rows), step):
            here = slice(top, min(top + step, len(rows)))
            of_rows = (
                of_columns
                if np.array_equal(rows[here], columns[right])
                else _Side(projections, scales, vectors, rows[here])
            )
            for name, tile in _tile(of_rows, of_columns).items():
                forms[name][here, right] = tile
    return NoiseForms(**forms)


class _Side:
    """Some samples with their vectors and covariances, the matrices as rows."""

    def __init__(self, projections: Projections, scales: FloatArray, vectors: FloatArray, samples: IndexArray):
        assert projections.covariances is not None
        distinct, place = np.unique(samples, return_inverse=True)
        weights = np.outer(scales, scales)
        matrices = np.stack([projections.covariances.of(int(sample)) * weights for sample in distinct])
        self.vectors = vectors[samples]
        self.matrices = matrices[place.ravel()].reshape(len(samples), -1)
        self.turned = np.einsum("nij,nj->ni", matrices, vectors[distinct])[place.ravel()]
        self.products = np.einsum("ni,nj->nij", self.vectors, self.vectors).reshape(len(samples), -1)
        self.own = np.einsum("ni,ni->n", self.turned, self.vectors)
        self.square = np.einsum("ni,ni->n", self.matrices, self.matrices)


def _tile(rows: _Side, columns: _Side) -> dict[str, FloatArray]:
    shape = len(rows.vectors), len(columns.vectors)
    return {
        "own_row": np.broadcast_to(rows.own[:, None], shape),
        "own_column": np.broadcast_to(columns.own, shape),
        "mixed_row": rows.turned @ columns.vectors.T,
        "mixed_column": rows.vectors @ columns.turned.T,
        "other_row": rows.matrices @ columns.products.T,
        "other_column": rows.products @ columns.matrices.T,
        "overlap": rows.matrices @ columns.matrices.T,
        "square_row": np.broadcast_to(rows.square[:, None], shape),
        "square_column": np.broadcast_to(columns.square, shape),
    }
