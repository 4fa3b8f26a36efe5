"""Tiles computed through joblib, which knows processes, Dask and Ray; a worker that dies costs its tiles only."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.tiles.tile_values import TileReading, TileValues, entries_between
from qiskit_qml_ext.kernels.tiles.tiling import Tile, Tiling

_ROUND = 4  # tiles of a round for each worker: few enough that little is lost with a worker, and held at a time
_MAX_FAILURES = 3  # rounds in a row that end without a tile

_logger = logging.getLogger(__name__)


def samples_of(tile: Tile, X: FloatArray, Y: FloatArray | None, tiling: Tiling) -> tuple[FloatArray, FloatArray | None]:
    """Return the samples of a tile's rows and columns; ``None`` for columns that are the rows."""
    return X[tile.rows], None if tiling.meets_itself(tile) else (X if Y is None else Y)[tile.columns]


def computed_tiles(
    kernel: Any,
    X: FloatArray,
    Y: FloatArray | None,
    tiling: Tiling,
    tiles: Sequence[Tile],
    num_processes: int | None,
    read: TileReading = entries_between,
) -> Iterator[tuple[Tile, TileValues]]:
    """Yield the tiles with their values, each once, in no order.

    What the kernel raises is raised here. A round in which a worker died (or a cluster lost it) is run again; the third
    one in a row that ends without a tile raises what joblib says of it.

    Args:
        kernel: The kernel; a copy of it goes to each worker.
        X: Samples of the rows.
        Y: Samples of the columns, or ``None`` for those of the rows.
        tiling: How the matrix is cut.
        tiles: Which tiles.
        num_processes: As joblib's ``n_jobs``.
        read: How a kernel is asked for a tile.
    """
    workers = effective_n_jobs(num_processes)
    size = 1 if workers == 1 else _ROUND * workers
    pending, failures = list(tiles), 0
    while pending:
        with Parallel(n_jobs=num_processes, batch_size=1) as parallel:
            while pending:
                batch = pending[:size]
                work = [delayed(_attempt)(read, kernel, *samples_of(tile, X, Y, tiling)) for tile in batch]
                outcomes = _round(parallel, work)
                if isinstance(outcomes, Exception):
                    failures += 1
                    if failures >= _MAX_FAILURES:
                        raise outcomes
                    _logger.warning("%d tiles are computed again by new workers after %r.", len(batch), outcomes)
                    break
                failures = 0
                del pending[: len(batch)]
                for tile, outcome in zip(batch, outcomes, strict=True):
                    if isinstance(outcome, Exception):
                        raise outcome
                    yield tile, outcome


def _round(parallel: Parallel, work: list[Any]) -> list[TileValues | Exception] | Exception:
    """Return what a round came to, or why it did not end: a worker that died, a cluster that is gone."""
    try:
        return list(parallel(work))
    except Exception as error:
        return error


def _attempt(read: TileReading, kernel: Any, X: FloatArray, Y: FloatArray | None) -> TileValues | Exception:
    """Return the values, or what the kernel raised, so that it is not taken for the failure of a worker."""
    try:
        return read(kernel, X, Y)
    except Exception as error:
        return error
