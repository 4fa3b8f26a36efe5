"""What is made small: the weighted mean of a loss over samples."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.engine.compiled.training import pull_back_loss
from qiskit_qml_ext.engine.loss_gradient import LossGradient, LossTerms
from qiskit_qml_ext.models.losses import Loss, compiled_loss, evaluate_loss
from qiskit_qml_ext.models.variational.evaluator import Evaluator, StepsCompiled
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

    chosen: IntArray | None = None
    """Which of the samples count, shape (B,); ``None`` for all."""
    origin: "MeanLoss | None" = None
    """The objective over all samples, which keeps what its batches share."""

    def batch(self, chosen: IntArray) -> "MeanLoss":
        """Return the objective over some of the samples."""
        places = chosen if self.chosen is None else self.chosen[chosen]
        return replace(self, chosen=places, origin=self.origin or self)

    @property
    def num_samples(self) -> int:
        """How many samples it is the mean over."""
        return len(self.rows) if self.chosen is None else len(self.chosen)

    def value(self, point: FloatArray) -> float:
        """Return the loss."""
        weights, scale, bias = self.head.split(point)
        rows, _, _ = self._samples
        return self._mean(self.evaluator.values(rows, weights), scale, bias)

    def values(self, points: FloatArray) -> FloatArray:
        """Return the loss at several points, shape (N,), from one batch or one PUB."""
        rows, _, _ = self._samples
        parts = [self.head.split(point) for point in points]
        weights = np.repeat([weights for weights, _, _ in parts], len(rows), axis=0)
        values = self.evaluator.values(np.tile(rows, (len(points), 1)), weights)
        each = np.split(values, len(points))
        return np.array([self._mean(one, scale, bias) for one, (_, scale, bias) in zip(each, parts, strict=True)])

    def _mean(self, values: FloatArray, scale: FloatArray, bias: FloatArray) -> float:
        _, targets, sample_weight = self._samples
        losses, _ = evaluate_loss(self.loss, (values * scale + bias) @ self.head.mixing, targets)
        return float(losses @ sample_weight) / len(losses)

    def value_and_gradient(self, point: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss and its gradient by weights, scales and biases."""
        weights, scale, bias = self.head.split(point)
        step = (self.origin or self)._step
        if step is not None:
            mean, by_weights, by_scale, by_bias = step(self._places, weights, scale, bias)
        else:
            mean, by_weights, by_scale, by_bias = self._slow_step(weights, scale, bias)
        if not math.isfinite(mean):
            raise ValueError(f"The mean loss became {mean}. Take smaller steps, or scale the targets.")
        parts = [by_weights, by_scale if self.head.trains_scale else _NOTHING]
        return mean, np.concatenate([*parts, by_bias if self.head.trains_bias else _NOTHING])

    @cached_property
    def _step(self) -> LossGradient | None:
        """A whole step in compiled code, where the evaluator and the loss are of that kind."""
        compiled = compiled_loss(self.loss)
        if compiled is None or not isinstance(self.evaluator, StepsCompiled):
            return None
        terms = LossTerms(*compiled, self.head.mixing, self.targets, self.sample_weight)
        return self.evaluator.loss_gradient(self.rows, terms)

    @cached_property
    def _places(self) -> IntArray:
        return np.arange(len(self.rows)) if self.chosen is None else self.chosen

    @cached_property
    def _samples(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rows, targets and weights of the samples that count."""
        if self.chosen is None:
            return self.rows, self.targets, self.sample_weight
        return self.rows[self.chosen], self.targets[self.chosen], self.sample_weight[self.chosen]

    def _slow_step(
        self, weights: FloatArray, scale: FloatArray, bias: FloatArray
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Return the loss and its derivatives, with the values brought back from the evaluator in between."""
        mean, by_scale, by_bias = 0.0, _NOTHING, _NOTHING

        def pull(values: FloatArray) -> FloatArray:
            nonlocal mean, by_scale, by_bias
            mean, cotangents, by_scale, by_bias = self._pull_back(values, scale, bias)
            return cotangents

        by_weights = self.evaluator.vjp(self._samples[0], weights, pull)
        return mean, by_weights, by_scale, by_bias

    def _pull_back(
        self, values: FloatArray, scale: FloatArray, bias: FloatArray
    ) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Return the loss and its derivatives by values (B, M), scales (M,) and biases (M,)."""
        compiled = compiled_loss(self.loss)
        if compiled is not None:
            cotangents, by_scale, by_bias = np.empty_like(values), np.empty(len(scale)), np.empty(len(bias))
            mean = pull_back_loss(
                *compiled, values, scale, bias, self.head.mixing, self.targets, self.sample_weight, self._places,
                cotangents, by_scale, by_bias,
            )  # fmt: skip
            return mean, cotangents, by_scale, by_bias
        _, targets, sample_weight = self._samples
        losses, derivatives = evaluate_loss(self.loss, (values * scale + bias) @ self.head.mixing, targets)
        slopes = (derivatives * (sample_weight / len(losses))[:, None]) @ self.head.mixing.T
        mean = float(losses @ sample_weight) / len(losses)
        return mean, np.asarray(slopes * scale), (slopes * values).sum(axis=0), slopes.sum(axis=0)

    def metric(self, point: FloatArray) -> FloatArray:
        """Return the mean metric tensor of the states; scales and biases have a metric of 1."""
        weights, _, _ = self.head.split(point)
        metric = np.eye(len(point))
        metric[: len(weights), : len(weights)] = self.evaluator.metric(self._samples[0], weights)
        return metric


_NOTHING = np.zeros(0)
