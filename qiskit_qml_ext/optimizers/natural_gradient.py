"""The quantum natural gradient."""

from typing import ClassVar

import numpy as np
from scipy.linalg import solve

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import positive_number
from qiskit_qml_ext.optimizers.optimizer import Objective, SteppingOptimizer, Training


class NaturalGradient(SteppingOptimizer):
    """Steps along (g + λ)⁻¹ ∇: as long as the states, not the angles, say.

    g is the metric tensor Re(⟨∂_iψ|∂_jψ⟩ - ⟨∂_iψ|ψ⟩⟨ψ|∂_jψ⟩) of the whole circuit, a quarter of the quantum Fisher
    information, averaged over the samples of the batch. Output scales and biases, which change no state, follow their
    plain gradient. A step costs as many states a sample as the circuit has rotations. Where the gradient is estimated,
    by shots or on a device, g is still that of the circuit without noise, from states on this machine: it only says how
    long a step is in which direction.

    Args:
        learning_rate: The factor of the step, positive.
        regularization: λ, positive; single rotations have g_ii of 1/4.

    References:
        Stokes et al., arXiv:1909.02108.
    """

    name: ClassVar[str] = "natural_gradient"

    def __init__(self, learning_rate: float = 0.05, *, regularization: float = 1e-3):
        self.learning_rate = learning_rate
        self.regularization = regularization

    def step(self, objective: Objective, point: FloatArray, training: Training) -> tuple[FloatArray, float, float]:
        """Take one step."""
        rate = positive_number("learning_rate", self.learning_rate)
        regularization = positive_number("regularization", self.regularization)
        loss, gradient = objective.value_and_gradient(point)
        metric = objective.metric(point) + regularization * np.eye(len(point))
        direction = solve(metric, gradient, assume_a="pos")
        return point - rate * direction, loss, float(np.sqrt(gradient @ gradient))
