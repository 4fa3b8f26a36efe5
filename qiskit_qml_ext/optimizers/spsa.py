"""Simultaneous perturbation stochastic approximation."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import positive_number, whole_number
from qiskit_qml_ext.optimizers.optimizer import Objective, SteppingOptimizer, Training

_ALPHA, _GAMMA = 0.602, 0.101  # how fast steps and perturbations shrink (Spall)
_STABILITY = 0.1  # of all steps: how long the first ones are held back
_CALIBRATION = 10  # directions that tell how steep the start is
NUM_CALIBRATING = 2 * _CALIBRATION
"""How many values of the loss the first step takes more than the others."""


class SPSA(SteppingOptimizer):
    """Steps along random directions, from two values of the loss each, whatever the number of parameters.

    Step k is a / (A + k + 1)^0.602 long and looks c / (k + 1)^0.101 far to both sides, with A a tenth of all steps. The
    gain a is calibrated so that the first step changes each parameter by about ``first_step``.

    Args:
        first_step: By how much each parameter changes in the first step, in radians, positive.
        perturbation: c, in radians, positive.
        num_directions: How many directions are averaged in a step.

    References:
        Spall, IEEE Transactions on Aerospace and Electronic Systems 34, 817 (1998).
    """

    name: ClassVar[str] = "spsa"
    takes_gradients: ClassVar[bool] = False

    def __init__(self, first_step: float = 0.2, *, perturbation: float = 0.1, num_directions: int = 1):
        self.first_step = first_step
        self.perturbation = perturbation
        self.num_directions = num_directions

    def step(self, objective: Objective, point: FloatArray, training: Training) -> tuple[FloatArray, float, float]:
        """Take one step; the loss that is reported is the mean of the values on both sides."""
        stability = _STABILITY * training.num_steps
        number = whole_number("num_directions", self.num_directions)
        if not hasattr(self, "steps_"):
            self.steps_ = 0
            _, slopes = self._estimates(objective, point, training.rng, _CALIBRATION)
            # E[s²] = |g|² for the slope s along one direction; entry i of the mean of sΔ over D directions has the mean
            # square g_i² + (|g|² - g_i²) / D: averaged over P entries a share (1 + (P - 1) / D) / P of |g|².
            share = np.sqrt((1 + (len(point) - 1) / number) / len(point))
            slope = float(np.abs(slopes).mean() * share) or 1.0  # a flat start: any gain does
            self.gain_ = positive_number("first_step", self.first_step) * (stability + 1) ** _ALPHA / slope
        losses, slopes = self._estimates(objective, point, training.rng, number)
        loss, gradient = float(losses.mean()), slopes.mean(axis=0)
        self.steps_ += 1
        point = point - self.gain_ / (stability + self.steps_) ** _ALPHA * gradient
        return point, loss, float(np.sqrt(gradient @ gradient))

    def _estimates(
        self, objective: Objective, point: FloatArray, rng: np.random.Generator, num_directions: int
    ) -> tuple[FloatArray, FloatArray]:
        """Values and gradients along random directions, shapes (D,) and (D, P), from one call of the objective."""
        distance = positive_number("perturbation", self.perturbation) / (self.steps_ + 1) ** _GAMMA
        signs = np.array([rng.choice([-1.0, 1.0], len(point)) for _ in range(num_directions)])
        return two_sided_estimates(objective.values, point, signs, distance)


def two_sided_estimates(
    function: Callable[[FloatArray], FloatArray], point: FloatArray, signs: FloatArray, distance: float
) -> tuple[FloatArray, FloatArray]:
    """Estimate values and gradients from both sides: signs · [f(θ + c signs) - f(θ - c signs)] / (2c).

    Args:
        function: Takes points (N, P) and returns values (N,).
        point: θ, shape (P,).
        signs: The directions, entries ±1, shape (D, P).
        distance: c.

    Returns:
        Values (D,), the means of both sides, and gradients (D, P).
    """
    above, below = np.split(function(np.concatenate([point + distance * signs, point - distance * signs])), 2)
    return (above + below) / 2, signs * ((above - below) / (2 * distance))[:, None]
