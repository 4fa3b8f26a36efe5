"""The cross-entropy of a softmax over the outputs."""

from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.models.losses.loss import NamedLoss


class CrossEntropyLoss(NamedLoss):
    """The negative logarithm of the probability of a sample's class, with p = softmax(o).

    The derivative by output k is p_k - y_k with y_k = 1 for the sample's class and 0 for all others. Bare expectation
    values in [-1, 1] cannot come below ln(1 + (K-1) e⁻²), so that a model needs a scale on its outputs.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.models.losses import CrossEntropyLoss
        >>> CrossEntropyLoss()(np.array([[1.0, -1.0]]), np.array([[1.0, -1.0]]))[0].round(10).tolist()
        [0.126928011]
    """

    name: ClassVar[str] = "cross_entropy"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    def __call__(self, outputs: FloatArray, targets: FloatArray, /) -> tuple[FloatArray, FloatArray]:
        """Return losses (B,) and derivatives (B, K); see :class:`~qiskit_qml_ext.models.losses.Loss`."""
        shifted = outputs - outputs.max(axis=1, keepdims=True)  # no exponential overflows
        powers = np.exp(shifted)
        totals = powers.sum(axis=1, keepdims=True)
        wanted = (targets + 1.0) / 2.0
        values = np.log(totals[:, 0]) - (wanted * shifted).sum(axis=1)
        return values, powers / totals - wanted

    def probabilities(self, outputs: FloatArray, /) -> FloatArray:
        """Return softmax(outputs), shape (B, K)."""
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
