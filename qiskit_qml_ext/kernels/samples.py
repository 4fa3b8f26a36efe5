"""The samples of a kernel matrix, and which fidelities it needs: each unordered pair of distinct samples, once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.checks import numeric_array, wrong_value


def check_samples(name: str, values: ArrayLike) -> FloatArray:
    """Return samples as a float array of shape (number of samples, number of features).

    One sample may come as a one-dimensional array, as in qiskit-machine-learning.

    Raises:
        ValueError: If the array has the wrong number of dimensions, no features, or values that are not finite.
        TypeError: If the values are not real numbers.
    """
    if not isinstance(values, np.ndarray) or isinstance(values, np.ma.MaskedArray) or values.dtype.kind not in "biuf":
        numeric_array(name, values)
    array = np.array(np.asarray(values), dtype=np.float64, ndmin=2)
    if array.ndim != 2:
        raise ValueError(f"{name} must have the shape (samples, features), but {np.shape(values)} came.")
    if array.shape[1] == 0:
        raise ValueError(f"{name} has no features.")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(
            f"{name} has the value {array[row, column]} in row {row}, column {column}. "
            "Fill in or remove missing and infinite values first."
        )
    return array


def check_pair(x_vec: ArrayLike, y_vec: ArrayLike | None) -> tuple[FloatArray, FloatArray | None]:
    """Return the samples of the rows and of the columns of a kernel matrix; ``None`` for columns that equal the rows.

    There may be no columns: qiskit-machine-learning's ``PegasosQSVC`` asks so before it has a support vector.

    Raises:
        ValueError: If one of them is not valid, there are no rows, or they differ in the number of features.
    """
    x = check_samples("x_vec", x_vec)
    if not len(x):
        raise ValueError(f"x_vec must hold at least one sample, but its shape is {x.shape}.")
    if y_vec is None or y_vec is x_vec:
        return x, None
    y = check_samples("y_vec", y_vec)
    if x.shape[1] != y.shape[1]:
        raise wrong_value("the number of features of y_vec", f"that of x_vec, {x.shape[1]}", y.shape[1])
    return x, None if np.array_equal(x, y) else y


def distinct_samples(samples: FloatArray) -> tuple[FloatArray, IndexArray | None]:
    """Return the distinct samples as they first appear and each sample's place among them, ``None`` if all differ."""
    if samples.shape[1] == 0:  # of a circuit without data: one state serves all samples
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


@dataclass(frozen=True)
class DistinctPairs:
    """The distinct samples among the rows (and columns) of a kernel matrix and the pairs that it needs."""

    samples: FloatArray
    """The distinct samples, shape (d, features), as they first appear."""
    row_index: IndexArray
    """For each row of the matrix, its distinct sample."""
    column_index: IndexArray
    """For each column of the matrix, its distinct sample."""
    pairs: IndexArray
    """The unordered pairs of different distinct samples that occur, each once, shape (p, 2), first < second."""
    same: IndexArray
    """The distinct samples that meet themselves, or are to be measured against themselves all the same."""

    def fill(self, pair_values: FloatArray | IntArray, same_values: FloatArray | IntArray) -> FloatArray:
        """Build the matrix from a value for each pair and one for each sample that meets itself."""
        number = len(self.samples)
        table = np.zeros((number, number))
        table[self.pairs[:, 0], self.pairs[:, 1]] = pair_values
        table[self.pairs[:, 1], self.pairs[:, 0]] = pair_values
        table[self.same, self.same] = same_values
        filled: FloatArray = table[np.ix_(self.row_index, self.column_index)]
        return filled


def distinct_pairs(x: FloatArray, y: FloatArray | None, *, every_sample: bool = False) -> DistinctPairs:
    """Find the distinct samples and the pairs that the matrix of ``x`` against ``y`` (or against itself) needs.

    Args:
        x: Samples of the rows.
        y: Samples of the columns; ``None`` means ``x`` again.
        every_sample: Whether each sample is needed against itself, also where the matrix has no such entry.
    """
    rows = len(x)
    samples, places = distinct_samples(x if y is None else np.concatenate([x, y]))
    number = len(samples)
    index = np.arange(number) if places is None else places
    row_index, column_index = (index, index) if y is None else (index[:rows], index[rows:])
    needed = np.zeros((number, number), dtype=bool)
    needed[np.ix_(np.unique(row_index), np.unique(column_index))] = True
    needed |= needed.T
    pairs = np.argwhere(np.triu(needed, k=1))
    same = np.arange(number) if every_sample else np.flatnonzero(np.diagonal(needed))
    return DistinctPairs(samples, row_index, column_index, pairs, same)


def lone_samples(x: FloatArray) -> DistinctPairs:
    """Find the distinct samples, each of which is needed against itself only."""
    samples, places = distinct_samples(x)
    number = len(samples)
    index = np.arange(number) if places is None else places
    return DistinctPairs(samples, index, index, np.empty((0, 2), dtype=np.intp), np.arange(number))
