"""The squared error."""

from typing import ClassVar

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.models.losses.loss import NamedLoss


class SquaredLoss(NamedLoss):
    """The squared error Σ_k (o_k - t_k)² / K.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models.losses import SquaredLoss
        >>> values, derivatives = SquaredLoss()(np.array([[0.5]]), np.array([[1.0]]))
        >>> values.tolist(), derivatives.tolist()
        ([0.25], [[-1.0]])
    """

    name: ClassVar[str] = "squared"

    def __call__(self, outputs: FloatArray, targets: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        """Return losses (B,) and derivatives (B, K); see :class:`~qiskit_qml_ext.models.losses.Loss`."""
        residuals = outputs - targets
        return (residuals * residuals).mean(axis=1), residuals * (2.0 / outputs.shape[1])
