"""How a layer gets its numbers: the one place where exact values and gradients differ from estimated ones."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol, TypeAlias

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.engine import Observable, expectation_jacobian, expectation_vjp, expectations
from qiskit_qml_ext.gradients import GradientMethod, HadamardTestGradient, jacobian
from qiskit_qml_ext.gradients.methods import AdjointGradient, choose_method
from qiskit_qml_ext.gradients.problem import pose
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.models.pauli_sums import as_pauli_sum
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.primitives.connection.views import with_new_noise
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.program import lower, unitary_part

Columns: TypeAlias = slice | IntArray
"""The columns of the rows by which values are differentiated."""

RowPullback: TypeAlias = Callable[[FloatArray], FloatArray]
"""From cotangents, shape (B, M), to the gradients by some columns, shape (B, C)."""


def columns_at(places: IntArray) -> Columns:
    """Places in a row: as a slice where they follow each other, which is faster."""
    first = int(places[0]) if len(places) else 0
    beside = np.array_equal(places, np.arange(first, first + len(places)))
    return slice(first, first + len(places)) if beside else places


class Evaluation(Protocol):
    """Expectation values of one circuit and their vector-Jacobian products, for rows of parameter values."""

    @property
    def is_repeatable(self) -> bool:
        """Whether the same rows have the same numbers at each call."""

    def values(self, rows: FloatArray) -> FloatArray:
        """Return ⟨O_m⟩ at each row, shape (B, M), for rows of shape (B, P)."""

    def vjp(self, rows: FloatArray, cotangents: FloatArray, columns: Columns) -> FloatArray:
        """Return Σ_m cotangents[b, m] ∂⟨O_m⟩_b/∂rows[b, c] for some columns c, shape (B, C)."""

    def linearized(self, rows: FloatArray, columns: Columns) -> tuple[FloatArray, RowPullback]:
        """Return the values, shape (B, M), and what :meth:`vjp` does at these rows."""

    def jacobian(self, rows: FloatArray, columns: Columns) -> FloatArray:
        """Return ∂⟨O_m⟩_b/∂rows[b, c] for some columns c, shape (B, M, C)."""


class ExactEvaluation:
    """Values from exact states, gradients by the adjoint method.

    Args:
        circuit: The circuit.
        observables: The M observables, Hermitian.
        dtype: ``"complex128"`` or ``"complex64"``.
        max_memory: Bytes that states may take; by default most of what is free.

    Raises:
        ValueError: An observable is not Hermitian, or acts on another number of qubits.
    """

    is_repeatable = True

    def __init__(
        self,
        circuit: QuantumCircuit,
        observables: Sequence[Observable],
        *,
        dtype: str = "complex128",
        max_memory: int | None = None,
    ):
        self._program = lower(circuit)
        self._observables = observables
        self._dtype = dtype
        self._max_memory = max_memory
        # No sample: what can be said of the observables without one is said now.
        if np.iscomplexobj(expectations(self._program, np.empty((0, self._program.num_parameters)), observables)):
            raise ValueError(
                "The observables must be Hermitian, but one has complex coefficients. Measure its Hermitian and "
                "anti-Hermitian parts, each as an observable of its own."
            )

    def values(self, rows: FloatArray) -> FloatArray:
        """Return exact expectation values; see :class:`Evaluation`."""
        values = expectations(self._program, rows, self._observables, dtype=self._dtype, max_memory=self._max_memory)
        return np.asarray(values, dtype=np.float64)

    def vjp(self, rows: FloatArray, cotangents: FloatArray, columns: Columns) -> FloatArray:
        """Return exact vector-Jacobian products; see :class:`Evaluation`."""
        _, gradients = expectation_vjp(
            self._program, rows, self._observables, cotangents, dtype=self._dtype, max_memory=self._max_memory
        )
        return np.asarray(gradients[:, columns], dtype=np.float64)

    def linearized(self, rows: FloatArray, columns: Columns) -> tuple[FloatArray, RowPullback]:
        """Return exact values; for a single observable its derivatives are found with them, in one pass and back."""
        if len(self._observables) > 1:
            return self.values(rows), lambda cotangents: self.vjp(rows, cotangents, columns)
        values, slopes = self._derivatives(rows)
        chosen = slopes[:, 0, columns]
        return values, lambda cotangents: chosen * cotangents

    def jacobian(self, rows: FloatArray, columns: Columns) -> FloatArray:
        """Return exact derivatives; see :class:`Evaluation`."""
        return self._derivatives(rows)[1][:, :, columns]

    def _derivatives(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, slopes = expectation_jacobian(
            self._program, rows, self._observables, dtype=self._dtype, max_memory=self._max_memory
        )
        return np.asarray(values, dtype=np.float64), np.asarray(slopes, dtype=np.float64)


class EstimatedEvaluation:
    """Values as a connection's estimator gives them, gradients by a method of ``gradients``.

    Args:
        circuit: The circuit.
        observables: The M observables; what is no Pauli sum is measured as one, unless the connection is exact.
        connection: Where circuits run.
        method: How gradients are found.
        seed: With the connection's own seed and the circuit it makes the seeds of the calls: the k-th call takes the
            k-th child of ``SeedSequence((connection.seed, seed, circuit))``. A connection without a seed has new noise
            at each call, which nothing repeats; with a journal the journal sees to it.

    Raises:
        ValueError: What cannot be estimated on the connection.
        UnsupportedObservableError: An observable would be a sum of too many Pauli strings.
    """

    is_repeatable = False

    def __init__(
        self,
        circuit: QuantumCircuit,
        observables: Sequence[Observable],
        connection: Connection,
        method: GradientMethod,
        *,
        seed: int = 0,
    ):
        self._circuit = circuit
        self._connection, self._method = connection, method
        self._calls = count()
        problem = pose(circuit, list(observables), np.empty((0, circuit.num_parameters)), connection=connection)
        self._observables: Sequence[Observable] = problem.observables
        if not connection.is_exact or isinstance(method, HadamardTestGradient):
            self._observables = [as_pauli_sum(one, circuit.num_qubits) for one in problem.observables]
        self._entropy = (connection.seed or 0, seed, int(circuit_key(circuit)[:16], 16))
        self._measured = unitary_part(circuit, timing=True)
        if connection.is_exact:
            return
        connection.isa_circuit(self._measured)
        if connection.backend is None:  # a primitive of the user's; asking a device for one may open a session
            connection.estimator  # noqa: B018

    def values(self, rows: FloatArray) -> FloatArray:
        """Return estimated expectation values; see :class:`Evaluation`."""
        return read(self._measured, rows, self._observables, self._next_call()).values

    def vjp(self, rows: FloatArray, cotangents: FloatArray, columns: Columns) -> FloatArray:
        """Return estimated vector-Jacobian products; see :class:`Evaluation`."""
        return np.asarray(np.einsum("bm,bmc->bc", cotangents, self.jacobian(rows, columns)), dtype=np.float64)

    def jacobian(self, rows: FloatArray, columns: Columns) -> FloatArray:
        """Return estimated derivatives; see :class:`Evaluation`."""
        chosen = np.arange(rows.shape[1])[columns].tolist()
        if not len(rows) or not chosen:
            return np.zeros((len(rows), len(self._observables), len(chosen)))
        estimate = jacobian(
            self._circuit,
            list(self._observables),
            rows,
            method=self._method,
            connection=self._next_call(),
            parameters=chosen,
        )
        return np.asarray(estimate.jacobian, dtype=np.float64)

    def linearized(self, rows: FloatArray, columns: Columns) -> tuple[FloatArray, RowPullback]:
        """Return estimated values; derivatives are estimated once they are asked for."""
        return self.values(rows), lambda cotangents: self.vjp(rows, cotangents, columns)

    def _next_call(self) -> Connection:
        """The connection with the noise of this call."""
        if self._connection.seed is None:
            return self._connection
        child = np.random.SeedSequence(self._entropy, spawn_key=(next(self._calls),))
        return with_new_noise(self._connection, int(child.generate_state(1)[0]) % 2**31)


def evaluation_on(
    connection: Connection | None,
    circuit: QuantumCircuit,
    observables: Sequence[Observable],
    gradient: str | GradientMethod,
    *,
    seed: int = 0,
) -> Evaluation:
    """Return the evaluation for a connection, where ``None`` is exact, and a gradient method or its name.

    Raises:
        TypeError: ``gradient`` is neither a word nor a method.
        ValueError: The method is not known, or the connection cannot do it.
    """
    where = connect() if connection is None else connection
    method, _ = choose_method(gradient, where, name="gradient")
    refusal = method.refusal(where)
    if refusal is not None:
        raise ValueError(f"gradient={method.name!r} cannot be used on {where!r}: {refusal}")
    if not observables:
        raise ValueError("observables must hold at least one observable, but it is empty.")
    if where.is_exact and isinstance(method, AdjointGradient):
        return ExactEvaluation(circuit, observables, dtype=where.dtype, max_memory=where.max_memory)
    return EstimatedEvaluation(circuit, observables, where, method, seed=seed)
