"""Where the kernel matrices of a training come from, and how its gradient goes back: one way a file."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.primitives import Connection, RunPlan

PullBack = Callable[[FloatArray], FloatArray]
"""Takes a kernel matrix, shape (n, n), and returns the derivative of a loss by each of its entries."""


class Pairs(Protocol):
    """Kernel matrices of the states that one circuit prepares, for rows of values of all its parameters."""

    @property
    def connection(self) -> Connection:
        """Where circuits run."""

    @property
    def gradient(self) -> str | None:
        """The name of the gradient method; ``None`` where only values are known."""

    @property
    def is_exact(self) -> bool:
        """Whether matrices are exact, so that two losses can be told apart without noise."""

    def matrices(self, rows: Sequence[FloatArray]) -> list[FloatArray]:
        """Return the symmetric matrix of each of several sets of rows (n, P), from one job if circuits run."""

    def gradients(self, rows: FloatArray, columns: Sequence[int], pull_back: PullBack) -> FloatArray:
        """Return the derivatives of a loss of the matrix by the parameters of each row, shape (n, P).

        Args:
            rows: Shape (n, P).
            columns: The parameters by which derivatives are wanted; the others may be 0.
            pull_back: Is called once with the matrix.
        """


@runtime_checkable
class PlansSteps(Protocol):
    """Kernel matrices whose circuits run on a target, which can say what a step of a training takes."""

    def plan(
        self,
        rows: FloatArray,
        columns: Sequence[int],
        *,
        num_matrices: int = 1,
        price_per_minute: float | None = None,
    ) -> RunPlan:
        """Say what a gradient of a loss of all pairs takes; without columns, what some matrices take.

        Args:
            rows: Shape (n, P).
            columns: The parameters by which derivatives are wanted.
            num_matrices: How many matrices at different parameters, without columns.
            price_per_minute: The price of a minute of processor time.
        """
