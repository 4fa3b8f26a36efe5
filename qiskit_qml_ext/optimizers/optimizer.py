"""What an optimizer is: it is told what to make small, and reports where it is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol

import numpy as np
from sklearn.base import BaseEstimator

from qiskit_qml_ext.arrays import FloatArray


class Objective(Protocol):
    """The mean loss over some samples, as a function of all trained numbers: weights, then scales and biases."""

    @property
    def num_samples(self) -> int:
        """How many samples it is the mean over."""

    def value(self, point: FloatArray) -> float:
        """Return the loss."""

    def values(self, points: FloatArray) -> FloatArray:
        """Return the loss at several points (N, P) at once, shape (N,)."""

    def value_and_gradient(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and its gradient."""

    def metric(self, point: FloatArray) -> FloatArray:
        """Return the mean metric tensor g of the states, and the identity for what is no angle: shape (P, P)."""


class Training(Protocol):
    """One training, as an optimizer sees it."""

    max_iter: int
    """The largest number of iterations: passes through the training data."""
    rng: np.random.Generator
    """What is drawn, is drawn from here."""

    @property
    def whole(self) -> Objective:
        """The objective over all training samples."""

    @property
    def num_steps(self) -> int:
        """How many batches there are in all passes together."""

    def passes(self) -> Iterator[Sequence[Objective]]:
        """Go ``max_iter`` times through the training data, each time as a sequence of batches."""

    def report(self, point: FloatArray, loss: float, gradient_norm: float | None) -> bool:
        """Say where an iteration ended; returns whether the training should stop."""


class Optimizer(Protocol):
    """Something that trains.

    An object with these two members is one; ``clone`` must give a copy that knows nothing of earlier trainings. One
    that asks for values of the loss only says so by a third, ``takes_gradients = False``.
    """

    in_steps: bool
    """Whether it takes steps, which may be on batches, and can go on where it stopped."""

    def minimize(self, training: Training, start: FloatArray) -> FloatArray:
        """Make the objective small, beginning at ``start``, which is not changed; return the point where it ended."""


class SteppingOptimizer(BaseEstimator, ABC):
    """An optimizer that goes from batch to batch. What it remembers between steps, it keeps for the next training.

    It remembers numbers and arrays, in attributes whose names end in an underscore: these go into checkpoints.

    Attributes:
        name: The short name under which the registry lists it.
        takes_gradients: Whether it asks for gradients, or for values only.
    """

    name: ClassVar[str]
    in_steps: ClassVar[bool] = True
    takes_gradients: ClassVar[bool] = True

    @abstractmethod
    def step(self, objective: Objective, point: FloatArray, training: Training) -> tuple[FloatArray, float, float]:
        """Take one step; return the new point, and the loss and the norm of the gradient at the old one.

        ``point`` may be written to.
        """

    def minimize(self, training: Training, start: FloatArray) -> FloatArray:
        """Take a step on each batch of each pass; see :class:`Optimizer`."""
        point = start.copy()
        for batches in training.passes():
            total, norm = 0.0, 0.0
            for objective in batches:
                point, loss, norm = self.step(objective, point, training)
                total += objective.num_samples * loss
            if training.report(point, total / sum(one.num_samples for one in batches), norm):
                break
        return point
