"""The entries of one kernel in a file that processes share."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray
from qiskit_qml_ext.kernels.caching.entry_file import Entry, EntryFile
from qiskit_qml_ext.kernels.caching.process_lock import process_lock
from qiskit_qml_ext.kernels.caching.table import EntryTable, sample_keys


class SharedEntries:
    """The entries of one kernel in a file.

    Args:
        store: The path of the file.
        kernel: The key of the kernel's entries, the same in every process.
    """

    def __init__(self, store: str | os.PathLike[str], kernel: str):
        self._file = EntryFile(store)
        self._kernel = kernel

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from finding entries of this kernel; the system lets them when this one dies."""
        with process_lock(self._file.locks, self._kernel):
            yield

    def load(
        self, table: EntryTable, samples: FloatArray, places: IndexArray, missing: BoolArray, is_symmetric: bool
    ) -> None:
        """Put what the file knows of missing entries into a table.

        Args:
            table: The table.
            samples: Distinct samples, shape (n, features).
            places: Where they stand in the table.
            missing: The entries, shape (n, n).
            is_symmetric: Whether an entry and the one across the diagonal are one.
        """
        first, second = np.nonzero(np.triu(missing) if is_symmetric else missing)
        keys = self._keys(samples, first, second, is_symmetric)
        known = self._file.read(keys)
        there = np.array([key in known for key in keys], dtype=bool)
        if not there.any():
            return
        noted = self._file.note(self._kernel)
        if noted is not None:
            table.target, *applied = json.loads(noted)
            table.applied = tuple(applied)
        found = np.array([known[key] for key in keys if key in known], dtype=np.float64).T
        table.put(places[first[there]], places[second[there]], *found, is_symmetric=is_symmetric)

    def save(
        self,
        target: str,
        applied: tuple[str, ...],
        samples: FloatArray,
        rows: IndexArray,
        columns: IndexArray,
        found: tuple[FloatArray, ...],
        is_symmetric: bool,
    ) -> None:
        """Write entries: values, errors, shots and truncations, flat arrays beside their rows and columns."""
        self._file.note(self._kernel, json.dumps([target, *applied]))
        keys = self._keys(samples, rows, columns, is_symmetric)
        values, errors, shots, truncations = (each.tolist() for each in found)
        entries: dict[bytes, Entry] = {
            key: (value, error, int(number), moved)
            for key, value, error, number, moved in zip(keys, values, errors, shots, truncations, strict=True)
        }
        self._file.write(entries)

    def _keys(self, samples: FloatArray, rows: IndexArray, columns: IndexArray, is_symmetric: bool) -> list[bytes]:
        """Return the keys of entries; those of a symmetric kernel do not depend on the order of the samples."""
        each = sample_keys(samples)
        prefix = hashlib.blake2b(self._kernel.encode(), digest_size=16)
        keys = []
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            one, other = each[row], each[column]
            digest = prefix.copy()
            digest.update(other + one if is_symmetric and other < one else one + other)
            keys.append(digest.digest())
        return keys
