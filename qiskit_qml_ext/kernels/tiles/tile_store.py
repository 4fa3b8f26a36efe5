"""How a kernel matrix lies on the disk while it is computed, tile by tile, and after a crash.

A folder holds the matrix as one file of NumPy's (``matrix.npy``), and one more for each of its errors and what else
entries have; a file that says what it is (``tiles.json``), and a line for each finished tile with a digest of its
values and of what is noted of it (``finished.log``). A line is written after the values. So what a crash tore, in the
middle of a tile or of a line, has no digest that fits, and is computed again; so is a tile whose values were changed on
the disk. Nothing depends on the order in which the disk really writes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.engine.memory import format_bytes
from qiskit_qml_ext.kernels.tiles.tile_values import LAYERS, MATRIX, TileNote, TileValues
from qiskit_qml_ext.kernels.tiles.tiling import Tile, Tiling
from qiskit_qml_ext.private_files import write_private

_ABOUT, _FINISHED, _LOCK = "tiles.json", "finished.log", "lock"
_FORMAT = 1
_ENTRY = 8  # bytes


class TileStore:
    """A matrix on disk, of which some tiles are finished; a context in which no other process writes to it.

    Args:
        folder: The folder; it is made, or it holds a store of the same content.
        content: What the entries depend on, by name: digests and plain values.
        tiling: How the matrix is cut; a store keeps the size of its tiles.
        layers: What entries have in any case: files are made with the first tile for what some have besides.

    Raises:
        ValueError: If the folder holds something else, or a store of another content; or the disk is full.
        BlockingIOError: If another process is writing to the store.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        content: dict[str, Any],
        tiling: Tiling,
        layers: tuple[str, ...] = (MATRIX,),
    ):
        self.folder = Path(folder).expanduser().absolute()
        self.tiling, self._layers = tiling, layers
        self._about = {
            "format": _FORMAT,
            "shape": [tiling.num_rows, tiling.num_columns],
            "is_symmetric": tiling.is_symmetric,
            "tile_size": tiling.size,
            "content": content if layers == (MATRIX,) else {**content, "layers": list(layers)},
        }

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        foreign = {path.name for path in self.folder.iterdir()} - {_ABOUT, _FINISHED, _LOCK, *map(_file_of, LAYERS)}
        if foreign and not (self.folder / _ABOUT).exists():
            raise ValueError(
                f"The folder {self.folder} holds other files, such as {min(foreign)!r}. Give a new one for the tiles."
            )
        self._lock = _locked(self.folder / _LOCK)
        try:
            if (self.folder / _ABOUT).exists():
                _refuse_another(self.folder, _read_about(self.folder), self._about)
            else:
                self._create()
            there = [layer for layer in LAYERS if layer in self._layers or (self.folder / _file_of(layer)).exists()]
            starts = {layer: self._checked_start(layer) for layer in there}
            self._files = {layer: (self._opened(layer), start) for layer, start in starts.items()}
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for file, _ in self._files.values():
            file.close()
        os.close(self._lock)  # which frees it

    def finished(self) -> set[Tile]:
        """Return the tiles that are on the disk as they were written."""
        lines = self._lines()
        return {tile for tile in self.tiling if _place(tile) in lines and self._is_whole(tile, *lines[_place(tile)])}

    def notes(self) -> dict[Tile, str]:
        """Return what is noted of each tile that has a line."""
        lines = self._lines()
        return {tile: lines[_place(tile)][0] for tile in self.tiling if _place(tile) in lines}

    def write(self, tile: Tile, values: TileValues) -> None:
        """Write a tile, its mirror image if it stands for that too, and then its line."""
        for layer, one in values.layers.items():
            self.fill(tile, layer, one)
        words = [_place(tile), values.note, _digest(values.layers.values(), values.note)]
        with open(self.folder / _FINISHED, "ab", opener=_private) as file:
            file.write((" ".join(word for word in words if word) + "\n").encode())

    def fill(self, tile: Tile, layer: str, values: AnyArray) -> None:
        """Write one layer of a tile, and of its mirror image, without a line."""
        if layer not in self._files:
            self._create_layers(layer)
            self._files[layer] = self._opened(layer), self._checked_start(layer)
        self._put(tile, layer, values)
        if self.tiling.is_mirrored(tile):
            self._put(_mirror(tile), layer, values.T)

    def read(self, tile: Tile, layer: str = MATRIX) -> AnyArray:
        """Return the values of a tile."""
        values: AnyArray = np.empty((tile.height, tile.width), LAYERS[layer])
        file, first_byte = self._files[layer]
        for row, entries in enumerate(values.view(np.uint8)):
            file.seek(first_byte + self._offset(tile.top + row, tile.left))
            file.readinto(entries.data)
        return values

    def matrix(self, layer: str = MATRIX) -> AnyArray:
        """Return the matrix, read from the disk as it is used; it cannot be written to."""
        matrix: AnyArray = np.load(self.folder / _file_of(layer), mmap_mode="r")
        return matrix

    def _create(self) -> None:
        (self.folder / _FINISHED).unlink(missing_ok=True)
        for layer in LAYERS:  # of a store that was killed while it was made
            (self.folder / _file_of(layer)).unlink(missing_ok=True)
        self._create_layers(*self._layers)
        write_private(self.folder / _ABOUT, json.dumps(self._about, indent=1))

    def _create_layers(self, *layers: str) -> None:
        shape = (self.tiling.num_rows, self.tiling.num_columns)
        needed, free = _ENTRY * shape[0] * shape[1] * len(layers), shutil.disk_usage(self.folder).free
        if needed > free:
            raise ValueError(
                f"The matrix takes {format_bytes(needed)} on the disk, but {format_bytes(free)} are free in "
                f"{self.folder}. Give a folder on a larger disk."
            )
        for layer in layers:
            path = self.folder / _file_of(layer)
            np.lib.format.open_memmap(path, mode="w+", dtype=LAYERS[layer], shape=shape)
            os.chmod(path, 0o600)

    def _opened(self, layer: str) -> FileIO:
        return open(self.folder / _file_of(layer), "r+b", buffering=0)

    def _checked_start(self, layer: str) -> int:
        """Return the byte at which the entries start, after a look at whether the file has all of them."""
        path = self.folder / _file_of(layer)
        shape = (self.tiling.num_rows, self.tiling.num_columns)
        try:
            there = np.load(path, mmap_mode="r")
            if there.shape == shape and there.dtype == LAYERS[layer]:
                return int(there.offset)
        except (EOFError, OSError, ValueError):
            pass
        raise ValueError(
            f"{path} is not a whole matrix of the shape {shape}. Delete the folder, and it is computed anew."
        )

    def _offset(self, row: int, column: int) -> int:
        """Return how many bytes behind the first entry another one stands."""
        return _ENTRY * (row * self.tiling.num_columns + column)

    def _put(self, tile: Tile, layer: str, values: AnyArray) -> None:
        file, first_byte = self._files[layer]
        for row, entries in enumerate(np.ascontiguousarray(values).view(np.uint8)):
            left = entries.data
            file.seek(first_byte + self._offset(tile.top + row, tile.left))
            while left:  # a signal may cut a write short
                left = left[file.write(left) :]

    def _lines(self) -> dict[str, tuple[str, str]]:
        """Return note and digest of each place, the last that has a line; one that was torn ends before the next."""
        path, lines = self.folder / _FINISHED, dict[str, tuple[str, str]]()
        if not path.exists():
            return lines
        text = path.read_bytes()
        if text and not text.endswith(b"\n"):
            with open(path, "ab") as file:
                file.write(b"\n")
        for line in text.decode(errors="replace").split("\n"):
            top, left, rest = (*line.split(" ", 2), "", "", "")[:3]
            note, _, digest = rest.rpartition(" ")
            lines[f"{top} {left}"] = note, digest
        return lines

    def _is_whole(self, tile: Tile, note: str, digest: str) -> bool:
        """Whether a tile and its mirror image are on the disk as a line says."""
        try:
            layers = TileNote.read(note).layers if note else (MATRIX,)
        except (ValueError, KeyError, TypeError):  # a line that was torn
            return False
        if not set(self._layers) <= set(layers) <= set(self._files):
            return False
        values = [self.read(tile, layer) for layer in layers]
        if self.tiling.is_mirrored(tile):
            beyond = [self.read(_mirror(tile), layer) for layer in layers]
            if not all(np.array_equal(one, other.T) for one, other in zip(values, beyond, strict=True)):
                return False
        return _digest(values, note) == digest


def tile_size_of(folder: str | os.PathLike[str]) -> int | None:
    """Return the size of the tiles of the store in a folder; ``None`` if there is none yet."""
    path = Path(folder).expanduser().absolute()
    return int(_read_about(path)["tile_size"]) if (path / _ABOUT).is_file() else None


def _read_about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if about["format"] == _FORMAT and isinstance(about["tile_size"], int) and isinstance(about["content"], dict):
            return dict(about)
    except (ValueError, KeyError, TypeError):
        pass
    raise ValueError(
        f"{folder / _ABOUT} does not describe tiles of this version. Delete the folder, or give another one."
    )


def _refuse_another(folder: Path, there: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuse a store of something else.

    Raises:
        ValueError: The message says in what it differs.
    """
    flat = [
        {**{name: about[name] for name in about if name != "content"}, **about["content"]} for about in (there, asked)
    ]
    names = [name for name in sorted({*flat[0], *flat[1]}) if flat[0].get(name) != flat[1].get(name)]
    if names:
        words = ", ".join(f"{name} ({flat[0].get(name)} there, {flat[1].get(name)} now)" for name in names)
        raise ValueError(
            f"The folder {folder} holds tiles of another matrix: it differs in {words}. Give another folder, or delete "
            "this one."
        )


def _locked(path: Path) -> int:
    """Return a file that only one process can hold; it is free when that process ends, however it ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        import fcntl
    except ImportError:  # Windows
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise BlockingIOError(
            error.errno, f"Another process computes tiles in {path.parent}. Wait for it, or give another folder."
        ) from None
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _place(tile: Tile) -> str:
    return f"{tile.top} {tile.left}"


def _mirror(tile: Tile) -> Tile:
    return Tile(tile.left, tile.top, tile.width, tile.height)


def _file_of(layer: str) -> str:
    return f"{layer}.npy"


def _digest(layers: Iterable[AnyArray], note: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for values in layers:
        digest.update(np.ascontiguousarray(values).tobytes())
    digest.update(note.encode())
    return digest.hexdigest()
