"""What is made small: the weighted mean of a loss over samples."""

import math
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.engine.compiled.training import pull_back_loss
from qiskit_qml_ext.models.losses import Loss, compiled_loss, evaluate_loss
from qiskit_qml_ext.models.variational.evaluator import Evaluator
from qiskit_qml_ext.models.variational.head import Head


@dataclass(frozen=True, eq=False)
class MeanLoss:
    """The mean over samples of weight · loss, as a function of weights, scales and biases in one vector."""

    evaluator: Evaluator
    """Where the circuit runs."""
    head: Head
    """How its values become outputs."""
    loss: Loss
    """The loss of outputs and targets."""
    rows: FloatArray
    """The samples, from :meth:`Evaluator.rows`."""
    targets: FloatArray
    """Shape (B, K)."""
    sample_weight: FloatArray
    """Shape (B,), with a mean of 1 over all training data."""

    def batch(self, chosen: IntArray) -> "MeanLoss":
        """Return the objective over some of the samples."""
        return MeanLoss(
            self.evaluator, self.head, self.loss, self.rows[chosen], self.targets[chosen], self.sample_weight[chosen]
        )

    def value(self, point: FloatArray) -> float:
        """Return the loss."""
        weights, scale, bias = self.head.split(point)
        return self._mean(self.evaluator.values(self.rows, weights), scale, bias)

    def values(self, points: FloatArray) -> FloatArray:
        """Return the loss at several points, shape (N,), from one batch or one PUB."""
        parts = [self.head.split(point) for point in points]
        weights = np.repeat([weights for weights, _, _ in parts], len(self.rows), axis=0)
        values = self.evaluator.values(np.tile(self.rows, (len(points), 1)), weights)
        each = np.split(values, len(points))
        return np.array([self._mean(one, scale, bias) for one, (_, scale, bias) in zip(each, parts, strict=True)])

    def _mean(self, values: FloatArray, scale: FloatArray, bias: FloatArray) -> float:
        losses, _ = evaluate_loss(self.loss, (values * scale + bias) @ self.head.mixing, self.targets)
        return float(losses @ self.sample_weight) / len(losses)

    def value_and_gradient(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and its gradient by weights, scales and biases."""
        weights, scale, bias = self.head.split(point)
        mean, by_scale, by_bias = 0.0, _NOTHING, _NOTHING

        def pull(values: FloatArray) -> FloatArray:
            nonlocal mean, by_scale, by_bias
            mean, cotangents, by_scale, by_bias = self._pull_back(values, scale, bias)
            return cotangents

        by_weights = self.evaluator.vjp(self.rows, weights, pull)
        if not math.isfinite(mean):
            raise ValueError(f"The mean loss became {mean}. Take smaller steps, or scale the targets.")
        parts = [by_weights, by_scale if self.head.trains_scale else _NOTHING]
        return mean, np.concatenate([*parts, by_bias if self.head.trains_bias else _NOTHING])

    def _pull_back(
        self, values: FloatArray, scale: FloatArray, bias: FloatArray
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Return the loss and its derivatives by values (B, M), scales (M,) and biases (M,)."""
        compiled = compiled_loss(self.loss)
        if compiled is not None:
            cotangents, by_scale, by_bias = np.empty_like(values), np.empty(len(scale)), np.empty(len(bias))
            mean = pull_back_loss(
                *compiled, values, scale, bias, self.head.mixing, self.targets, self.sample_weight, cotangents,
                by_scale, by_bias,
            )  # fmt: skip
            return mean, cotangents, by_scale, by_bias
        losses, derivatives = evaluate_loss(self.loss, (values * scale + bias) @ self.head.mixing, self.targets)
        slopes = (derivatives * (self.sample_weight / len(losses))[:, None]) @ self.head.mixing.T
        mean = float(losses @ self.sample_weight) / len(losses)
        return mean, np.asarray(slopes * scale), (slopes * values).sum(axis=0), slopes.sum(axis=0)

    def metric(self, point: FloatArray) -> FloatArray:
        """Return the mean metric tensor of the states; scales and biases have a metric of 1."""
        weights, _, _ = self.head.split(point)
        metric = np.eye(len(point))
        metric[: len(weights), : len(weights)] = self.evaluator.metric(self.rows, weights)
        return metric


_NOTHING = np.zeros(0)
