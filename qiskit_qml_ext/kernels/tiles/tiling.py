"""How a matrix is cut into tiles."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Tile:
    """A part of a matrix."""

    top: int
    """Its first row."""
    left: int
    """Its first column."""
    height: int
    """How many rows it has."""
    width: int
    """How many columns it has."""

    @property
    def rows(self) -> slice:
        """Its rows."""
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        """Its columns."""
        return slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Tiling:
    """A matrix cut into square tiles, smaller ones at its ends."""

    num_rows: int
    """Rows of the matrix."""
    num_columns: int
    """Columns of the matrix."""
    size: int
    """Rows and columns of a tile."""
    is_symmetric: bool
    """Whether only the tiles on and above the diagonal are computed, the others being their mirror images."""

    def __iter__(self) -> Iterator[Tile]:
        for top in range(0, self.num_rows, self.size):
            for left in range(top if self.is_symmetric else 0, self.num_columns, self.size):
                height, width = min(self.size, self.num_rows - top), min(self.size, self.num_columns - left)
                yield Tile(top, left, height, width)

    def is_mirrored(self, tile: Tile) -> bool:
        """Whether a tile stands for the one on the other side of the diagonal too."""
        return self.is_symmetric and tile.top != tile.left

    def meets_itself(self, tile: Tile) -> bool:
        """Whether the rows and the columns of a tile are the same samples."""
        return self.is_symmetric and tile.top == tile.left
