"""What a loss of a kernel is: a value for the matrix of some samples, and its derivative by each entry."""

import math
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from sklearn.base import BaseEstimator

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_kind


@runtime_checkable
class KernelLoss(Protocol):
    """A function of a kernel matrix and targets; any callable with this signature is one."""

    def __call__(self, matrix: FloatArray, targets: FloatArray, /) -> tuple[float, FloatArray]:
        """Return the loss, and its derivative by each entry of the matrix.

        Args:
            matrix: The kernel matrix of some samples, shape (n, n), symmetric.
            targets: What the samples are, shape (n, K). Of two classes one column, -1 for the first and 1 for the
                second in sorted order; of more a column for each class, 1 for its samples and -1 for all others; of a
                regression one column of numbers.

        Returns:
            The loss, which training makes small, and ∂loss/∂matrix[i, j], shape (n, n), each entry for itself.
        """


class NamedKernelLoss(BaseEstimator):
    """A loss of this package: settings that ``GridSearchCV`` can tune, and a name.

    Attributes:
        name: The short name under which the registry lists it.
        tasks: What it is a loss of: ``"classification"``, ``"regression"``.
    """

    name: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")


def evaluate_kernel_loss(loss: KernelLoss, matrix: FloatArray, targets: FloatArray) -> tuple[float, FloatArray]:
    """Evaluate a loss, which may be of the user's own, and check what it returns.

    Raises:
        TypeError: If it does not return a number and an array.
        ValueError: If a shape does not fit, or a number is not finite.
    """
    returned = loss(matrix.copy(), targets.copy())  # one that writes to them would train on others in the next step
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise wrong_kind("What loss returns", "a pair: the loss and its derivatives (n, n)", returned)
    value, slopes = float(returned[0]), np.asarray(returned[1], dtype=np.float64)
    if slopes.shape != matrix.shape:
        raise ValueError(
            f"loss must return derivatives of the shape {matrix.shape}, one for each entry of the matrix, but "
            f"{slopes.shape} came."
        )
    if not (math.isfinite(value) and np.isfinite(slopes).all()):
        raise ValueError("loss returned a number that is not finite. Scale the targets, or bound the loss.")
    return value, slopes
