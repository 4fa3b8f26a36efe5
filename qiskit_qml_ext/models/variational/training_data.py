"""What a model is trained on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IntArray
from qiskit_qml_ext.checks import numeric_array


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


def checked_weights(sample_weight: ArrayLike | None, samples: FloatArray) -> FloatArray:
    """Return weights, shape (n,), of which at least one is positive and none negative."""
    if sample_weight is None:
        return np.ones(len(samples))
    numeric_array("sample_weight", sample_weight)
    weights: FloatArray = _check_sample_weight(sample_weight, samples, dtype=np.float64, ensure_non_negative=True)
    if not weights.any():
        raise ValueError("sample_weight must be positive for at least one sample, but all weights are 0.")
    return weights
