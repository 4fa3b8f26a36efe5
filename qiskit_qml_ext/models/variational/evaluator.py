"""Where a model's circuit is evaluated. Exact results come from the engine; another way is another class."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.engine import Observable, expectation_jacobian, expectation_vjp, expectations
from qiskit_qml_ext.engine.loss_gradient import LossGradient, LossTerms, as_slice
from qiskit_qml_ext.models.variational.metric import mean_metric
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit
from qiskit_qml_ext.program import lower


class Evaluator(Protocol):
    """Expectation values of a circuit and their derivatives by its weights, for a batch of samples."""

    def rows(self, samples: FloatArray) -> FloatArray:
        """Return what the other methods take for these samples, shape (B, parameters); they write to it."""

    def values(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the expectation values, shape (B, M)."""

    def vjp(self, rows: FloatArray, weights: FloatArray, pull: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the gradient of a loss by the weights, shape (W,).

        ``pull`` takes the values (B, M) and returns the derivatives of the loss by them, (B, M). It is called once.
        """

    def metric(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the metric tensor of the states by the weights, averaged over the samples, shape (W, W)."""


@runtime_checkable
class StepsCompiled(Protocol):
    """An evaluator that takes a step of training in one compiled call."""

    def loss_gradient(self, rows: FloatArray, terms: LossTerms) -> LossGradient:
        """Return a function of samples, weights, scales and biases: the mean loss and its gradient."""


class ExactEvaluator:
    """Exact values and gradients, batched, on all cores."""

    def __init__(self, model: ModelCircuit, observables: Sequence[Observable]):
        self._program = lower(model.circuit)
        self._data, self._weights = as_slice(model.data), as_slice(model.weights)
        self._columns = model.weights
        self._observables = list(observables)

    def rows(self, samples: FloatArray) -> FloatArray:
        """Return rows of parameter values with the samples in their columns; see :class:`Evaluator`."""
        rows = np.zeros((len(samples), self._program.num_parameters))
        rows[:, self._data] = samples
        return rows

    def values(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the expectation values, shape (B, M)."""
        rows[:, self._weights] = weights
        return _real(expectations(self._program, rows, self._observables))

    def vjp(self, rows: FloatArray, weights: FloatArray, pull: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the gradient of a loss by the weights, shape (W,)."""
        if len(self._observables) == 1:  # one forward and one reverse pass, whatever the loss
            rows[:, self._weights] = weights
            values, jacobian = expectation_jacobian(self._program, rows, self._observables)
            gradient = np.asarray(pull(_real(values))[:, 0] @ _real(jacobian)[:, 0])
        else:
            cotangents = pull(self.values(rows, weights))
            _, gradients = expectation_vjp(self._program, rows, self._observables, cotangents)
            gradient = _real(gradients).sum(axis=0)
        return gradient[self._weights]

    def loss_gradient(self, rows: FloatArray, terms: LossTerms) -> LossGradient:
        """Return the mean of a compiled loss over these samples, with its gradient; see :class:`StepsCompiled`."""
        return LossGradient(self._program, rows, self._columns, self._observables, terms)

    def metric(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the mean metric tensor, shape (W, W)."""
        rows[:, self._weights] = weights
        return mean_metric(self._program, rows, self._columns)


def _real(values: FloatArray | ComplexArray) -> FloatArray:
    """Refuse the values of observables that are not Hermitian."""
    if np.iscomplexobj(values):
        raise ValueError("observables must be Hermitian, but one has complex coefficients.")
    return np.asarray(values, dtype=np.float64)
