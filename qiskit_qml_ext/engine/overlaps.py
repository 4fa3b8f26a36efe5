"""Squared overlaps of states: fidelity kernel matrices."""

import numpy as np
import numpy.typing as npt

from qiskit_qml_ext.engine import memory, threads
from qiskit_qml_ext.engine.jit import njit

ComplexArray = npt.NDArray[np.complex128] | npt.NDArray[np.complex64]
FloatArray = npt.NDArray[np.float64]

_TILE_BYTES = 1 << 20  # a complex tile stays in a core's cache between the product and |·|²
_MAX_TILE = 1024


@njit
def _write_squares(tile: ComplexArray, out: FloatArray, row: int, column: int) -> None:
    """out[row + i, column + j] = |tile[j, i]|²."""
    columns, height = tile.shape
    for i in range(height):
        for j in range(columns):
            entry = tile[j, i]
            out[row + i, column + j] = entry.real * entry.real + entry.imag * entry.imag


@njit
def _write_squares_mirrored(tile: ComplexArray, out: FloatArray, row: int, column: int) -> None:
    """out[column + j, row + i] = |tile[j, i]|²."""
    columns, height = tile.shape
    for j in range(columns):
        for i in range(height):
            entry = tile[j, i]
            out[column + j, row + i] = entry.real * entry.real + entry.imag * entry.imag


@njit
def _mirror_diagonal_blocks(out: FloatArray, step: int) -> None:
    """Copy the upper triangle of every diagonal block to its lower triangle: products may differ by rounding."""
    n = len(out)
    for start in range(0, n, step):
        for i in range(start, min(start + step, n)):
            for j in range(start, i):
                out[i, j] = out[j, i]


def gram(
    states_x: ComplexArray,
    states_y: ComplexArray | None = None,
    *,
    max_memory: int | None = None,
    num_threads: int | None = None,
) -> FloatArray:
    """The matrix of fidelities |<x_i|y_j>|².

    Args:
        states_x: States in rows, shape (n, d), complex128 or complex64.
        states_y: States in rows, shape (m, d); by default ``states_x``, of which only half the products are computed.
        max_memory: Bytes that may be used beyond the states; by default most of the memory that is free.
        num_threads: Threads; by default what the environment allows.

    Returns:
        Shape (n, m), float64; exactly symmetric if ``states_y`` is not given.

    Raises:
        ValueError: The shapes do not fit.
        StateTooLargeError: The result does not fit.
    """
    x = _check_states(states_x, "states_x")
    y = x if states_y is None else _check_states(states_y, "states_y")
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"states_x has {x.shape[1]} amplitudes per state but states_y has {y.shape[1]}.")
    if x.dtype != y.dtype:
        x, y = x.astype(np.complex128), y.astype(np.complex128)
    n, m = len(x), len(y)
    memory.check_memory(
        8 * n * m,
        memory.memory_budget(max_memory),
        f"A matrix of {n} by {m} fidelities",
        "Compute it in blocks of rows, use fewer samples, or a Nyström approximation.",
    )
    count = threads.thread_count(num_threads)
    out = np.empty((n, m))
    step = _tile_size(x.itemsize)
    blocks = [(row, column) for row in range(0, n, step) for column in range(row if states_y is None else 0, m, step)]

    def work(first: int, last: int) -> None:
        tile = np.empty((step, step), dtype=x.dtype)
        for row, column in blocks[first:last]:
            left, right = x[row : row + step].conj(), y[column : column + step]
            products = np.matmul(right, left.T, out=tile[: len(right), : len(left)])
            _write_squares(products, out, row, column)
            if states_y is None and row != column:
                _write_squares_mirrored(products, out, row, column)

    threads.run_chunks(work, len(blocks), 1, count)
    if states_y is None:
        _mirror_diagonal_blocks(out, step)
    return out


def _check_states(states: ComplexArray, name: str) -> ComplexArray:
    array = np.asarray(states)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}; expected (number of states, 2**n).")
    if array.dtype not in (np.complex64, np.complex128):
        array = array.astype(np.complex128)
    return np.ascontiguousarray(array)


def _tile_size(itemsize: int) -> int:
    return int(min(_MAX_TILE, 2 ** int(np.log2(_TILE_BYTES / itemsize) / 2)))
