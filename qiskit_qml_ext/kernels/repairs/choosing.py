"""The repairs by name, and how one is applied."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.clip import clip
from qiskit_qml_ext.kernels.repairs.repair import Repair
from qiskit_qml_ext.kernels.repairs.shift import shift

REPAIRS: dict[str, Repair] = {
    "clip": clip,
    "shift": shift,
}
"""The repairs by name."""


def repaired(raw: RawKernel, repair: str | Repair, *, is_symmetric: bool) -> FloatArray:
    """Return the matrix after a repair.

    Args:
        raw: The matrix before it.
        repair: A name among :data:`REPAIRS`, or a repair of the user's own.
        is_symmetric: Whether its rows and columns are the same samples; another matrix is left as it is.

    Raises:
        ValueError: If the name is not known, or what a user's repair returns is no matrix of the same shape.
        TypeError: If it is neither a name nor a callable.
    """
    chosen = REPAIRS.get(repair) if isinstance(repair, str) else repair
    if chosen is None:
        raise ValueError(f"psd_repair must be None, {', '.join(map(repr, REPAIRS))}, but {repair!r} came.")
    if not callable(chosen):
        raise TypeError(
            f"psd_repair must be None, {', '.join(map(repr, REPAIRS))} or a callable, but {repair!r} "
            f"({type(repair).__name__}) came."
        )
    if not is_symmetric:
        return raw.matrix
    matrix = np.asarray(chosen(raw), dtype=np.float64)
    if matrix.shape != raw.matrix.shape:
        raise ValueError(
            f"A repair must keep the shape of the matrix, {raw.matrix.shape}, but {repair!r} returned {matrix.shape}."
        )
    return matrix
