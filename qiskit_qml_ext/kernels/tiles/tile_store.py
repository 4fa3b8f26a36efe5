"""How a kernel matrix lies on the disk while it is computed, tile by tile, and after a crash.

A folder holds the matrix as one file of NumPy's (``matrix.npy``), a file that says what it is (``tiles.json``), and a
line for each finished tile with a digest of its values (``finished.log``). A line is written after the values. So what
a crash tore, in the middle of a tile or of a line, has no digest that fits, and is computed again; so is a tile whose
values were changed on the disk. Nothing depends on the order in which the disk really writes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine.memory import format_bytes
from qiskit_qml_ext.kernels.tiles.tiling import Tile, Tiling
from qiskit_qml_ext.private_files import write_private

_MATRIX, _ABOUT, _FINISHED, _LOCK = "matrix.npy", "tiles.json", "finished.log", "lock"
_FORMAT = 1
_ENTRY = 8  # bytes


class TileStore:
    """A matrix on disk, of which some tiles are finished; a context in which no other process writes to it.

    Args:
        folder: The folder; it is made, or it holds a store of the same content.
        content: What the entries depend on, by name: digests and plain values.
        tiling: How the matrix is cut; a store keeps the size of its tiles.

    Raises:
        ValueError: If the folder holds something else, or a store of another content; or the disk is full.
        BlockingIOError: If another process is writing to the store.
    """

    def __init__(self, folder: str | os.PathLike[str], content: dict[str, Any], tiling: Tiling):
        self.folder = Path(folder).expanduser().absolute()
        self.tiling = tiling
        self._about = {
            "format": _FORMAT,
            "shape": [tiling.num_rows, tiling.num_columns],
            "is_symmetric": tiling.is_symmetric,
            "tile_size": tiling.size,
            "content": content,
        }

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        foreign = {path.name for path in self.folder.iterdir()} - {_MATRIX, _ABOUT, _FINISHED, _LOCK}
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
            self._first_byte = self._checked_start()
            self._file = open(self.folder / _MATRIX, "r+b", buffering=0)
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        os.close(self._lock)  # which frees it

    def finished(self) -> set[Tile]:
        """Return the tiles that are on the disk as they were written."""
        digests = dict(self._lines())
        return {tile for tile in self.tiling if self._digest_on_disk(tile, digests) == digests.get(_place(tile), "")}

    def write(self, tile: Tile, values: FloatArray) -> None:
        """Write a tile, its mirror image if it stands for that too, and then its line."""
        self._put(tile, values)
        if self.tiling.is_mirrored(tile):
            self._put(_mirror(tile), values.T)
        with open(self.folder / _FINISHED, "ab", opener=_private) as file:
            file.write(f"{_place(tile)} {_digest(values)}\n".encode())

    def read(self, tile: Tile) -> FloatArray:
        """Return the values of a tile."""
        values = np.empty((tile.height, tile.width))
        for row, entries in enumerate(values.view(np.uint8)):
            self._file.seek(self._offset(tile.top + row, tile.left))
            self._file.readinto(entries.data)
        return values

    def matrix(self) -> FloatArray:
        """Return the matrix, read from the disk as it is used; it cannot be written to."""
        matrix: FloatArray = np.load(self.folder / _MATRIX, mmap_mode="r")
        return matrix

    def _create(self) -> None:
        needed, free = _ENTRY * self.tiling.num_rows * self.tiling.num_columns, shutil.disk_usage(self.folder).free
        if needed > free:
            raise ValueError(
                f"The matrix takes {format_bytes(needed)} on the disk, but {format_bytes(free)} are free in "
                f"{self.folder}. Give a folder on a larger disk."
            )
        (self.folder / _FINISHED).unlink(missing_ok=True)
        shape = (self.tiling.num_rows, self.tiling.num_columns)
        np.lib.format.open_memmap(self.folder / _MATRIX, mode="w+", dtype=np.float64, shape=shape)
        os.chmod(self.folder / _MATRIX, 0o600)
        write_private(self.folder / _ABOUT, json.dumps(self._about, indent=1))

    def _checked_start(self) -> int:
        """Return the byte at which the entries start, after a look at whether the file has all of them."""
        path = self.folder / _MATRIX
        shape = (self.tiling.num_rows, self.tiling.num_columns)
        try:
            there = np.load(path, mmap_mode="r")
            if there.shape == shape and there.dtype == np.float64:
                return int(there.offset)
        except (EOFError, OSError, ValueError):
            pass
        raise ValueError(
            f"{path} is not a whole matrix of the shape {shape}. Delete the folder, and it is computed anew."
        )

    def _offset(self, row: int, column: int) -> int:
        """Return the byte at which an entry stands."""
        return self._first_byte + _ENTRY * (row * self.tiling.num_columns + column)

    def _put(self, tile: Tile, values: FloatArray) -> None:
        for row, entries in enumerate(np.ascontiguousarray(values).view(np.uint8)):
            left = entries.data
            self._file.seek(self._offset(tile.top + row, tile.left))
            while left:  # a signal may cut a write short
                left = left[self._file.write(left) :]

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Yield place and digest of each whole line; one that was torn ends before the next one."""
        path = self.folder / _FINISHED
        if not path.exists():
            return
        text = path.read_bytes()
        if text and not text.endswith(b"\n"):
            with open(path, "ab") as file:
                file.write(b"\n")
        for line in text.decode(errors="replace").splitlines():
            place, _, digest = line.rpartition(" ")
            if place:
                yield place, digest

    def _digest_on_disk(self, tile: Tile, digests: dict[str, str]) -> str | None:
        """Return the digest of a tile's values; ``None`` if it has no line, or its mirror image is another's."""
        if _place(tile) not in digests:
            return None
        values = self.read(tile)
        if self.tiling.is_mirrored(tile) and not np.array_equal(self.read(_mirror(tile)), values.T):
            return None
        return _digest(values)


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


def _digest(values: FloatArray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=16).hexdigest()
