"""Plain gradient descent."""

from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import positive_number
from qiskit_qml_ext.optimizers.optimizer import Objective, SteppingOptimizer, Training


class GradientDescent(SteppingOptimizer):
    """Steps of ``learning_rate`` times the negative gradient.

    Args:
        learning_rate: The factor, positive.
    """

    name: ClassVar[str] = "gradient_descent"

    def __init__(self, learning_rate: float = 0.05):
        self.learning_rate = learning_rate

    def step(self, objective: Objective, point: FloatArray, training: Training) -> tuple[FloatArray, float, float]:
        """Take one step."""
        loss, gradient = objective.value_and_gradient(point)
        rate = positive_number("learning_rate", self.learning_rate)
        return point - rate * gradient, loss, float(np.sqrt(gradient @ gradient))
