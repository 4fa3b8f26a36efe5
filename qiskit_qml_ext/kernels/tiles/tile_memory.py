"""A matrix in memory while it is computed tile by tile."""

from types import TracebackType

import numpy as np
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.kernels.blocks import check_matrix
from qiskit_qml_ext.kernels.tiles.tile_values import LAYERS, TileValues
from qiskit_qml_ext.kernels.tiles.tiling import Tile, Tiling


class TileMemory:
    """What :class:`TileStore` is on disk.

    Args:
        tiling: How the matrix is cut.
        layers: The layers that it has in any case; others are added with the first tile that has them.

    Raises:
        StateTooLargeError: If they do not fit.
    """

    def __init__(self, tiling: Tiling, layers: tuple[str, ...]):
        self.tiling, self._notes = tiling, dict[Tile, str]()
        self._shape = (tiling.num_rows, tiling.num_columns)
        check_matrix(self._shape, len(layers), None, "Give a folder, to compute it on disk.")
        self._layers: dict[str, AnyArray] = {name: np.zeros(self._shape, LAYERS[name]) for name in layers}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def finished(self) -> set[Tile]:
        """Return the tiles that are known."""
        return set(self._notes)

    def notes(self) -> dict[Tile, str]:
        """Return what is said of each tile that is known."""
        return dict(self._notes)

    def write(self, tile: Tile, values: TileValues) -> None:
        """Write a tile, and its mirror image if it stands for that too."""
        for name, one in values.layers.items():
            self.fill(tile, name, one)
        self._notes[tile] = values.note

    def fill(self, tile: Tile, layer: str, values: AnyArray) -> None:
        """Write one layer of a tile."""
        if layer not in self._layers:
            self._layers[layer] = np.zeros(self._shape, LAYERS[layer])
        self._layers[layer][tile.rows, tile.columns] = values
        if self.tiling.is_mirrored(tile):
            self._layers[layer][tile.columns, tile.rows] = values.T

    def read(self, tile: Tile, layer: str) -> AnyArray:
        """Return a layer of a tile."""
        return self._layers[layer][tile.rows, tile.columns]

    def matrix(self, layer: str) -> AnyArray:
        """Return a whole layer."""
        return self._layers[layer]
