"""Results that several threads share, each computed once: work in flight is claimed, a second asker waits for it.

Looking first and computing then, without a claim in between, lets eight threads that ask for the same pay eight times.
So there is one entrance, :meth:`SharedResults.obtain`: of the keys that are asked for, those known are taken, those
that nobody is at are claimed and computed, and those that another thread is at are waited for. Claims of one asking are
taken together and computed before anything is waited for, so askings that overlap cannot wait for each other. Whoever
fails gives its claims up, and one of those who wait takes over: it gets the result, or an error of its own.
"""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from qiskit_qml_ext.primitives.forks import forget_in_child

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_planned: ContextVar[set[tuple[int, Hashable, Any]] | None] = ContextVar("planned", default=None)
_LOOK_SECONDS = 1.0  # how often one who waits looks whether the thread that it waits for is still alive


@contextmanager
def planned_together() -> Iterator[None]:
    """Let several plans be made as of one piece of work: what one of them found unknown, the next ones find known.

    It holds for what this thread asks :meth:`SharedResults.unknown` within the block; a block inside joins it.
    """
    token = None if _planned.get() is not None else _planned.set(set())
    try:
        yield
    finally:
        if token is not None:
            _planned.reset(token)


@contextmanager
def planned_apart() -> Iterator[None]:
    """Let plans be made beside the piece of work of :func:`planned_together`: they neither see it nor add to it."""
    token = _planned.set(None)
    try:
        yield
    finally:
        _planned.reset(token)


class _Asking:
    """One asking of one thread, and the claims that it has taken."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.claims: set[tuple[Hashable, Any]] = set()


class SharedResults:
    """Tables of results by key, for the threads of one process; pickled ones start empty.

    Nothing leaves a table, unless it is asked for with a ``limit``.
    """

    def __init__(self) -> None:
        self._tables: dict[Hashable, dict[Any, Any]] = {}
        self._marks: set[Hashable] = set()
        self._claims: dict[tuple[Hashable, Any], _Asking] = {}
        self._waiting: dict[threading.Thread, list[tuple[Hashable, Any]]] = {}
        self._changed = threading.Condition()
        forget_in_child(self)

    def obtain(
        self,
        table: Hashable,
        keys: Sequence[Key],
        compute: Callable[[list[Key]], Iterable[Mapping[Key, Value]]],
        *,
        limit: int | None = None,
    ) -> list[Value]:
        """Return the value of each key, computing those that are neither known nor being computed.

        Args:
            table: What all values of the table have in common.
            keys: What is asked for; what occurs twice is computed once.
            compute: Gets distinct keys, in the order in which they are asked for, and yields their values in parts;
                each part is there for others at once. It runs without a lock, may ask for other keys, and is called
                again for keys that another thread gave up.
            limit: How many values the table keeps, the last ones; ``None`` keeps all.

        Returns:
            The values, in the order of ``keys``.

        Raises:
            BaseException: What ``compute`` raises; what it did not yield is free for others then.
        """
        with self._changed:
            known = self._tables.get(table, {})
            if all(key in known for key in keys):  # mostly
                return [known[key] for key in keys]
        values: dict[Key, Value] = {}
        left = list(dict.fromkeys(keys))
        while left:
            asking = _Asking()
            try:
                mine = self._claim(asking, table, left, values)
                if mine:
                    self._compute(table, compute, mine, values, limit)
            finally:
                self._give_up(asking)
            left = [key for key in left if key not in values]
        return [values[key] for key in keys]

    def once(self, table: Hashable, key: Hashable, make: Callable[[], Value], *, limit: int | None = None) -> Value:
        """Return what ``make`` made for a key, the first time or now; see :meth:`obtain`."""
        return self.obtain(table, [key], lambda _: [{key: make()}], limit=limit)[0]

    def first(self, mark: Hashable) -> bool:
        """Tell whether this was never asked of the mark before: of several threads, one gets ``True``."""
        with self._changed:
            is_new = mark not in self._marks
            self._marks.add(mark)
        return is_new

    def unknown(self, table: Hashable, keys: Iterable[Key]) -> list[Key]:
        """Return the keys that have no value yet, each once; nothing is claimed. See also :func:`planned_together`."""
        with self._changed:
            known = self._tables.get(table, {})
            unknown = [key for key in dict.fromkeys(keys) if key not in known]
        planned = _planned.get()
        if planned is None:
            return unknown
        unknown = [key for key in unknown if (id(self), table, key) not in planned]
        planned.update((id(self), table, key) for key in unknown)
        return unknown

    def _claim(self, asking: _Asking, table: Hashable, keys: list[Key], values: dict[Key, Value]) -> list[Key]:
        """Take what is known and claim what nobody is at; where that leaves only work of others, wait for it.

        Args:
            asking: Who asks.
            table: The table.
            keys: What is asked for.
            values: Gets the values that are known.

        Returns:
            The keys that the asker is to compute; none if all are known.
        """
        with self._changed:
            while True:
                known = self._tables.get(table, {})
                values.update((key, known[key]) for key in keys if key in known)
                owners = {key: self._claims.get((table, key)) for key in keys if key not in values}
                free = {owner: owner is None or self._would_wait_for_ever(owner) for owner in set(owners.values())}
                mine = [key for key, owner in owners.items() if free[owner]]
                for key in mine:
                    owner = owners[key]
                    if owner is None or not owner.thread.is_alive():
                        asking.claims.add((table, key))  # before the claim, so that no interrupt leaves it behind
                        self._claims[table, key] = asking
                if mine or not owners:
                    return mine
                self._wait([(table, key) for key in owners])

    def _would_wait_for_ever(self, owner: _Asking) -> bool:
        """Tell whether waiting for an asking would never end.

        It is of a thread that ended, of this thread itself (which asks from within ``compute``), or of one that waits,
        directly or through others, for this thread.
        """
        me, reached, to_visit = threading.current_thread(), set[threading.Thread](), [owner.thread]
        while to_visit:
            thread = to_visit.pop()
            if thread not in reached:
                reached.add(thread)
                claims = self._waiting.get(thread, [])  # some of them may be fulfilled, and the thread about to wake up
                to_visit += {self._claims[claim].thread for claim in claims if claim in self._claims}
        return me in reached or not owner.thread.is_alive()

    def _wait(self, claims: list[tuple[Hashable, Any]]) -> None:
        me = threading.current_thread()
        self._waiting[me] = claims
        try:
            self._changed.wait(_LOOK_SECONDS)
        finally:
            self._waiting.pop(me, None)

    def _compute(
        self,
        table: Hashable,
        compute: Callable[[list[Key]], Iterable[Mapping[Key, Value]]],
        mine: list[Key],
        values: dict[Key, Value],
        limit: int | None,
    ) -> None:
        for part in compute(mine):
            with self._changed:
                kept = self._tables.setdefault(table, {})
                for key, value in part.items():
                    values[key] = kept.setdefault(key, value)  # another value may be there where nobody could wait
                    self._claims.pop((table, key), None)
                while limit is not None and len(kept) > limit:
                    del kept[next(iter(kept))]
                self._changed.notify_all()
        missing = [key for key in mine if key not in values]
        if missing:
            raise RuntimeError(f"{len(missing)} of {len(mine)} results did not come: {missing[0]!r}, …")

    def _give_up(self, asking: _Asking) -> None:
        """Free what an asking claimed and did not compute."""
        with self._changed:
            for claim in asking.claims:
                if self._claims.get(claim) is asking:
                    del self._claims[claim]
            self._changed.notify_all()

    def forget_threads(self) -> None:
        """Give up all claims: in a forked child, none of the threads that hold them exists."""
        self._changed = threading.Condition()
        self._claims.clear()
        self._waiting.clear()

    def __reduce__(self) -> tuple[type["SharedResults"], tuple[()]]:
        return SharedResults, ()
