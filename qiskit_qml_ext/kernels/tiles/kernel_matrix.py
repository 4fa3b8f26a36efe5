"""One kernel matrix in tiles: on one machine or a cluster, in memory or on disk."""

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments, wrong_kind
from qiskit_qml_ext.kernels.blocks import check_matrix
from qiskit_qml_ext.kernels.caching.learned_state import unchanged
from qiskit_qml_ext.kernels.caching.open_median import refuse_open_median
from qiskit_qml_ext.kernels.samples import check_samples
from qiskit_qml_ext.kernels.tiles.content import content_digest, data_digest, is_exact
from qiskit_qml_ext.kernels.tiles.tile_store import TileStore, tile_size_of
from qiskit_qml_ext.kernels.tiles.tiling import Tile, Tiling
from qiskit_qml_ext.kernels.tiles.workers import computed_tiles, samples_of, values_between

_TILE_SIZE = 1024  # a tile of 8 MiB; fewer samples would be simulated too often, more held too long
_LOOKED_AT = 9  # samples, to see whether entries depend on others
_AGREEMENT = 1e-8  # between entries computed with other samples beside them: above rounding


@check_arguments()
def compute_kernel_matrix(
    kernel: Any,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    tile_size: int | None = None,
    num_processes: int | None = None,
    progress: bool = False,
) -> FloatArray:
    """Compute a large kernel matrix tile by tile, over processes or a cluster, and on disk if it does not fit memory.

    The tiles go through joblib, so that a surrounding ``joblib.parallel_config(backend="dask")`` or ``"ray"`` spreads
    them over a cluster; entries do not depend on who computes them, and a tile is computed again if its worker dies.
    Without ``Y`` only the tiles on and above the diagonal are computed.

    In a folder the matrix is one file of NumPy's, and what is returned reads it from there as it is used. A call that
    was interrupted, by whatever, is continued by calling again: finished tiles are checked by their digests and not
    computed again. The folder keeps to one kernel with its target, to its data and its tiles; others are refused.

    Args:
        kernel: A kernel with ``evaluate(X, Y)``, or a function of two arrays of samples that returns their matrix. An
            entry may depend on its own two samples only, and there may be no repair, which needs the whole matrix.
        X: Samples of the rows, shape (n, features).
        Y: Samples of the columns, shape (m, features); ``None`` for those of the rows.
        folder: Where to compute the matrix on disk, 8nm bytes; ``None`` for in memory.
        tile_size: Rows and columns of a tile; by default 1,024, or that of the folder.
        num_processes: How many processes; ``None`` for what joblib is configured to, which without a configuration is
            this process alone; -1 for as many as there are processors.
        progress: Whether to show a progress bar on standard error.

    Returns:
        The matrix, shape (n, m); with a folder, a read-only ``numpy.memmap``.

    Raises:
        TypeError: If the kernel is none.
        ValueError: If the data are not valid, entries depend on other samples, the kernel has a repair, or the folder
            holds something else.
        StateTooLargeError: If the matrix does not fit memory and no folder is given.
        BlockingIOError: If another process computes in the folder.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.circuits import IQPFeatureMap
        >>> from qiskit_qml_ext.kernels import FidelityKernel, compute_kernel_matrix
        >>> X = np.random.default_rng(0).uniform(-1, 1, (50, 2))
        >>> kernel = FidelityKernel(IQPFeatureMap())
        >>> bool(np.array_equal(compute_kernel_matrix(kernel, X, tile_size=20), kernel.evaluate(X)))
        True
    """
    if isinstance(kernel, type) or not callable(getattr(kernel, "evaluate", kernel)):
        raise wrong_kind("kernel", "a kernel with evaluate(X, Y) or a function of two arrays of samples", kernel)
    _refuse_repair(kernel)
    rows = _some_samples("X", X)
    columns = None if Y is None else _some_samples("Y", Y)
    if columns is not None and columns.shape[1] != rows.shape[1]:
        raise ValueError(f"Y has {columns.shape[1]} features but X has {rows.shape[1]}. Give both the same ones.")
    size = tile_size or (None if folder is None else tile_size_of(folder)) or _TILE_SIZE
    tiling = Tiling(len(rows), len(rows if columns is None else columns), size, columns is None)
    refuse_open_median(kernel, rows.shape[1])
    exact = is_exact(kernel)
    if exact:
        with unchanged(kernel):
            _refuse_dependence_on_others(kernel, rows, is_square=columns is None)
    if folder is None:
        return _in_memory(kernel, rows, columns, tiling, num_processes, progress)
    content = {"kernel": content_digest(kernel), "X": data_digest(rows)}
    content |= {} if columns is None else {"Y": data_digest(columns)}
    with TileStore(folder, content, tiling) as store:
        done = store.finished()
        if done and exact:
            _refuse_other_entries(kernel, rows, columns, tiling, store, min(done))
        tiles = [tile for tile in tiling if tile not in done]
        for tile, values in _shown(kernel, rows, columns, tiling, tiles, num_processes, progress):
            store.write(tile, values)
        return store.matrix()


def _some_samples(name: str, values: ArrayLike) -> FloatArray:
    samples = check_samples(name, values)
    if not len(samples):
        raise ValueError(f"{name} has no samples.")
    return samples


def _in_memory(
    kernel: object, X: FloatArray, Y: FloatArray | None, tiling: Tiling, num_processes: int | None, progress: bool
) -> FloatArray:
    check_matrix((tiling.num_rows, tiling.num_columns), 1, None, "Give a folder, to compute it on disk.")
    matrix = np.empty((tiling.num_rows, tiling.num_columns))
    for tile, values in _shown(kernel, X, Y, tiling, list(tiling), num_processes, progress):
        matrix[tile.rows, tile.columns] = values
        if tiling.is_mirrored(tile):
            matrix[tile.columns, tile.rows] = values.T
    return matrix


def _shown(
    kernel: object,
    X: FloatArray,
    Y: FloatArray | None,
    tiling: Tiling,
    tiles: list[Tile],
    num_processes: int | None,
    progress: bool,
) -> Any:
    """Return the computed tiles, with a bar of their progress if that is asked for."""
    from tqdm import tqdm

    computed = computed_tiles(kernel, X, Y, tiling, tiles, num_processes)
    return tqdm(computed, total=len(tiles), disable=not progress, unit="tile", desc="Kernel matrix", leave=False)


def _refuse_repair(kernel: object) -> None:
    settings = kernel.get_params(deep=True) if isinstance(kernel, BaseEstimator) else {}
    named = {name: value for name, value in settings.items() if name.split("__")[-1] == "psd_repair"}
    repairs = [name for name, value in named.items() if value is not None and value != () and value != []]
    if repairs:
        raise ValueError(
            f"The kernel has a repair ({repairs[0]}={settings[repairs[0]]!r}), which needs the whole matrix and would "
            f"see single tiles only. Set {repairs[0]}=None, and repair the matrix afterwards (clip_spectrum)."
        )


def _refuse_dependence_on_others(kernel: object, X: FloatArray, *, is_square: bool) -> None:
    """Refuse a kernel whose entries change with the other samples of a call, such as one that centres its data.

    Args:
        kernel: The kernel.
        X: Samples, a few of which are looked at.
        is_square: Whether samples are compared with themselves, half of which says the other half; otherwise the kernel
            need not be symmetric.

    Raises:
        ValueError: If they do, for some of the samples.
    """
    few = X[np.unique(np.linspace(0, len(X) - 1, _LOOKED_AT).astype(int))]
    first, rest = slice(0, len(few) // 3), slice(len(few) // 3, None)
    if first.stop < 2:
        return
    whole = _values_of(kernel, few, is_square)
    if not np.array_equal(whole, _values_of(kernel, few, is_square)):
        return  # drawn anew in each call
    pairs = [(_values_of(kernel, few[part], is_square), whole[part, part]) for part in (first, rest)]
    pairs.append((values_between(kernel, few[first], few[rest]), whole[first, rest]))
    if not all(np.allclose(alone, within, rtol=_AGREEMENT, atol=_AGREEMENT) for alone, within in pairs):
        raise ValueError(
            "The kernel's entries depend on the other samples of a call (as with data that are centred, a median that "
            "is taken, or a matrix that is repaired), so that tiles do not fit together. Fix such numbers beforehand, "
            "on all the data."
        )


def _values_of(kernel: object, X: FloatArray, is_square: bool) -> FloatArray:
    return values_between(kernel, X, None if is_square else X.copy())


def _refuse_other_entries(
    kernel: object, X: FloatArray, Y: FloatArray | None, tiling: Tiling, store: TileStore, tile: Tile
) -> None:
    """Refuse a folder in which a tile that is finished has other entries than the kernel gives now.

    Raises:
        ValueError: If the first few differ by more than rounding.
    """
    rows, columns = (samples if samples is None else samples[:2] for samples in samples_of(tile, X, Y, tiling))
    assert rows is not None
    now, again = values_between(kernel, rows, columns), values_between(kernel, rows, columns)
    there = store.read(tile)[: len(now), : now.shape[1]]
    if np.array_equal(now, again) and not np.allclose(there, now, rtol=_AGREEMENT, atol=_AGREEMENT):
        raise ValueError(
            f"The folder {store.folder} holds entries that this kernel does not give: {there[0, 0]!r} in row "
            f"{tile.top}, column {tile.left}, where it gives {now[0, 0]!r}. Give another folder, or delete this one."
        )
