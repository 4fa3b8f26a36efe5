"""A lock that one process holds at a time, and that the system opens when its holder dies."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qiskit_qml_ext.exceptions import CacheError
from qiskit_qml_ext.primitives.forks import Lock

_PLACES = 2**30  # of bytes that can be locked in a file, each a lock of its own
_opened: dict[tuple[int, str], int] = {}  # closing any handle of a file would give back all of a process's locks
_threads: dict[tuple[int, str, int], threading.Lock] = {}
_opening = Lock()


@contextmanager
def process_lock(path: Path, name: str) -> Iterator[None]:
    """Hold the lock of a name; other threads and processes that want the same one wait.

    Args:
        path: The file of the locks, which nothing is written to; readable by its owner only.
        name: Hexadecimal. Names that differ in their first digits have locks of their own.

    Raises:
        CacheError: If the file cannot be made or locked.
    """
    place = int(name[:8], 16) % _PLACES
    try:
        handle, mine = _handle_of(path, place)
        mine.acquire()
        try:
            _lock(handle, place)
        except BaseException:
            mine.release()
            raise
    except OSError as error:
        raise CacheError(
            f"The file {path} cannot be locked ({error.strerror}), so that processes cannot wait for each other. On a "
            "network file system locks may be missing: put the file on a disk of this machine."
        ) from error
    try:
        yield
    finally:
        _unlock(handle, place)
        mine.release()


def _handle_of(path: Path, place: int) -> tuple[int, threading.Lock]:
    """Return this process's handle of the file, and the lock among its threads."""
    with _opening:
        key = (os.getpid(), str(path))
        handle = _opened.get(key)
        if handle is None:
            handle = _opened[key] = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        return handle, _threads.setdefault((*key, place), threading.Lock())


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, place: int) -> None:
        while True:
            os.lseek(handle, place, os.SEEK_SET)
            try:
                msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
                return
            except OSError:
                time.sleep(0.05)

    def _unlock(handle: int, place: int) -> None:
        os.lseek(handle, place, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int, place: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_EX, 1, place)

    def _unlock(handle: int, place: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_UN, 1, place)
