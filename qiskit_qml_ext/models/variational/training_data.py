"""What a model is trained on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import _check_sample_weight

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IntArray
from qiskit_qml_ext.checks import numeric_array, real_number, wrong_kind, wrong_value


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a model is trained on."""

    samples: FloatArray
    """Shape (n, features)."""
    targets: FloatArray
    """What the outputs should be, shape (n, K)."""
    sample_weight: FloatArray
    """Positive, shape (n,)."""
    groups: AnyArray | None = None
    """Labels of which the validation samples keep the shares, shape (n,)."""

    def part(self, rows: IntArray) -> "TrainingData":
        """Return some of the samples."""
        groups = None if self.groups is None else self.groups[rows]
        return TrainingData(self.samples[rows], self.targets[rows], self.sample_weight[rows], groups)

    def split(self, fraction: float, seed: int) -> tuple["TrainingData", "TrainingData"]:
        """Put validation samples aside; both parts have the same shares of the groups.

        Raises:
            ValueError: If a part would have no samples, or none of a group.
        """
        number = len(self.samples)
        groups = np.zeros(number) if self.groups is None else self.groups
        names, counts = np.unique(groups, return_counts=True)
        least = int(counts.min())
        if least < 2:
            rarest = "" if self.groups is None else f" of the class {names[counts.argmin()]}"
            raise ValueError(
                f"early_stopping=True puts samples aside, so that it needs at least 2{rarest}, but {least} came. "
                "Give more, or use early_stopping=False."
            )
        aside, each = math.ceil(fraction * number), ", one of each class" * (len(names) > 1)
        if not len(names) <= aside <= number - len(names):
            raise ValueError(
                f"validation_fraction={fraction} of {number} samples puts {aside} aside and trains on "
                f"{number - aside}, but each part needs at least {len(names)}{each}. "
                "Give another validation_fraction or more samples, or use early_stopping=False."
            )
        rows = np.arange(number)
        kept, held = train_test_split(rows, test_size=fraction, stratify=self.groups, random_state=seed)
        return self.part(kept), self.part(held)


def checked_weights(sample_weight: ArrayLike | None, samples: FloatArray) -> FloatArray:
    """Return weights, shape (n,), of which at least one is positive and none negative."""
    if sample_weight is None:
        return np.ones(len(samples))
    numeric_array("sample_weight", sample_weight)
    weights: FloatArray = _check_sample_weight(sample_weight, samples, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("sample_weight must be positive for at least one sample, but all weights are 0.")
    return weights


def weights_of_classes(
    class_weight: Mapping[Any, float] | str | None, labels: AnyArray, classes: AnyArray
) -> FloatArray:
    """Return what the classes of some samples multiply their weights by, shape (n,), not all of it zero.

    Args:
        class_weight: A weight for some of the classes, the others count 1; ``"balanced"``; or ``None``.
        labels: The classes of the samples, shape (n,).
        classes: All classes of the model, sorted, shape (K,).

    Raises:
        TypeError: If it is none of these.
        ValueError: If a weight is negative or not finite, its class is none of the model's, or nothing is left.
    """
    if class_weight is None:
        return np.ones(len(labels))
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise wrong_value("class_weight", "'balanced', a weight for each class, or None", class_weight)
        return np.asarray(compute_sample_weight("balanced", labels))
    if not isinstance(class_weight, Mapping):
        raise wrong_kind("class_weight", "'balanced', a weight for each class, or None", class_weight)
    for name, weight in class_weight.items():
        real_number(f"class_weight[{name!r}]", weight, minimum=0.0)
    names = set(classes.tolist())
    if names - class_weight.keys() and class_weight.keys() - names:  # mistyped, and not only of other data
        raise ValueError(
            f"class_weight={class_weight} names {sorted(map(str, class_weight.keys() - names))}, which are none of the "
            f"classes {classes.tolist()}."
        )
    weights = np.array([float(class_weight.get(name, 1.0)) for name in classes.tolist()])
    chosen = weights[np.searchsorted(classes, labels)]
    if not chosen.any():
        raise ValueError(
            f"class_weight={class_weight} leaves no sample with a positive weight. Give one to some class."
        )
    return np.asarray(chosen)
