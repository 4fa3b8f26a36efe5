"""The loss of Huber: squared near zero, linear far from it."""

from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import positive_number
from qiskit_qml_ext.models.losses.loss import NamedLoss


class HuberLoss(NamedLoss):
    """The mean over outputs of r²/2 where |r| ≤ δ and of δ(|r| - δ/2) elsewhere, with r = o_k - t_k.

    Args:
        delta: The residual δ from which on outliers count linearly, positive, in units of the outputs.
    """

    name: ClassVar[str] = "huber"

    def __init__(self, delta: float = 1.0):
        self.delta = delta

    def __call__(self, outputs: FloatArray, targets: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        """Return losses (B,) and derivatives (B, K); see :class:`~qiskit_qml_ext.models.losses.Loss`."""
        delta = positive_number("delta", self.delta)
        residuals = outputs - targets
        slopes = np.clip(residuals, -delta, delta)  # r inside, ±δ outside: the derivative
        return (slopes * (residuals - slopes / 2)).mean(axis=1), slopes / outputs.shape[1]
