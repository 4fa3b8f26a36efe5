"""Folds in which equal rows stay together, so that no model is tested on a row that it was trained on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import BaseCrossValidator, KFold, StratifiedKFold

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.datasets import Task

# Some roundings of a value itself, and of the offset and the unit that its column once had: far below what is measured.
_SAME_VALUE, _SAME_PLACE = 64 * np.finfo(np.float64).eps, 1e-6  # no model tells a millionth of the spread apart


def equal_rows(X: ArrayLike) -> IndexArray:
    """Number the distinct rows of a table; equal rows have the same number.

    Two values of a column are equal if they differ by a part of 1.4e-14 or less, or by a millionth of the column's
    spread (the median distance from its median): what a change of units, a file, single precision or a sign of zero
    changes makes no row new, and neither does a little noise on a copy.
    Missing values are equal to one another, since they are all replaced by the same number.

    Args:
        X: Shape (num_samples, num_features), with NaN for missing values.

    Returns:
        Numbers from 0 on, shape (num_samples,).
    """
    table = np.asarray(X, dtype=np.float64)
    codes = np.column_stack([_equal_values(column) for column in table.T])
    _, numbers = np.unique(codes, axis=0, return_inverse=True)
    return np.asarray(numbers).reshape(-1)


def _equal_values(column: FloatArray) -> IndexArray:
    """Number the distinct values of a column in ascending order; missing values come last."""
    values, places = np.unique(column, return_inverse=True)
    missing = np.isnan(values)
    known = values[~missing]
    spread = float(np.median(np.abs(column - np.nanmedian(column))[~np.isnan(column)])) if known.size else 0.0
    larger = np.maximum(np.abs(known[1:]), np.abs(known[:-1]))
    is_new = np.diff(known) > np.maximum(_SAME_VALUE * larger, _SAME_PLACE * spread)
    numbers = np.concatenate([[0], np.cumsum(is_new)]) if known.size else np.zeros(0)
    numbers = np.concatenate([numbers, np.full(missing.sum(), len(values))])
    return numbers.astype(np.int_)[np.asarray(places).reshape(-1)]


class DistinctRowFolds(BaseCrossValidator):  # type: ignore[misc, unused-ignore]
    """Split samples into folds so that equal rows are in the same fold and classes are in proportion.

    Without equal rows these are the folds of scikit-learn's ``StratifiedKFold`` or ``KFold``, repeated with other
    numbers as ``RepeatedStratifiedKFold`` does it. With equal rows the groups of them are dealt out one by one, large
    ones first and those of about the same size in random order, each to the fold in which its classes are rarest so
    far.

    Args:
        n_splits: The number of folds.
        n_repeats: How often all samples are split, each time into other folds.
        task: Whether there are classes to keep in proportion.
        random_state: Seed.
    """

    def __init__(self, n_splits: int, *, task: Task, n_repeats: int = 1, random_state: int = 0):
        self.n_splits = n_splits
        self.task = task
        self.n_repeats = n_repeats
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits, repeats included."""
        return self.n_splits * self.n_repeats

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[IndexArray, IndexArray]]:
        """Yield the rows of each training set and test set.

        Raises:
            ValueError: If there are fewer distinct rows than folds.
        """
        numbers = equal_rows(X)
        if (distinct := int(numbers.max()) + 1) == len(numbers):
            yield from self._plain_splits(X, y)
            return
        if distinct < self.n_splits:
            raise ValueError(
                f"{len(numbers)} samples with only {distinct} different rows do not make {self.n_splits} folds. Use "
                "fewer folds or more data."
            )
        classes = np.asarray(y, dtype=np.int_) if self.task == "classification" else np.zeros(len(numbers), np.int_)
        counts = np.zeros((distinct, int(classes.max()) + 1))
        np.add.at(counts, (numbers, classes), 1)
        rng = np.random.default_rng(self.random_state)
        for _ in range(self.n_repeats):
            fold = _deal(counts, self.n_splits, rng)[numbers]
            for number in range(self.n_splits):
                yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def _plain_splits(self, X: Any, y: Any) -> Iterator[tuple[IndexArray, IndexArray]]:
        family = StratifiedKFold if self.task == "classification" else KFold
        generator = np.random.RandomState(self.random_state)  # as scikit-learn's repeated folds draw their seeds
        for _ in range(self.n_repeats):
            yield from family(self.n_splits, shuffle=True, random_state=generator).split(X, y)


def _deal(counts: FloatArray, folds: int, rng: np.random.Generator) -> IndexArray:
    """Give each group a fold.

    Args:
        counts: The number of samples of each group and class, shape (groups, classes).
        folds: The number of folds.
        rng: Where the order among groups of about the same size comes from.

    Returns:
        The fold of each group, shape (groups,).
    """
    shuffled = rng.permutation(len(counts))
    # Up to a factor of 2 the order is random, so that a repeat gives other folds whatever the sizes are.
    size = np.floor(np.log2(counts.sum(axis=1)))
    order = shuffled[np.argsort(-size[shuffled], kind="stable")]
    held, of_class = np.zeros((folds, counts.shape[1])), np.maximum(counts.sum(axis=0), 1)
    fold = np.empty(len(counts), dtype=np.int_)
    for group in order:
        # The growth of the sum over folds and classes of (share of the class)²: smallest where classes are balanced.
        growth = ((2 * held + counts[group]) * counts[group] / of_class**2).sum(axis=1)
        ties = np.flatnonzero(growth <= growth.min() + 1e-12)
        fold[group] = ties[np.argmin(held[ties].sum(axis=1))]
        held[fold[group]] += counts[group]
    return fold
