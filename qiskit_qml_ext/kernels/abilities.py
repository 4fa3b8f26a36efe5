"""What a kernel can do: what models and diagnostics ask for, instead of its class.

Every :class:`~qiskit_qml_ext.kernels.QuantumKernel` of a feature map can do all of it. So can any kernel of the user's
own that has these methods.
"""

from typing import Protocol, runtime_checkable

from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate
from qiskit_qml_ext.primitives import Connection, RunPlan


@runtime_checkable
class StatesErrors(Protocol):
    """A kernel that knows the standard errors of its entries."""

    def evaluate_with_errors(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> KernelEstimate:
        """Return the matrix k(x_i, y_j), its standard errors, and the matrix before any repair."""


@runtime_checkable
class PlansRuns(Protocol):
    """A kernel that can say what its matrix will take, without running anything."""

    def plan(
        self,
        x_vec: ArrayLike,
        y_vec: ArrayLike | None = None,
        *,
        shots: int | None = None,
        price_per_minute: float | None = None,
        entries: tuple[float, float] | None = None,
    ) -> RunPlan:
        """Return the plan; see :meth:`~qiskit_qml_ext.kernels.QuantumKernel.plan`."""


@runtime_checkable
class ChangesTarget(Protocol):
    """A kernel whose circuits can be run elsewhere: exactly, with simulated noise, or on another device."""

    def evaluate(self, x_vec: ArrayLike, y_vec: ArrayLike | None = None) -> FloatArray:
        """Return the matrix k(x_i, y_j), shape (n, m)."""

    def num_qubits(self, num_features: int) -> int:
        """Return the number of qubits that so many features take; idle ones do not count."""

    def circuit(self, num_features: int) -> QuantumCircuit:
        """Return the measured circuit that the kernel runs, before transpilation."""

    def with_connection(self, connection: Connection | None) -> Self:
        """Return a copy of the kernel whose circuits run through another connection; ``None`` for exact results."""

    def exact_copy(self) -> Self:
        """Return a copy of the kernel with exact results, without a repair."""
