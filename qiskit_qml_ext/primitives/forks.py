"""What a forked child must not take over from its parent: locks, work that other threads had begun, pools of threads.

Only the thread that called ``fork`` lives on in the child. A lock that another thread held at that moment stays closed
there for ever, and work that it was doing is never finished.

The passes of Qiskit's transpiler share their work among threads of a pool that is made when first needed. A forked
child has the pool of its parent but none of its threads, so that a pass would wait for them for ever. Qiskit's own
workers are told through the environment to do without threads; so is every forked child here, whoever forks it:
``os.fork``, ``multiprocessing`` with the start method "fork", joblib's "multiprocessing" backend, a data loader.
Transpiled circuits do not depend on it.
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


def _without_qiskits_threads() -> None:
    os.environ["QISKIT_IN_PARALLEL"] = "TRUE"
    os.environ["QISKIT_FORCE_THREADS"] = "FALSE"  # would overrule the other


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
    os.register_at_fork(after_in_child=_without_qiskits_threads)


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
