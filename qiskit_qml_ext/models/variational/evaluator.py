"""Where a model's circuit is evaluated. Exact results come from the engine; another way is another class."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypedDict, runtime_checkable

import numpy as np

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.engine import Observable, expectation_jacobian, expectation_vjp, expectations
from qiskit_qml_ext.engine.loss_gradient import LossGradient, LossTerms, as_slice
from qiskit_qml_ext.gradients import metric_tensor
from qiskit_qml_ext.models.variational.account import Account
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.program import lower


class Evaluator(Protocol):
    """Expectation values of a circuit and their derivatives by its weights, for a batch of samples."""

    account: Account
    """What was estimated so far; stays empty where all is exact."""

    def rows(self, samples: FloatArray) -> FloatArray:
        """Return what the other methods take for these samples, shape (B, parameters); they write to it."""

    def values(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the expectation values, shape (B, M), at weights (W,), or (B, W) for other ones in each row."""

    def vjp(self, rows: FloatArray, weights: FloatArray, pull: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the gradient of a loss by the weights, shape (W,).

        ``pull`` takes the values (B, M) and returns the derivatives of the loss by them, (B, M). Its last call is at
        the values to which the gradient belongs.
        """

    def metric(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the metric tensor of the states by the weights, averaged over the samples, shape (W, W)."""


@runtime_checkable
class StepsCompiled(Protocol):
    """An evaluator that takes a step of training in one compiled call."""

    def loss_gradient(self, rows: FloatArray, terms: LossTerms) -> LossGradient | None:
        """Return a function of samples, weights, scales and biases: the mean loss and its gradient.

        ``None`` where there is none for the precision in use.
        """


class ExactEvaluator:
    """Exact values and gradients, batched, on all cores.

    Args:
        model: The circuit.
        observables: What is read, M of them.
        connection: An exact connection, whose precision and limit of memory hold; the default one for ``None``.
    """

    def __init__(self, model: ModelCircuit, observables: Sequence[Observable], connection: Connection | None = None):
        self.account = Account()
        self._circuit, self._program = model.circuit, lower(model.circuit)
        self._connection = connect() if connection is None else connection
        self._limits: _Limits = {"dtype": self._connection.dtype, "max_memory": self._connection.max_memory}
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
        return _real(expectations(self._program, rows, self._observables, **self._limits))

    def vjp(self, rows: FloatArray, weights: FloatArray, pull: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the gradient of a loss by the weights, shape (W,)."""
        if len(self._observables) == 1:  # one forward and one reverse pass, whatever the loss
            rows[:, self._weights] = weights
            values, jacobian = expectation_jacobian(self._program, rows, self._observables, **self._limits)
            gradient = np.asarray(pull(_real(values))[:, 0] @ _real(jacobian)[:, 0])
        else:
            cotangents = pull(self.values(rows, weights))
            _, gradients = expectation_vjp(self._program, rows, self._observables, cotangents, **self._limits)
            gradient = _real(gradients).sum(axis=0)
        return gradient[self._weights]

    def loss_gradient(self, rows: FloatArray, terms: LossTerms) -> LossGradient | None:
        """Return the mean of a compiled loss over these samples, with its gradient; see :class:`StepsCompiled`."""
        if self._limits["dtype"] != "complex128":
            return None
        budget = self._limits["max_memory"]
        return LossGradient(self._program, rows, self._columns, self._observables, terms, max_memory=budget)

    def metric(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the mean metric tensor, shape (W, W)."""
        rows[:, self._weights] = weights
        columns = self._columns.tolist()
        tensors = metric_tensor(self._circuit, rows, connection=self._connection, parameters=columns)
        return np.asarray(np.asarray(tensors).mean(axis=0))


class _Limits(TypedDict):
    dtype: str
    max_memory: int | None


def _real(values: FloatArray | ComplexArray) -> FloatArray:
    """Refuse the values of observables that are not Hermitian."""
    if np.iscomplexobj(values):
        raise ValueError("observables must be Hermitian, but one has complex coefficients.")
    return np.asarray(values, dtype=np.float64)
