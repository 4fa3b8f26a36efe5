"""Which fidelities a kernel matrix needs: each unordered pair of distinct samples, once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.checks import numeric_array


def check_samples(name: str, values: ArrayLike) -> FloatArray:
    """Return samples as a float array of shape (number of samples, number of features).

    One sample may come as a one-dimensional array, as in qiskit-machine-learning.

    Raises:
        ValueError: If the array has the wrong number of dimensions, no features, or values that are not finite.
        TypeError: If the values are not real numbers.
    """
    if not isinstance(values, np.ndarray) or isinstance(values, np.ma.MaskedArray) or values.dtype.kind not in "biuf":
        numeric_array(name, values)
    array = np.asarray(values)
    array = np.atleast_2d(array).astype(np.float64)
    if array.ndim != 2:
        raise ValueError(f"{name} must have the shape (samples, features), but {np.shape(values)} came.")
    if array.shape[1] == 0:
        raise ValueError(f"{name} has no features.")
    if not np.all(np.isfinite(array)):
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(
            f"{name} has the value {array[row, column]} in row {row}, column {column}. "
            "Fill in or remove missing and infinite values first."
        )
    return array


@dataclass(frozen=True)
class PairPlan:
    """The distinct samples among the rows (and columns) of a kernel matrix and the pairs that it needs.

    Attributes:
        samples: The distinct samples, shape (d, features), as they first appear.
        row_index: For each row of the matrix, its distinct sample.
        column_index: For each column of the matrix, its distinct sample.
        pairs: The unordered pairs of different distinct samples that occur, each once, shape (p, 2), first < second.
        same: The distinct samples that meet themselves.
    """

    samples: FloatArray
    row_index: IndexArray
    column_index: IndexArray
    pairs: IndexArray
    same: IndexArray

    def fill(self, pair_values: FloatArray, same_values: FloatArray) -> FloatArray:
        """Build the matrix from a value for each pair and one for each sample that meets itself."""
        number = len(self.samples)
        table = np.zeros((number, number))
        table[self.pairs[:, 0], self.pairs[:, 1]] = pair_values
        table[self.pairs[:, 1], self.pairs[:, 0]] = pair_values
        table[self.same, self.same] = same_values
        filled: FloatArray = table[np.ix_(self.row_index, self.column_index)]
        return filled


def plan_pairs(x: FloatArray, y: FloatArray | None) -> PairPlan:
    """Find the distinct samples and the pairs that the matrix of ``x`` against ``y`` (or against itself) needs."""
    rows = len(x)
    stacked = x if y is None else np.concatenate([x, y])
    _, first, inverse = np.unique(stacked, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    index = rank[inverse.reshape(-1)]
    row_index, column_index = (index, index) if y is None else (index[:rows], index[rows:])
    number = len(first)
    needed = np.zeros((number, number), dtype=bool)
    needed[np.ix_(np.unique(row_index), np.unique(column_index))] = True
    needed |= needed.T
    pairs = np.argwhere(np.triu(needed, k=1))
    return PairPlan(stacked[first[order]], row_index, column_index, pairs, np.flatnonzero(np.diagonal(needed)))
