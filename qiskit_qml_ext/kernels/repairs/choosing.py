"""The repairs by name, and how they are applied, one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.checks.callables import can_take
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.repairs.clip import ClipPSD
from qiskit_qml_ext.kernels.repairs.mitigate_depolarizing import MitigateDepolarizing
from qiskit_qml_ext.kernels.repairs.nearest_correlation import NearestCorrelation
from qiskit_qml_ext.kernels.repairs.regularize_by_error import RegularizeByError
from qiskit_qml_ext.kernels.repairs.repair import Repair
from qiskit_qml_ext.kernels.repairs.shift import ShiftPSD
from qiskit_qml_ext.kernels.repairs.symmetrize import Symmetrize

REPAIRS: dict[str, Repair] = {
    "symmetrize": Symmetrize(),
    "clip": ClipPSD(),
    "shift": ShiftPSD(),
    "nearest_correlation": NearestCorrelation(),
    "mitigate_depolarizing": MitigateDepolarizing(),
    "regularize_by_error": RegularizeByError(),
}
"""The repairs by name."""

PsdRepair = str | Repair | Sequence[str | Repair] | None
"""What ``psd_repair=`` takes."""


def steps_of(psd_repair: object) -> tuple[Repair, ...]:
    """Return the repairs that ``psd_repair=`` means, in their order.

    Raises:
        ValueError: If a name is not known, or a step does nothing that the next one leaves.
        TypeError: If something is neither a name nor a callable that takes a :class:`RawKernel`.
    """
    if psd_repair is None:
        return ()
    if isinstance(psd_repair, Sequence) and not isinstance(psd_repair, (str, bytes)):
        steps = tuple(_chosen(each) for each in psd_repair)
        _refuse_without_effect(steps)
        return steps
    return (_chosen(psd_repair),)


def _refuse_without_effect(steps: Sequence[Repair]) -> None:
    for step, following in pairwise(steps):
        if getattr(step, "moves_diagonal_only", False) and getattr(following, "ignores_diagonal", False):
            one, other = _named(step), _named(following)
            raise ValueError(
                f"psd_repair has {one} right before {other}, where it has no effect: {one} changes the diagonal only, "
                f"and {other} sets the diagonal to 1 whatever it was. Leave one of them out, or let {one} come after "
                f"{other}."
            )


def makes_psd(steps: Sequence[Repair]) -> bool:
    """Tell whether one of the repairs makes a matrix positive semi-definite; a callable of the user's counts as one."""
    return any(getattr(step, "makes_psd", True) for step in steps)


def needs_diagonal(steps: Sequence[Repair]) -> bool:
    """Tell whether one of the repairs needs the measured kernel of samples with themselves."""
    return any(getattr(step, "needs_diagonal", False) for step in steps)


def repaired(raw: RawKernel, steps: Sequence[Repair], *, is_symmetric: bool) -> RawKernel:
    """Return the matrix after all repairs, with what was applied.

    Args:
        raw: The matrix before them; it is not changed.
        steps: The repairs.
        is_symmetric: Whether its rows and columns are the same samples; another matrix is changed only by those steps
            that say so, ``on_any_matrix``.

    Raises:
        ValueError: If what a repair returns is no finite real matrix of this shape, or the matrix does not suit it.
    """
    for step in steps:
        if is_symmetric or getattr(step, "on_any_matrix", False):
            raw = _after(step, raw)
    return raw


def _after(step: Repair, raw: RawKernel) -> RawKernel:
    name = _named(step)
    returned: object = step(replace(raw, matrix=raw.matrix.copy()))
    if not isinstance(returned, RawKernel):  # the errors are those of before: what became of them, nobody said
        matrix = _checked(returned, raw.matrix.shape, name)
        return replace(raw, matrix=matrix, applied=(*raw.applied, name))
    matrix = _checked(returned.matrix, raw.matrix.shape, name)
    errors = None if returned.errors is None else _checked(returned.errors, raw.matrix.shape, f"as errors, {name}")
    applied = returned.applied if len(returned.applied) > len(raw.applied) else (*raw.applied, name)
    return replace(returned, matrix=matrix, errors=errors, applied=applied)


def _chosen(repair: object) -> Repair:
    known = f"None, {', '.join(map(repr, REPAIRS))}"
    if isinstance(repair, str):
        if repair not in REPAIRS:
            raise wrong_value("psd_repair", known, repair)
        return REPAIRS[repair]
    if not callable(repair):
        raise wrong_kind("psd_repair", f"{known}, a callable or a sequence of these", repair)
    if isinstance(repair, type) or not can_take(repair, _EXAMPLE):
        what = "is a class" if isinstance(repair, type) else "takes other arguments"
        raise TypeError(
            f"psd_repair must be {known}, a callable or a sequence of these, but {_named(repair)} {what}. Give a "
            "function or an object that is called with one RawKernel (matrix, errors, shots, target) and returns the "
            "repaired matrix."
        )
    return repair


_EXAMPLE = RawKernel(np.eye(1), errors=None, shots=None, target="exact")


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
    return str(getattr(repair, "__name__", type(repair).__name__))
