"""What a kernel says of a tile: its entries; or these with their standard errors and what else an estimate has."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate

MATRIX, ERRORS, TRUNCATION, SHOTS = "matrix", "standard_errors", "truncation_errors", "entry_shots"

LAYERS: dict[str, type] = {MATRIX: np.float64, ERRORS: np.float64, TRUNCATION: np.float64, SHOTS: np.int64}
"""The numbers that an entry may have, by the names of the fields of an estimate, and their types."""

_SYMMETRY = 1e-10  # of the largest entry: above rounding


@dataclass(frozen=True, eq=False)
class TileValues:
    """The numbers of a tile."""

    layers: dict[str, AnyArray]
    """By name, each of the shape of the tile; the entries are the first."""
    note: str = ""
    """What else is said of the tile, a line of JSON; see :class:`TileNote`."""


@dataclass(frozen=True)
class TileNote:
    """What an estimate says of its tile as a whole."""

    layers: tuple[str, ...]
    """The layers that it has."""
    shots: int | None
    """The least shots behind an entry that was sampled; ``None`` for exact results."""
    is_sampled: bool
    """Whether any entry was."""
    target: str
    """The name of the target."""
    applied: tuple[str, ...]
    """The steps that were applied."""
    synthesis_error: float | None
    """By how much the states that ran differ from those that are meant; ``None`` where that is not known."""
    conditions: tuple[str, ...] = ()
    """What was on while its circuits ran."""

    def written(self) -> str:
        """Return the note as a line."""
        return json.dumps(vars(self))

    @staticmethod
    def read(line: str) -> "TileNote":
        """Return the note that a line is."""
        held: dict[str, Any] = json.loads(line)
        lists: dict[str, Any] = {name: tuple(value) for name, value in held.items() if isinstance(value, list)}
        return TileNote(**{**held, **lists})


TileReading = Callable[[Any, FloatArray, FloatArray | None], TileValues]
"""Asks a kernel for a tile: of samples of the rows and of the columns, ``None`` for those of the rows."""


def values_between(kernel: Any, X: FloatArray, Y: FloatArray | None) -> FloatArray:
    """Return a kernel's matrix, however it is called.

    Args:
        kernel: An object with ``evaluate(X, Y)``, or a function of two arrays of samples.
        X: Samples of the rows, shape (n, features).
        Y: Samples of the columns, shape (m, features), or ``None`` for those of the rows.

    Raises:
        ValueError: If what it returns is no matrix of finite numbers of the right shape, or for one set of samples not
            symmetric.
    """
    return _checked(getattr(kernel, "evaluate", kernel)(X, Y), X, Y)


def entries_between(kernel: Any, X: FloatArray, Y: FloatArray | None) -> TileValues:
    """Return the entries of a tile; see :func:`values_between`."""
    return TileValues({MATRIX: values_between(kernel, X, Y)})


def estimate_between(kernel: Any, X: FloatArray, Y: FloatArray | None) -> TileValues:
    """Return the entries of a tile with their errors, and what else their estimate says.

    Raises:
        TypeError: If the kernel's ``evaluate_with_errors`` returns something else.
        ValueError: If an array has another shape or a number that is not finite, or entries were repaired.
    """
    estimate: object = kernel.evaluate_with_errors(X, Y)
    if not isinstance(estimate, KernelEstimate):
        raise TypeError(
            f"evaluate_with_errors of {type(kernel).__name__} must return a KernelEstimate, but it returned a "
            f"{type(estimate).__name__}."
        )
    if estimate.repaired_errors is not None:
        raise ValueError(
            "The kernel repairs its matrix, which takes the whole of it, and would see single tiles only. Repair it "
            "afterwards."
        )
    given = {name: getattr(estimate, name) for name in LAYERS}
    layers: dict[str, AnyArray] = {
        name: _checked(one, X, Y).astype(LAYERS[name]) for name, one in given.items() if one is not None
    }
    note = TileNote(
        tuple(layers),
        None if estimate.shots is None else int(estimate.shots),
        bool(np.any(layers[ERRORS] > 0)),
        estimate.target,
        estimate.applied,
        None if estimate.synthesis_error is None else float(estimate.synthesis_error),
        estimate.conditions,
    )
    return TileValues(layers, note.written())


def _checked(values: Any, X: FloatArray, Y: FloatArray | None) -> FloatArray:
    matrix = np.ascontiguousarray(values, dtype=np.float64)
    shape = (len(X), len(X if Y is None else Y))
    if matrix.shape != shape:
        raise ValueError(f"The kernel must return a matrix of the shape {shape}, but it returned {matrix.shape}.")
    if not np.isfinite(matrix).all():
        raise ValueError("The kernel must return finite numbers, but some of what it returned are not.")
    if Y is None and not np.allclose(matrix, matrix.T, rtol=0, atol=_SYMMETRY * np.max(np.abs(matrix), initial=0.0)):
        raise ValueError(
            "The kernel of samples with themselves is not symmetric, so that half of it does not say the other half. "
            "Pass the samples a second time as Y=X.copy(), for the whole of it."
        )
    return matrix
