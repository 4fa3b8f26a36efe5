"""What a loss is: a value for each sample and its derivative by the outputs."""

from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from sklearn.base import BaseEstimator

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_kind


@runtime_checkable
class Loss(Protocol):
    """A function of outputs and targets; any callable with this signature is one.

    A loss that knows the probabilities of the classes has a method ``probabilities(outputs) -> (B, K)`` too, and gives
    the classifier ``predict_proba``.
    """

    def __call__(self, outputs: FloatArray, targets: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        """Return the loss of each sample, and its derivative by each output.

        Args:
            outputs: What the model says, shape (B, K).
            targets: What it should say, shape (B, K). For classes, 1 in the column of the sample's class and -1 in all
                others.

        Returns:
            The losses, shape (B,), and ∂loss_b/∂outputs[b, k], shape (B, K).
        """


@runtime_checkable
class GivesProbabilities(Protocol):
    """A loss whose outputs are the logarithms of something that is normalised."""

    def probabilities(self, outputs: FloatArray, /) -> FloatArray:
        """Return the probability of each class, shape (B, K), rows that sum to 1."""


class NamedLoss(BaseEstimator):
    """A loss of this package: settings that ``GridSearchCV`` can tune, and a name.

    Attributes:
        name: The short name under which the registry lists it.
        tasks: What it is a loss of: ``"classification"``, ``"regression"``.
    """

    name: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]] = ("classification", "regression")


def evaluate_loss(loss: Loss, outputs: FloatArray, targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Evaluate a loss, which may be of the user's own, and check what it returns.

    Raises:
        TypeError: If it does not return two arrays.
        ValueError: If a shape does not fit, or a number is not finite.
    """
    returned = loss(outputs, targets.copy())  # one that writes to them would train on others in the next step
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise wrong_kind("What loss returns", "a pair: losses (B,) and derivatives (B, K)", returned)
    values, derivatives = (np.asarray(part, dtype=np.float64) for part in returned)
    if values.shape != outputs.shape[:1] or derivatives.shape != outputs.shape:
        raise ValueError(
            f"loss must return losses of the shape {outputs.shape[:1]} and derivatives of the shape {outputs.shape}, "
            f"but {values.shape} and {derivatives.shape} came."
        )
    if not (np.isfinite(values).all() and np.isfinite(derivatives).all()):
        raise ValueError("loss returned a number that is not finite. Scale the targets, or bound the loss.")
    return values, derivatives
