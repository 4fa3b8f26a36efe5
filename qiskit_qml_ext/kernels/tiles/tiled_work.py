"""The work of a matrix in tiles: what is refused before it begins, where it lies, and the tiles that are missing."""

import os
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.kernels.caching.learned_state import unchanged
from qiskit_qml_ext.kernels.caching.open_median import refuse_open_median
from qiskit_qml_ext.kernels.samples import check_samples
from qiskit_qml_ext.kernels.tiles.content import content_digest, data_digest, is_exact
from qiskit_qml_ext.kernels.tiles.tile_memory import TileMemory
from qiskit_qml_ext.kernels.tiles.tile_store import TileStore, tile_size_of
from qiskit_qml_ext.kernels.tiles.tile_values import MATRIX, TileReading, TileValues, values_between
from qiskit_qml_ext.kernels.tiles.tiling import Tile, Tiling
from qiskit_qml_ext.kernels.tiles.workers import computed_tiles, samples_of

_TILE_SIZE = 1024  # a tile of 8 MiB; fewer samples would be simulated too often, more held too long
_LOOKED_AT = 9  # samples, to see whether entries depend on others
_AGREEMENT = 1e-8  # between entries computed with other samples beside them: above rounding


class Tiles(Protocol):
    """Where a matrix lies while it is computed: in memory or on disk."""

    def __enter__(self) -> Self:
        """Take hold of it."""

    def __exit__(self, *error: Any) -> None:
        """Let it go."""

    def finished(self) -> set[Tile]:
        """Return the tiles that are there."""

    def notes(self) -> dict[Tile, str]:
        """Return what is noted of each of them."""

    def write(self, tile: Tile, values: TileValues) -> None:
        """Write a tile."""

    def fill(self, tile: Tile, layer: str, values: AnyArray) -> None:
        """Write one layer of a tile that is there."""

    def read(self, tile: Tile, layer: str) -> AnyArray:
        """Return a layer of a tile."""

    def matrix(self, layer: str) -> AnyArray:
        """Return a whole layer."""


class TiledWork:
    """A kernel, its samples and how their matrix is cut.

    Args:
        kernel: A kernel with ``evaluate``, or a function of two arrays of samples.
        X: Samples of the rows.
        Y: Samples of the columns; ``None`` for those of the rows.
        tile_size: Rows and columns of a tile; by default 1,024, or that of the folder.
        folder: Where the matrix is computed; ``None`` for in memory.

    Raises:
        ValueError: If the data are not valid, entries depend on other samples, or the kernel has a repair.
    """

    def __init__(
        self,
        kernel: Any,
        X: ArrayLike,
        Y: ArrayLike | None,
        *,
        tile_size: int | None,
        folder: str | os.PathLike[str] | None,
    ):
        _refuse_repair(kernel)
        self.kernel, self.folder = kernel, folder
        self.rows = rows = _some_samples("X", X)
        self.columns = columns = None if Y is None else _some_samples("Y", Y)
        if columns is not None and columns.shape[1] != rows.shape[1]:
            raise ValueError(f"Y has {columns.shape[1]} features but X has {rows.shape[1]}. Give both the same ones.")
        size = tile_size or (None if folder is None else tile_size_of(folder)) or _TILE_SIZE
        self.tiling = Tiling(len(rows), len(rows if columns is None else columns), size, columns is None)
        refuse_open_median(kernel, rows.shape[1])
        self.is_exact = is_exact(kernel)
        if self.is_exact:
            with unchanged(kernel):
                _refuse_dependence_on_others(kernel, rows, is_square=columns is None)

    def store(self, layers: tuple[str, ...]) -> Tiles:
        """Return where the matrix is to lie, with the layers that it has in any case."""
        if self.folder is None:
            return TileMemory(self.tiling, layers)
        content = {"kernel": content_digest(self.kernel), "X": data_digest(self.rows)}
        content |= {} if self.columns is None else {"Y": data_digest(self.columns)}
        return TileStore(self.folder, content, self.tiling, layers)

    def complete(self, store: Tiles, read: TileReading, *, num_processes: int | None, progress: bool) -> None:
        """Compute the tiles that are missing.

        Args:
            store: Where the matrix lies.
            read: How the kernel is asked for a tile.
            num_processes: How many processes.
            progress: Whether to show a progress bar on standard error.

        Raises:
            ValueError: If a tile that is there has other entries than the kernel gives.
        """
        from tqdm import tqdm

        done = store.finished()
        if done and self.is_exact:
            self._refuse_other_entries(store, min(done))
        tiles = [tile for tile in self.tiling if tile not in done]
        computed = computed_tiles(self.kernel, self.rows, self.columns, self.tiling, tiles, num_processes, read)
        shown = tqdm(computed, total=len(tiles), disable=not progress, unit="tile", desc="Kernel matrix", leave=False)
        for tile, values in shown:
            store.write(tile, values)

    def _refuse_other_entries(self, store: Tiles, tile: Tile) -> None:
        """Refuse a folder in which a tile that is finished has other entries than the kernel gives now.

        Raises:
            ValueError: If the first few differ by more than rounding.
        """
        of_rows, of_columns = samples_of(tile, self.rows, self.columns, self.tiling)
        rows, columns = of_rows[:2], None if of_columns is None else of_columns[:2]
        now, again = (values_between(self.kernel, rows, columns) for _ in range(2))
        there = store.read(tile, MATRIX)[: len(now), : now.shape[1]]
        if np.array_equal(now, again) and not np.allclose(there, now, rtol=_AGREEMENT, atol=_AGREEMENT):
            raise ValueError(
                f"The folder {self.folder} holds entries that this kernel does not give: {there[0, 0]!r} in row "
                f"{tile.top}, column {tile.left}, where it gives {now[0, 0]!r}. Give another folder, or delete this "
                "one."
            )


def _some_samples(name: str, values: ArrayLike) -> FloatArray:
    samples = check_samples(name, values)
    if not len(samples):
        raise ValueError(f"{name} has no samples.")
    return samples


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
