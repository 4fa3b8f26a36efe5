"""Tables of entries in memory, one for each kernel, shared by the copies of a cached kernel."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from qiskit_qml_ext.kernels.caching.table import EntryTable
from qiskit_qml_ext.primitives.forks import Lock


class EntryCache:
    """Tables by the key of their kernel, the one that was used last at the end; a pickled one starts empty."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._tables: OrderedDict[str, EntryTable] = OrderedDict()

    @contextmanager
    def table(self, key: str, *, max_bytes: int) -> Iterator[EntryTable]:
        """Hold the table of a kernel: other threads wait, so that what one of them finds is there for the next.

        Args:
            key: The key of the kernel's entries.
            max_bytes: How large all tables together may be; the ones that were not used for longest are forgotten.
        """
        with self._lock:
            table = self._tables.setdefault(key, EntryTable())
            self._tables.move_to_end(key)
            try:
                yield table
            finally:
                while len(self._tables) > 1 and sum(each.num_bytes for each in self._tables.values()) > max_bytes:
                    self._tables.popitem(last=False)

    def __reduce__(self) -> tuple[type["EntryCache"], tuple[()]]:
        return EntryCache, ()
