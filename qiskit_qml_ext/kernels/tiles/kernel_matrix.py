"""One kernel matrix in tiles: on one machine or a cluster, in memory or on disk."""

import os
from typing import Any

from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments, wrong_kind
from qiskit_qml_ext.kernels.tiles.tile_values import MATRIX, entries_between
from qiskit_qml_ext.kernels.tiles.tiled_work import TiledWork


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
    work = TiledWork(kernel, X, Y, tile_size=tile_size, folder=folder)
    with work.store((MATRIX,)) as store:
        work.complete(store, entries_between, num_processes=num_processes, progress=progress)
        matrix: FloatArray = store.matrix(MATRIX)
        return matrix
