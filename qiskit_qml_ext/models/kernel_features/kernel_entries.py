"""Entries of a kernel, whatever the kernel is: ours, one of qiskit-machine-learning, or a plain function."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_kind
from qiskit_qml_ext.kernels import StatesErrors
from qiskit_qml_ext.kernels.abilities import stated_errors


class KernelEntries:
    """Blocks of the matrix of a kernel.

    Args:
        kernel: An object with ``evaluate(X, Y)``, or a function of two arrays of samples that returns their matrix.

    Raises:
        TypeError: If the kernel is neither.
    """

    def __init__(self, kernel: object):
        evaluate = getattr(kernel, "evaluate", None)
        if isinstance(kernel, type) or not (callable(evaluate) or callable(kernel)):
            raise wrong_kind(
                "kernel",
                "a quantum kernel or a function of two arrays of samples that returns their matrix",
                kernel,
                "A kernel of scikit-learn is given as its function, such as sklearn.metrics.pairwise.rbf_kernel.",
            )
        self._kernel = kernel
        self._call = evaluate if callable(evaluate) else kernel

    def block(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Return the kernel between samples, shape (n, m).

        Raises:
            ValueError: If the kernel returns another shape, or numbers that are not finite.
        """
        return self._checked(self._call(X, Y), (len(X), len(Y)))  # type: ignore[operator]

    def square(self, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the kernel of samples with themselves and its standard errors, zeros where none are known: (n, n)."""
        if isinstance(self._kernel, StatesErrors):
            estimate = stated_errors(self._kernel, X)
            errors = estimate.standard_errors if estimate.repaired_errors is None else estimate.repaired_errors
            return self._checked(estimate.matrix, (len(X), len(X))), errors
        matrix = self.block(X, X)
        return matrix, np.zeros_like(matrix)

    def diagonal(self, X: FloatArray, *, at_once: int) -> FloatArray:
        """Return k(x, x) of each sample, shape (n,).

        Args:
            X: Samples, shape (n, features).
            at_once: How many samples meet each other in a call, where the kernel cannot say its diagonal alone.
        """
        if getattr(self._kernel, "unit_diagonal", False):
            return np.ones(len(X))
        own = getattr(self._kernel, "diag", None)
        if callable(own):
            return np.asarray(own(X), dtype=np.float64)
        parts = (X[first : first + at_once] for first in range(0, len(X), at_once))
        return np.concatenate([np.diagonal(self.block(part, part)) for part in parts])

    def _checked(self, returned: object, shape: tuple[int, int]) -> FloatArray:
        matrix = np.asarray(returned, dtype=np.float64)
        name = getattr(self._kernel, "__name__", type(self._kernel).__name__)
        if matrix.shape != shape:
            raise ValueError(
                f"The kernel {name} must return a matrix of shape {shape} for {shape[0]} and {shape[1]} samples, but "
                f"it returned {matrix.shape}. A function of two single samples goes through "
                "sklearn.metrics.pairwise_kernels(X, Y, metric=function)."
            )
        if not np.isfinite(matrix).all():
            row, column = np.argwhere(~np.isfinite(matrix))[0]
            raise ValueError(
                f"The kernel {name} must return finite numbers, but it returned {matrix[row, column]} in row {row}, "
                f"column {column}."
            )
        return matrix
