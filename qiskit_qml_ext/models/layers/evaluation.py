"""How a layer gets its numbers: the one place where exact values and gradients differ from estimated ones."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import Observable, expectation_jacobian, expectation_vjp, expectations
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import RotationProgram


class Evaluation(Protocol):
    """Expectation values of one circuit and their vector-Jacobian products, for rows of parameter values."""

    def values(self, rows: FloatArray) -> FloatArray:
        """Return ⟨O_m⟩ at each row, shape (B, M), for rows of shape (B, P)."""

    def vjp(self, rows: FloatArray, cotangents: FloatArray) -> FloatArray:
        """Return Σ_m cotangents[b, m] ∂⟨O_m⟩_b/∂rows[b, p], shape (B, P)."""

    def jacobian(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the values, shape (B, M), and all their derivatives, shape (B, M, P)."""


class ExactEvaluation:
    """Values from exact states, gradients by the adjoint method.

    Args:
        program: What was lowered from the circuit.
        observables: The M observables, Hermitian.
        dtype: ``"complex128"`` or ``"complex64"``.
        max_memory: Bytes that states may take; by default most of what is free.
    """

    def __init__(
        self,
        program: RotationProgram,
        observables: Sequence[Observable],
        *,
        dtype: str = "complex128",
        max_memory: int | None = None,
    ):
        self._program = program
        self._observables = observables
        self._dtype = dtype
        self._max_memory = max_memory

    def values(self, rows: FloatArray) -> FloatArray:
        """Return exact expectation values; see :class:`Evaluation`."""
        values = expectations(self._program, rows, self._observables, dtype=self._dtype, max_memory=self._max_memory)
        return np.asarray(values, dtype=np.float64)

    def vjp(self, rows: FloatArray, cotangents: FloatArray) -> FloatArray:
        """Return exact vector-Jacobian products; see :class:`Evaluation`."""
        _, gradients = expectation_vjp(
            self._program, rows, self._observables, cotangents, dtype=self._dtype, max_memory=self._max_memory
        )
        return np.asarray(gradients, dtype=np.float64)

    def jacobian(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return exact values and derivatives; see :class:`Evaluation`."""
        values, jacobian = expectation_jacobian(
            self._program, rows, self._observables, dtype=self._dtype, max_memory=self._max_memory
        )
        return np.asarray(values, dtype=np.float64), np.asarray(jacobian, dtype=np.float64)


def evaluation_on(
    connection: Connection | None, program: RotationProgram, observables: Sequence[Observable]
) -> Evaluation:
    """Return the evaluation for a connection; ``None`` is exact.

    Raises:
        ValueError: The connection is not exact.
    """
    if connection is None:
        return ExactEvaluation(program, observables)
    if not connection.is_exact:
        raise ValueError(
            f"A layer needs exact values and gradients, but {connection!r} estimates them. Use connect('exact'), which "
            "takes dtype and max_memory."
        )
    return ExactEvaluation(program, observables, dtype=connection.dtype, max_memory=connection.max_memory)
