"""Outcomes behind entries that were remembered: those that the kernel's own connection has."""

import os
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
    store: str | os.PathLike[str] | None = None
    """The file that entries may have come from."""

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
        return reinterpreted(kernel, self.store, reading, self.x, self.y, tolerance=tolerance, orders=orders)


def reinterpreted(kernel: Any, store: str | os.PathLike[str] | None, *asked: Any, **how: Any) -> ReinterpretedKernel:
    """Return what a kernel's ``reinterpret`` returns.

    Raises:
        ValueError: What it raises, with what may be the cause where entries are remembered in a file.
    """
    try:
        read: ReinterpretedKernel = kernel.reinterpret(*asked, **how)
    except ValueError as error:
        if store is None:
            raise
        raise ValueError(
            f"{error} (Entries that came from the file {os.fspath(store)} have no outcomes here. For these, evaluate "
            "the kernel inside, the argument kernel of the CachedKernel: its circuits run again.)"
        ) from error
    return read
