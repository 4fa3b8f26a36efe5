"""From expectation values to outputs: a scale and a bias for each observable, trained or given."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Head:
    """Splits all trained numbers into weights, scales and biases: outputs = (scale · values + bias) @ mixing."""

    num_weights: int
    """W, the weights of the circuit."""
    scale: FloatArray
    """The scales, shape (M,): where they begin, or what they are."""
    bias: FloatArray
    """The biases, shape (M,)."""
    trains_scale: bool
    """Whether the scales are trained."""
    trains_bias: bool
    """Whether the biases are trained."""
    mixing: FloatArray
    """How M scaled values become K outputs, shape (M, K)."""

    def start(self, weights: FloatArray) -> FloatArray:
        """Return the point of a training that begins with these weights."""
        parts = [weights, self.scale if self.trains_scale else _NOTHING, self.bias if self.trains_bias else _NOTHING]
        return np.concatenate(parts)

    def split(self, point: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return weights (W,), scales (M,) and biases (M,) of a point."""
        end = self.num_weights + (len(self.scale) if self.trains_scale else 0)
        scale = point[self.num_weights : end] if self.trains_scale else self.scale
        return point[: self.num_weights], scale, point[end:] if self.trains_bias else self.bias


_NOTHING = np.zeros(0)
