"""The repairs by name, and how one is applied."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.checks.callables import can_take
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.clip import clip_spectrum
from qiskit_qml_ext.kernels.repairs.repair import Repair
from qiskit_qml_ext.kernels.repairs.shift import shift_spectrum

REPAIRS: dict[str, Repair] = {
    "clip": clip_spectrum,
    "shift": shift_spectrum,
}
"""The repairs by name."""


def repaired(raw: RawKernel, repair: str | Repair, *, is_symmetric: bool) -> FloatArray:
    """Return the matrix after a repair.

    Args:
        raw: The matrix before it.
        repair: A name among :data:`REPAIRS`, or a repair of the user's own.
        is_symmetric: Whether its rows and columns are the same samples; another matrix is left as it is.

    Raises:
        ValueError: If the name is not known, or what a user's repair returns is no finite real matrix of this shape.
        TypeError: If it is neither a name nor a callable that takes a :class:`RawKernel`.
    """
    chosen = _chosen(raw, repair)
    return _checked(chosen(raw), raw.matrix.shape, _named(repair)) if is_symmetric else raw.matrix


def _chosen(raw: RawKernel, repair: object) -> Repair:
    known = f"None, {', '.join(map(repr, REPAIRS))}"
    if isinstance(repair, str):
        if repair not in REPAIRS:
            raise wrong_value("psd_repair", known, repair)
        return REPAIRS[repair]
    if not callable(repair):
        raise wrong_kind("psd_repair", f"{known} or a callable", repair)
    if isinstance(repair, type) or not can_take(repair, raw):
        what = "is a class" if isinstance(repair, type) else "takes other arguments"
        raise TypeError(
            f"psd_repair must be {known} or a callable, but {_named(repair)} {what}. Give a function or an object that "
            "is called with one RawKernel (matrix, errors, shots, target) and returns the repaired matrix."
        )
    return repair


def _checked(returned: object, shape: tuple[int, ...], name: str) -> FloatArray:
    """Return what a repair returned as a matrix."""
    try:
        array = np.asarray(returned)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        came = f"{array.dtype} numbers" if array.dtype.kind == "c" else f"a {type(returned).__name__}"
        raise ValueError(f"A repair must return a matrix of real numbers, but {name} returned {came}.")
    if array.shape != shape:
        raise ValueError(f"A repair must keep the shape of the matrix, {shape}, but {name} returned {array.shape}.")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(
            f"A repair must return finite numbers, but {name} returned {array[row, column]} in row {row}, column "
            f"{column}."
        )
    return np.asarray(array, dtype=np.float64)


def _named(repair: object) -> str:
    """Return a repair by its name, without an address that is another in each process."""
    return repr(repair) if isinstance(repair, str) else str(getattr(repair, "__name__", type(repair).__name__))
