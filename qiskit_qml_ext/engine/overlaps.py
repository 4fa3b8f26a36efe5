"""Squared overlaps of states: fidelity kernel matrices.

A product kernel of our own instead of BLAS, for three reasons: |·|² is taken while the sums are in cache, so that no
complex matrix exists; the symmetric case computes only half; and it runs on the engine's plain threads, whereas a BLAS
with its own threads stalls when the cores are shared. The sums run over k in a fixed order, so results do not depend
on threads or tiles.

A panel of 2 W columns y (W lanes per vector) is packed so that the column index runs along the lanes, real and
imaginary parts apart. Four rows x meet a panel at a time: 16 sums stay in registers, and each step k needs four
vectors of y and eight numbers of x,

    Re <x|y> += x_r y_r + x_i y_i,     Im <x|y> += x_r y_i - x_i y_r.
"""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray, RealArray, StateArray
from qiskit_qml_ext.engine import memory, threads
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import (
    LANES,
    Lanes,
    Vector,
    load,
    load_splat,
    muladd,
    negate,
    pointer,
    splat,
    store,
)

_BLOCK = 128  # rows and columns of a block, the unit of work of a thread
_DEPTH = 512  # steps k for which a packed panel stays in the second-level cache
_ROWS = 4  # rows that share a panel's vectors
_INLINE_PRODUCTS = 1_000_000  # complex multiplications below which waking a thread costs more than it saves


def gram(
    states_x: StateArray,
    states_y: StateArray | None = None,
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
    if 8 * n * m > memory.SMALL_BYTES or max_memory is not None:
        memory.check_memory(
            8 * n * m,
            memory.memory_budget(max_memory),
            f"A matrix of {n} by {m} fidelities",
            "Compute it in blocks of rows, use fewer samples, or a Nyström approximation.",
        )
    symmetric = states_y is None
    out = np.empty((n, m))
    blocks = np.array(
        [(row, column) for row in range(0, n, _BLOCK) for column in range(row if symmetric else 0, m, _BLOCK)],
        dtype=np.int64,
    ).reshape(-1, 2)
    wanted = threads.thread_count(num_threads)
    count = wanted if n * m * x.shape[1] >= _INLINE_PRODUCTS else 1
    real = np.dtype(np.float64 if x.dtype == np.complex128 else np.float32)
    lanes = (0,) * LANES[real.name]
    x_parts, y_parts = x.view(real), y.view(real)
    size = 4 * len(lanes) * (_DEPTH + _BLOCK)

    def work(first: int, last: int) -> None:
        _fidelity_blocks(blocks[first:last], symmetric, x_parts, y_parts, lanes, threads.scratch(size, real.name), out)

    threads.run_chunks(work, len(blocks), 1, count)
    return out


def _check_states(states: StateArray, name: str) -> StateArray:
    if np.ma.is_masked(states):
        raise TypeError(f"{name} must have all its amplitudes, but some of this masked array are missing.")
    array = np.asarray(states)
    if array.ndim != 2:
        raise ValueError(f"{name} must have the shape (number of states, 2**n), but {array.shape} came.")
    if array.dtype not in (np.complex64, np.complex128):
        array = array.astype(np.complex128)
    return np.ascontiguousarray(array)


@njit
def _fidelity_blocks(
    blocks: IntArray, symmetric: bool, x: RealArray, y: RealArray, lanes: Lanes, scratch: RealArray, out: FloatArray
) -> None:
    """Fill blocks of ``out``; ``x`` and ``y`` are states with real and imaginary parts interleaved."""
    w = len(lanes)
    dimension = x.shape[1] // 2
    panel, sums = pointer(scratch, 0, lanes), pointer(scratch, 4 * w * _DEPTH, lanes)
    flat = pointer(x, 0, lanes)
    for block in range(len(blocks)):
        row, column = blocks[block, 0], blocks[block, 1]
        height, width = min(_BLOCK, len(x) - row), min(_BLOCK, len(y) - column)
        for first in range(column, column + width, 2 * w):
            used = min(2 * w, column + width - first)
            # in a block on the diagonal, rows below the panel's last column come from mirroring
            needed = min(height, first + used - row) if symmetric and row == column else height
            for start in range(0, dimension, _DEPTH):
                depth = min(_DEPTH, dimension - start)
                _pack(y, first, used, start, depth, scratch, w)
                for top in range(0, needed, _ROWS):
                    _add_products(flat, row + top, len(x), dimension, start, depth, w, panel, sums, top)
            for i in range(needed):
                reals = scratch[4 * w * (_DEPTH + i) :]
                imags = scratch[4 * w * (_DEPTH + i) + 2 * w :]
                target = out[row + i, first : first + used]
                for j in range(used):
                    real, imag = np.float64(reals[j]), np.float64(imags[j])
                    target[j] = real * real + imag * imag
        if symmetric:
            for i in range(height):
                for j in range(i + 1 if row == column else 0, width):
                    out[column + j, row + i] = out[row + i, column + j]


@njit
def _pack(y: RealArray, first: int, used: int, start: int, depth: int, scratch: RealArray, w: int) -> None:
    """Panel row k: the real parts of 2 W columns, then their imaginary parts; columns beyond the last are zero."""
    for j in range(2 * w):
        for k in range(depth):
            scratch[4 * w * k + j] = y[first + j, 2 * (start + k)] if j < used else 0.0
            scratch[4 * w * k + 2 * w + j] = y[first + j, 2 * (start + k) + 1] if j < used else 0.0


@njit
def _add_products(
    x: RealArray, row: int, num_rows: int, dimension: int, start: int, depth: int, w: int, panel: RealArray,
    sums: RealArray, top: int,
) -> None:  # fmt: skip
    """Add ``depth`` steps to the sums of four rows (rows beyond the last repeat it)."""
    last = num_rows - 1
    p0 = 2 * (min(row, last) * dimension + start)
    p1 = 2 * (min(row + 1, last) * dimension + start)
    p2 = 2 * (min(row + 2, last) * dimension + start)
    p3 = 2 * (min(row + 3, last) * dimension + start)
    zero = splat(load(panel, 0), 0.0)
    a0r, a0i, b0r, b0i = zero, zero, zero, zero
    a1r, a1i, b1r, b1i = zero, zero, zero, zero
    a2r, a2i, b2r, b2i = zero, zero, zero, zero
    a3r, a3i, b3r, b3i = zero, zero, zero, zero
    for k in range(depth):
        q = 4 * w * k
        ar = load(panel, q)
        br = load(panel, q + w)
        ai = load(panel, q + 2 * w)
        bi = load(panel, q + 3 * w)
        xr = load_splat(x, p0 + 2 * k)
        xi = load_splat(x, p0 + 2 * k + 1)
        a0r = muladd(xr, ar, muladd(xi, ai, a0r))
        b0r = muladd(xr, br, muladd(xi, bi, b0r))
        a0i = muladd(xr, ai, muladd(negate(xi), ar, a0i))
        b0i = muladd(xr, bi, muladd(negate(xi), br, b0i))
        xr = load_splat(x, p1 + 2 * k)
        xi = load_splat(x, p1 + 2 * k + 1)
        a1r = muladd(xr, ar, muladd(xi, ai, a1r))
        b1r = muladd(xr, br, muladd(xi, bi, b1r))
        a1i = muladd(xr, ai, muladd(negate(xi), ar, a1i))
        b1i = muladd(xr, bi, muladd(negate(xi), br, b1i))
        xr = load_splat(x, p2 + 2 * k)
        xi = load_splat(x, p2 + 2 * k + 1)
        a2r = muladd(xr, ar, muladd(xi, ai, a2r))
        b2r = muladd(xr, br, muladd(xi, bi, b2r))
        a2i = muladd(xr, ai, muladd(negate(xi), ar, a2i))
        b2i = muladd(xr, bi, muladd(negate(xi), br, b2i))
        xr = load_splat(x, p3 + 2 * k)
        xi = load_splat(x, p3 + 2 * k + 1)
        a3r = muladd(xr, ar, muladd(xi, ai, a3r))
        b3r = muladd(xr, br, muladd(xi, bi, b3r))
        a3i = muladd(xr, ai, muladd(negate(xi), ar, a3i))
        b3i = muladd(xr, bi, muladd(negate(xi), br, b3i))
    q = 4 * w * top
    _add_row(sums, q, w, start, a0r, b0r, a0i, b0i)
    _add_row(sums, q + 4 * w, w, start, a1r, b1r, a1i, b1i)
    _add_row(sums, q + 8 * w, w, start, a2r, b2r, a2i, b2i)
    _add_row(sums, q + 12 * w, w, start, a3r, b3r, a3i, b3i)


@njit
def _add_row(sums: RealArray, q: int, w: int, start: int, ar: Vector, br: Vector, ai: Vector, bi: Vector) -> None:
    if start:
        ar = ar + load(sums, q)
        br = br + load(sums, q + w)
        ai = ai + load(sums, q + 2 * w)
        bi = bi + load(sums, q + 3 * w)
    store(sums, q, ar)
    store(sums, q + w, br)
    store(sums, q + 2 * w, ai)
    store(sums, q + 3 * w, bi)
