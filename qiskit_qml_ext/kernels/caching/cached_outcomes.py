"""Outcomes behind entries that were remembered: those that the kernel's own connection has."""

from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.kernel_estimate import ReinterpretedKernel
from qiskit_qml_ext.kernels.readings import Reading, ReadoutErrors


@dataclass(frozen=True, eq=False)
class CachedOutcomes:
    """Asks the kernel, whose connection keeps its outcomes; entries remembered in a file have none there."""

    kernel: QuantumKernel
    """A kernel with a method ``reinterpret``."""
    x: FloatArray
    """Samples of the rows, shape (n, features)."""
    y: FloatArray | None
    """Samples of the columns; ``None`` for those of the rows."""

    def reinterpret(
        self,
        reading: str | Reading,
        *,
        tolerance: int | None = None,
        orders: str = "both",
        readout_correction: ReadoutErrors | None = None,
    ) -> ReinterpretedKernel:
        """Return another kernel of the same outcomes; see :meth:`KernelEstimate.reinterpret`.

        Raises:
            ValueError: If the connection does not know the outcomes, or the kernel cannot correct them.
        """
        if readout_correction is not None and "readout_correction" not in self.kernel._get_param_names():
            raise ValueError(f"{type(self.kernel).__name__} corrects no readout errors. Leave readout_correction out.")
        kernel: Any = self.kernel._copy_with(readout_correction=readout_correction)
        read: ReinterpretedKernel = kernel.reinterpret(reading, self.x, self.y, tolerance=tolerance, orders=orders)
        return read
