"""The hinge loss of support vector machines."""

from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.models.losses.loss import NamedLoss


class HingeLoss(NamedLoss):
    """The mean over classes of max(0, 1 - t_k o_k): each class against the rest, with t_k = ±1.

    At the kink, where t_k o_k = 1, the derivative is taken as 0.
    """

    name: ClassVar[str] = "hinge"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def __call__(self, outputs: FloatArray, targets: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        """Return losses (B,) and derivatives (B, K); see :class:`~qiskit_qml_ext.models.losses.Loss`."""
        margins = 1.0 - targets * outputs
        return np.maximum(margins, 0.0).mean(axis=1), np.where(margins > 0.0, -targets, 0.0) / outputs.shape[1]
