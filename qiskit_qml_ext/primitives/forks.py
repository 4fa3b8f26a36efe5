"""What a forked child must not take over from its parent: locks that other threads held, work that they had begun.

Only the thread that called ``fork`` lives on in the child. A lock that another thread held at that moment stays closed
there for ever, and work that it was doing is never finished.
"""

import os
import threading
import weakref
from types import TracebackType
from typing import Protocol


class _HasThreads(Protocol):
    def forget_threads(self) -> None:
        """Give up what other threads were doing; called in a forked child."""


_known: "dict[int, weakref.ref[_HasThreads]]" = {}


def forget_in_child(owner: _HasThreads) -> None:
    """See that ``owner.forget_threads()`` is called in every child that this process forks."""
    key = id(owner)
    _known[key] = weakref.ref(owner, lambda _: _known.pop(key, None))


def _forget() -> None:
    for reference in list(_known.values()):
        owner = reference()
        if owner is not None:
            owner.forget_threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Lock:
    """A mutex for ``with`` that is open in a forked child, and in a copy, whoever holds it here."""

    def __init__(self) -> None:
        self._lock = self._held = threading.Lock()
        forget_in_child(self)

    def forget_threads(self) -> None:
        """Take a new lock in a forked child."""
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        lock = self._lock
        lock.acquire()
        self._held = lock

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._held.release()  # a child that was forked in between has another lock by now

    def __reduce__(self) -> tuple[type["Lock"], tuple[()]]:
        return Lock, ()
