"""From labels or numbers to the targets of a kernel loss, and samples dealt into batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IndexArray
from qiskit_qml_ext.checks import numeric_array, wrong_value

TASKS = ("classification", "regression")


@dataclass(frozen=True, eq=False)
class Targets:
    """What samples are: their classes, or numbers."""

    values: FloatArray
    """The targets of a loss, shape (n, K); see :class:`~qiskit_qml_ext.kernels.losses.KernelLoss`."""
    groups: IndexArray
    """The class of each sample as a number, shape (n,); zeros for a regression."""

    def deal(self, number: int, rng: np.random.Generator) -> list[IndexArray]:
        """Deal the samples into so many batches, each with its share of each class, in a new order each time."""
        order = rng.permutation(len(self.groups))
        order = order[np.argsort(self.groups[order], kind="stable")]
        return [np.sort(order[first::number]) for first in range(number)]

    def of(self, chosen: IndexArray) -> "Targets":
        """Return those of some samples."""
        return Targets(self.values[chosen], self.groups[chosen])

    def put_aside(self, share: float, rng: np.random.Generator) -> tuple[IndexArray, IndexArray]:
        """Return which samples stay and which are put aside, a share of each class.

        Raises:
            ValueError: If a class is too small to be in both.
        """
        seed = int(rng.integers(2**31 - 1))
        stratify = self.groups if self.groups.any() else None
        kept, aside = train_test_split(
            np.arange(len(self.groups)), test_size=share, stratify=stratify, random_state=seed
        )
        return np.sort(kept), np.sort(aside)

    def check_batches(self, number: int, batch_size: int | None) -> None:
        """Raise if a class has fewer samples than there are batches, so that one would be without it.

        Raises:
            ValueError: The message says how many there are.
        """
        smallest = int(np.bincount(self.groups).min())
        if smallest < number:
            raise ValueError(
                f"batch_size={batch_size} makes {number} batches, but the smallest class has {smallest} samples, so "
                "that it would be missing in some. Take larger batches, or more samples of that class."
            )


def targets_of(y: ArrayLike, num_samples: int, task: str) -> Targets:
    """Return the targets of samples.

    Raises:
        TypeError: If some are missing, or those of a regression are no numbers.
        ValueError: If there are not as many as samples, or less than two different ones, or ``task`` is another word.
    """
    if task not in TASKS:
        raise wrong_value("task", f"one of {', '.join(map(repr, TASKS))}", task)
    if np.ma.is_masked(y):
        raise TypeError("y must have a value for every row, but some of this masked array are missing.")
    values: AnyArray = np.asarray(y)
    if values.shape != (num_samples,):
        raise wrong_value("y", f"one value for each of the {num_samples} samples", f"an array of {values.shape}")
    return _classes(values) if task == "classification" else _numbers(values)


def _classes(values: AnyArray) -> Targets:
    try:
        check_classification_targets(values)
    except ValueError as error:
        raise ValueError(f"y are no classes: {error} Use task='regression' for numbers.") from error
    classes, groups = np.unique(values, return_inverse=True)
    _check_different(len(classes))
    columns: Sequence[int] = [1] if len(classes) == 2 else range(len(classes))
    signs = np.stack([np.where(groups == column, 1.0, -1.0) for column in columns], axis=1)
    return Targets(signs, groups)


def _numbers(values: AnyArray) -> Targets:
    numeric_array("y", values)
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("y must be finite numbers, but NaN or an infinity is among them.")
    _check_different(len(np.unique(numbers)))
    return Targets(numbers[:, None], np.zeros(len(numbers), dtype=np.intp))


def _check_different(number: int) -> None:
    if number < 2:
        raise ValueError("y has the same value for all samples, so that there is nothing to train on.")
