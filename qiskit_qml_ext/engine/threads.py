"""A small pool of plain threads for compiled code that releases the GIL.

numba's own thread pools are unsafe after a fork and with concurrent callers. Here, each call hands its tiles to an
ordinary ``ThreadPoolExecutor`` of this process (made when first needed, made anew in a forked child), so several
callers simply share the cores. Which thread runs a tile never changes a result.
"""

import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from qiskit_qml_ext.arrays import FloatArray, RealArray

_lock = threading.Lock()
_local = threading.local()
_pool: ThreadPoolExecutor | None = None
_pool_size = 0

_KEEP_BYTES = 64 << 20  # scratch up to this size stays allocated between calls, per thread
_BLAS_LIMIT = 64  # NumPy's wheels are built for so many threads: on larger machines this count is no user's limit
_ALIGNMENT = 64  # bytes: one vector, one cache line


def _forget_pool() -> None:
    """In a forked child the parent's threads do not exist."""
    global _lock, _pool, _pool_size
    _lock = threading.Lock()
    _pool, _pool_size = None, 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def thread_count(num_threads: int | None) -> int:
    """How many threads to use: the argument, else what the environment allows.

    The smallest of these counts: the CPUs that this process may run on, ``LOKY_MAX_CPU_COUNT``, ``OMP_NUM_THREADS``
    (joblib sets it in its workers), and what a surrounding ``threadpoolctl.threadpool_limits`` leaves NumPy's BLAS.

    Raises:
        ValueError: ``num_threads`` is not a positive integer.
    """
    if num_threads is not None:
        if isinstance(num_threads, bool) or not isinstance(num_threads, int | np.integer) or num_threads < 1:
            raise ValueError(f"num_threads is {num_threads!r}; expected a positive integer or None.")
        return int(num_threads)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    for variable in ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):
        text = os.environ.get(variable, "").split(",")[0].strip()
        if text.isdigit() and int(text) > 0:
            cpus = min(cpus, int(text))
    blas = _numpy_blas()
    if blas is None:
        return cpus
    return min(cpus, max(blas.num_threads, 1)) if blas.num_threads < _BLAS_LIMIT else cpus


@functools.cache
def _numpy_blas() -> Any:
    """The library of NumPy's matrix products as threadpoolctl controls it; None where it knows none."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    return next((library for library in libraries if "numpy" in library.filepath), next(iter(libraries), None))


def run_chunks(task: Callable[[int, int], None], count: int, chunk: int, threads: int) -> None:
    """Call ``task(first, last)`` for consecutive ranges of at most ``chunk`` that cover ``range(count)``.

    The calling thread takes part. Ranges are handed out one after the other to whichever thread is free.
    """
    threads = min(threads, -(-count // chunk))
    if threads <= 1:
        task(0, count)
        return
    cursor = iter(range(0, count, chunk))
    cursor_lock = threading.Lock()

    def work() -> None:
        while True:
            with cursor_lock:
                first = next(cursor, None)
            if first is None:
                return
            task(first, min(first + chunk, count))

    futures: list[Future[None]] = [_executor(threads - 1).submit(work) for _ in range(threads - 1)]
    try:
        work()
    finally:
        # a helper that never started would find no work; cancelled, it cannot delay the caller behind other callers
        running = [future for future in futures if not future.cancel()]
        for future in running:
            future.result()


def _executor(size: int) -> ThreadPoolExecutor:
    global _pool, _pool_size
    with _lock:
        if _pool is None or size > _pool_size:
            # an older, smaller pool finishes what it has and is collected
            _pool, _pool_size = ThreadPoolExecutor(size, thread_name_prefix="qiskit_qml_ext"), size
        return _pool


def scratch(size: int, dtype: str, purpose: str = "") -> RealArray:
    """Uninitialised, cache-line aligned memory of this thread for ``size`` values, reused by the thread's next call.

    Args:
        size: Number of values.
        dtype: ``"float64"`` or ``"float32"``.
        purpose: Tells apart blocks of one type that are used at the same time.
    """
    kept: dict[str, RealArray] = _local.__dict__
    array = kept.get(purpose + dtype)
    if array is None or len(array) < size:
        array = _aligned(size, np.dtype(dtype))
        if array.nbytes <= _KEEP_BYTES:
            kept[purpose + dtype] = array
    return array


def _aligned(size: int, scalar: "np.dtype[np.float64] | np.dtype[np.float32]") -> FloatArray:
    extra = _ALIGNMENT // scalar.itemsize
    raw = np.empty(size + extra, dtype=scalar)
    offset = (-raw.ctypes.data % _ALIGNMENT) // scalar.itemsize
    return raw[offset : offset + size]
