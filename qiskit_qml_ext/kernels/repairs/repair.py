"""What makes a noisy kernel matrix a better one, on request only."""

from typing import Protocol

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel


class Repair(Protocol):
    """Turns a symmetric kernel matrix as it was measured into one that is used; any callable of this form will do."""

    def __call__(self, raw: RawKernel, /) -> FloatArray:
        """Return the repaired matrix, shape (n, n).

        Args:
            raw: The matrix before any repair, the standard errors of its entries and the shots behind them.
        """
