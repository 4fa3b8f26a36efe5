"""Adam."""

import math
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import positive_number, real_number
from qiskit_qml_ext.engine.compiled.training import update_adam
from qiskit_qml_ext.optimizers.optimizer import Objective, SteppingOptimizer, Training


class Adam(SteppingOptimizer):
    """Gradient descent with running means of the gradient and of its square.

    Args:
        learning_rate: The length of a step of one angle while its gradient keeps its sign, in radians, positive.
        beta_1: How slowly the mean of the gradient changes, in [0, 1).
        beta_2: How slowly the mean of its square changes, in [0, 1).
        epsilon: Added to the root of the second mean, positive.

    References:
        Kingma and Ba, arXiv:1412.6980, algorithm 1.
    """

    name: ClassVar[str] = "adam"

    def __init__(
        self, learning_rate: float = 0.05, *, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ):
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def minimize(self, training: Training, start: FloatArray) -> FloatArray:
        """Train; see :class:`~qiskit_qml_ext.optimizers.Optimizer`."""
        positive_number("learning_rate", self.learning_rate)
        real_number("beta_1", self.beta_1, minimum=0.0, below=1.0)
        real_number("beta_2", self.beta_2, minimum=0.0, below=1.0)
        positive_number("epsilon", self.epsilon)
        if not hasattr(self, "steps_"):
            self.steps_, self.mean_, self.square_ = 0, np.zeros_like(start), np.zeros_like(start)
        return super().minimize(training, start)

    def step(self, objective: Objective, point: FloatArray, training: Training) -> tuple[FloatArray, float, float]:
        """Take one step."""
        loss, gradient = objective.value_and_gradient(point)
        self.steps_ += 1
        norm = update_adam(
            point, gradient, self.mean_, self.square_, self.steps_, float(self.learning_rate), float(self.beta_1),
            float(self.beta_2), float(self.epsilon),
        )  # fmt: skip
        return point, loss, math.sqrt(norm)
