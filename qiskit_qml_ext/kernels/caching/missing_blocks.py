"""Missing entries of a matrix cut into blocks that a kernel can be asked for, none of which holds a known entry."""

from collections.abc import Iterator

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, IndexArray


def missing_blocks(missing: BoolArray, *, is_symmetric: bool) -> Iterator[tuple[IndexArray, IndexArray | None]]:
    """Yield rows and columns of blocks that cover the missing entries, each once.

    Args:
        missing: What is missing between samples, shape (n, n).
        is_symmetric: Whether an entry and the one across the diagonal are one; ``missing`` is symmetric then.

    Yields:
        The rows and the columns of a block; ``None`` for columns that are the rows again.
    """
    left = missing.copy()
    while left.any():
        columns = left[int(np.argmax(left.sum(axis=1)))]
        rows = np.flatnonzero((left | ~columns).all(axis=1))  # all that lack these columns too
        both = rows[columns[rows]]
        others = np.setdiff1d(np.flatnonzero(columns), both)
        if len(both):
            yield both, None
            left[np.ix_(both, both)] = False
        if len(others):
            yield rows, others
            left[np.ix_(rows, others)] = False
            if is_symmetric:
                left[np.ix_(others, rows)] = False
