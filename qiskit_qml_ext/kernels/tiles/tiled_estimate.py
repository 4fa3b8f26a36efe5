"""One kernel matrix in tiles with the standard error of each entry."""

import os
from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.checks import check_arguments, wrong_kind
from qiskit_qml_ext.kernels.abilities import StatesErrors
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate
from qiskit_qml_ext.kernels.tiles.tile_values import (
    ERRORS,
    MATRIX,
    SHOTS,
    TRUNCATION,
    TileNote,
    estimate_between,
)
from qiskit_qml_ext.kernels.tiles.tiled_work import TiledWork, Tiles
from qiskit_qml_ext.kernels.tiles.tiling import Tile


@check_arguments()
def compute_kernel_estimate(
    kernel: Any,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    tile_size: int | None = None,
    num_processes: int | None = None,
    progress: bool = False,
) -> KernelEstimate:
    """Compute a large kernel matrix with the standard error of each entry, tile by tile.

    It is to ``evaluate_with_errors`` what :func:`compute_kernel_matrix` is to ``evaluate``, and works as that does:
    over processes or a cluster, on disk, going on after whatever interrupted it. A folder keeps to one of the two.
    Where entries have different shots, or states were truncated, that is computed too, as one more file each.

    Outcomes are not kept: what else they say is asked of the kernel, by ``reinterpret``, whose connection has them.

    Args:
        kernel: A kernel with ``evaluate_with_errors(X, Y)``. An entry may depend on its own two samples only, and there
            may be no repair, which needs the whole matrix.
        X: Samples of the rows, shape (n, features).
        Y: Samples of the columns, shape (m, features); ``None`` for those of the rows.
        folder: Where to compute on disk, 16nm bytes, and 8nm for each further file; ``None`` for in memory.
        tile_size: Rows and columns of a tile; by default 1,024, or that of the folder.
        num_processes: How many processes; see :func:`compute_kernel_matrix`.
        progress: Whether to show a progress bar on standard error.

    Returns:
        The estimate, as ``evaluate_with_errors`` of the whole matrix returns it, but for outcomes, and for
        ``synthesis_error``, which is the largest over some samples of every tile. With a folder its arrays are
        read-only and read from there as they are used. The errors of kernels that find them by draws (a
        :class:`~qiskit_qml_ext.kernels.ProjectedKernel` with an outer kernel of scikit-learn) depend on the tiles, by
        as much as they are known.

    Raises:
        TypeError: If the kernel does not state errors.
        ValueError: If the data are not valid, entries depend on other samples, the kernel has a repair, or the folder
            holds something else.
        StateTooLargeError: If it does not fit memory and no folder is given.
        BlockingIOError: If another process computes in the folder.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import IQPFeatureMap
        >>> from qiskit_qml_ext.kernels import FidelityKernel, compute_kernel_estimate
        >>> from qiskit_qml_ext.primitives import connect
        >>> X = np.random.default_rng(0).uniform(-1, 1, (20, 2))
        >>> kernel = FidelityKernel(IQPFeatureMap(), connection=connect("exact", shots=100, seed=0))
        >>> tiled = compute_kernel_estimate(kernel, X, tile_size=8)
        >>> bool(np.array_equal(tiled.standard_errors, kernel.evaluate_with_errors(X).standard_errors))
        True
    """
    if isinstance(kernel, type) or not isinstance(kernel, StatesErrors):
        raise wrong_kind("kernel", "a kernel with evaluate_with_errors(X, Y)", kernel)
    work = TiledWork(kernel, X, Y, tile_size=tile_size, folder=folder)
    with work.store((MATRIX, ERRORS)) as store:
        work.complete(store, estimate_between, num_processes=num_processes, progress=progress)
        notes = {tile: TileNote.read(line) for tile, line in store.notes().items()}
        layers = {name for note in notes.values() for name in note.layers} | _missing_shots(store, notes)
        matrix = store.matrix(MATRIX)
        return KernelEstimate(
            matrix,
            store.matrix(ERRORS),
            matrix if folder is not None else matrix.copy(),
            _least_shots(list(notes.values())),
            next(iter(notes.values())).target,
            _largest([note.synthesis_error for note in notes.values()]),
            applied=_said_of_any(note.applied for note in notes.values()),
            truncation_errors=store.matrix(TRUNCATION) if TRUNCATION in layers else None,
            entry_shots=store.matrix(SHOTS) if SHOTS in layers else None,
            conditions=_said_of_any(note.conditions for note in notes.values()),
        )


def _said_of_any(said: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(said)))


def _least_shots(notes: list[TileNote]) -> int | None:
    """Return the least shots behind an entry that was sampled; of none, what the tiles say."""
    sampled = [note for note in notes if note.is_sampled] or notes
    return min((note.shots for note in sampled if note.shots is not None), default=None)


def _missing_shots(store: Tiles, notes: dict[Tile, TileNote]) -> set[str]:
    """Write the shots of each entry for tiles in which they are all alike, where those of others differ from them."""
    alike = {note.shots for note in notes.values() if note.is_sampled}
    if len(alike) < 2 and not any(SHOTS in note.layers for note in notes.values()):
        return set()
    for tile, note in notes.items():
        if SHOTS not in note.layers:
            store.fill(tile, SHOTS, np.where(store.read(tile, ERRORS) > 0, note.shots or 0, 0))
    return {SHOTS}


def _largest(errors: list[float | None]) -> float | None:
    known = [error for error in errors if error is not None]
    return max(known) if len(known) == len(errors) else None
