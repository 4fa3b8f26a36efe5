"""Primitives that let somebody look at their work before it starts, and take note of it once it did.

A watched primitive is another view of the same object: of a subclass of its class by the same name, with the same
attributes, so that options that are set on one of them are set on both.
"""

import copy
import functools
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from qiskit import QuantumCircuit


class Watch(Protocol):
    """Who looks at what primitives run."""

    def look(self, primitive: Any, pubs: Sequence[Any], options: Mapping[str, Any]) -> Callable[[], None]:
        """Look at a call of ``run``, raise if it must not be, and return what to call once it runs."""

    def approve(self, work: Sequence[tuple[QuantumCircuit, int]]) -> None:
        """Look at circuits with their executions, and raise if they must not run."""

    def count(self, circuits: int, executions: int) -> None:
        """Take note of the circuits and the executions of a job that runs."""


def watched(primitive: Any, watch: Watch) -> Any:
    """Return a primitive that lets somebody look at what it is to run.

    Args:
        primitive: The primitive; it is not changed, and runs as before.
        watch: Who looks.
    """
    original = type(primitive)

    def run(self: Any, pubs: Any, **options: Any) -> Any:
        given = list(pubs)
        take_note = watch.look(self, given, options)
        job = original.run(self, given, **options)
        take_note()
        return job

    def copied(self: Any) -> Any:
        return watched(copy.copy(unwatched(self)[0]), watch)

    def reduced(self: Any, protocol: int) -> Any:
        return watched, (unwatched(self)[0], watch)

    kept = {name: getattr(original, name) for name in ("__module__", "__qualname__", "__doc__")}
    own = {"run": functools.wraps(original.run)(run), "__copy__": copied, "__reduce_ex__": reduced, _WATCH: watch}
    return _view(primitive, type(original.__name__, (original,), {**kept, **own}))


def unwatched(primitive: Any) -> tuple[Any, Watch | None]:
    """Return a primitive as it is when nobody looks at what it runs, and who looked."""
    kind = type(primitive)
    watch: Watch | None = vars(kind).get(_WATCH)
    return (primitive, None) if watch is None else (_view(primitive, kind.__bases__[0]), watch)


_WATCH = "_qiskit_qml_ext_watch"


def _view(primitive: Any, kind: Any) -> Any:
    view = object.__new__(kind)
    view.__dict__ = primitive.__dict__
    for name, place in [item for cls in type(primitive).__mro__ for item in vars(cls).items()]:
        if isinstance(place, types.MemberDescriptorType) and hasattr(primitive, name):  # a slot
            place.__set__(view, place.__get__(primitive))
    return view
