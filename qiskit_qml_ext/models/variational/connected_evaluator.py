"""A model's circuit on any target: values and derivatives as a connection gives them."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.engine.observables import size_of
from qiskit_qml_ext.gradients import GradientMethod, HadamardTestGradient, JacobianEstimate, jacobian, metric_tensor
from qiskit_qml_ext.gradients.problem import pose
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.models.pauli_sums import as_pauli_sum
from qiskit_qml_ext.models.variational.account import Account, gradient_errors
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.primitives.connection.views import with_new_noise
from qiskit_qml_ext.primitives.shots import shots_of
from qiskit_qml_ext.primitives.written import join_bytes
from qiskit_qml_ext.program import unitary_part


class ConnectedEvaluator:
    """Values and derivatives by a gradient method on a connection; see :class:`Evaluator`.

    All samples are one PUB. On a simulator with a seed every estimate has noise of its own, whose seed follows from the
    connection's, from the number of the estimate and from what is estimated: steps of a training see different noise,
    two trainings the same, and what is estimated outside of a training does not depend on what came before. A journal
    does the same by itself.

    Args:
        model: The circuit.
        observables: What is read, M of them.
        connection: Where it runs.
        method: How derivatives are found.
    """

    def __init__(
        self,
        model: ModelCircuit,
        observables: Sequence[Observable],
        connection: Connection,
        method: GradientMethod,
    ):
        circuit = model.circuit
        problem = pose(circuit, list(observables), np.zeros(circuit.num_parameters), connection=connection)
        self._observables: Sequence[Observable] = problem.observables
        if not connection.is_exact or isinstance(method, HadamardTestGradient):
            self._observables = [as_pauli_sum(one, circuit.num_qubits) for one in problem.observables]
        self._model, self._circuit = model, unitary_part(circuit, timing=True)
        self._connection = connection
        self.method = method
        """How derivatives are found."""
        self.account = Account()

    def rows(self, samples: FloatArray) -> FloatArray:
        """Return rows of parameter values with the samples in their columns."""
        rows = np.zeros((len(samples), self._model.circuit.num_parameters))
        rows[:, self._model.data] = samples
        return rows

    def values(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the expectation values, shape (B, M)."""
        rows[:, self._model.weights] = weights
        connection = self._with_new_noise(rows)
        self._count(len(rows))
        return read(self._circuit, rows, self._observables, connection).values

    def vjp(self, rows: FloatArray, weights: FloatArray, pull: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """Return the gradient of a loss by the weights, shape (W,), from one estimate of values and derivatives."""
        rows[:, self._model.weights] = weights
        estimate = jacobian(
            self._model.circuit,
            self._observables,
            rows,
            method=self.method,
            connection=self._with_new_noise(rows),
            parameters=self._model.weights.tolist(),
        )
        self._count(estimate.num_evaluations)
        changes = _changes(estimate, pull)
        cotangents = pull(estimate.values)
        gradient = np.asarray(np.einsum("bm,bmw->w", cotangents, estimate.jacobian))
        if not self._connection.is_exact:
            self.account.gradient_errors = gradient_errors(
                estimate, cotangents, changes, independent=self._connection.estimator_draws_normal_noise
            )
            self.account.gradient_norm = float(np.sqrt(gradient @ gradient))
        return gradient

    def metric(self, rows: FloatArray, weights: FloatArray) -> FloatArray:
        """Return the mean metric tensor, shape (W, W): that of the circuit without noise, from states."""
        rows[:, self._model.weights] = weights
        columns = self._model.weights.tolist()
        return np.asarray(np.asarray(metric_tensor(self._model.circuit, rows, parameters=columns)).mean(axis=0))

    def _with_new_noise(self, rows: FloatArray) -> Connection:
        seed = self._connection.seed
        self.account.num_estimates += 1
        if seed is None:
            return self._connection
        content = join_bytes(seed, self.account.num_estimates, rows)
        new = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little") % 2**31
        return with_new_noise(self._connection, new)

    def _count(self, num_points: int) -> None:
        measured = sum(size_of(one) > 0 for one in self._observables)
        self.account.shots += num_points * measured * shots_of(None, self._connection.shots)


def _changes(estimate: JacobianEstimate, pull: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Return by how much the derivatives of the loss (B, M) change with each value's error, shape (M, B, M)."""
    values, errors = estimate.values, estimate.value_errors
    changes = np.zeros((values.shape[1], *values.shape))
    for place in np.flatnonzero(errors.any(axis=0)):
        move = np.zeros_like(values)
        move[:, place] = errors[:, place]
        changes[place] = (pull(values + move) - pull(values - move)) / 2
    return changes
