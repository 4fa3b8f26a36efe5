"""Content keys of items: equal work has equal keys in every process, different work never shares one."""

import hashlib
import heapq
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, ObjectArray
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.journal.disk.schema import KEYS_FORMULA
from qiskit_qml_ext.primitives.written import join_bytes

KEY_BYTES = 16


def settings_key(kind: str, target: str, options: Mapping[str, Any], seed: int | None, shots: float) -> bytes:
    """Return the part of a key that all items with the same settings share.

    Args:
        kind: ``"sampler"`` or ``"estimator"``.
        target: The target's name.
        options: Options as JSON values, see :mod:`options` and :mod:`identity`.
        seed: The user's seed.
        shots: Shots (sampler) or precision (estimator).
    """
    text = json.dumps(options, sort_keys=True)
    return _digest(join_bytes(KEYS_FORMULA, kind, target, text, seed, float(shots)))


def row_keys(settings: bytes, circuit: str, values: FloatArray) -> list[bytes]:
    """Return the keys of one circuit with each of many parameter vectors.

    Args:
        settings: From :func:`settings_key`.
        circuit: The circuit's content key.
        values: Parameter values in the order of the circuit's parameters, shape (rows, parameters).
    """
    prefix = hashlib.blake2b(join_bytes(settings, circuit, values.shape[1]), digest_size=KEY_BYTES)
    # Adding 0.0 turns -0.0 into 0.0, which is the same angle but not the same bytes.
    rows = np.ascontiguousarray(values + 0.0, dtype="<f8")
    keys = []
    for row in rows:
        digest = prefix.copy()
        digest.update(row.tobytes())
        keys.append(digest.digest())
    return keys


def block_key(
    settings: bytes,
    circuit: str,
    values: FloatArray,
    observables: ObjectArray,
    shape: tuple[int, ...],
) -> bytes:
    """Return the key of a block of expectation values of one circuit.

    Args:
        settings: From :func:`settings_key`.
        circuit: The circuit's content key.
        values: Parameter values, shape (..., parameters).
        observables: Mappings from Pauli strings to coefficients, broadcast against the values' leading axes.
        shape: The shape of the block.
    """
    terms = [sorted((str(label), float(weight)) for label, weight in item.items()) for item in observables.ravel()]
    values = np.asarray(values + 0.0, dtype="<f8")
    return _digest(join_bytes(settings, circuit, values, list(observables.shape), terms, list(shape)))


def numbered_key(key: bytes, count: int) -> bytes:
    """Return the key of a repetition of equal work; the first of its kind keeps its key.

    Args:
        key: The key of the work.
        count: How often the same was asked for before.
    """
    return key if count == 0 else _digest(join_bytes(key, count))


class Repetitions:
    """Numbers the repetitions of equal work, so that asking twice in one program gives two independent results.

    The numbers start at 0 in every program: the first asking of a program run again finds the first result of before.
    An asking that came to nothing (an interrupt, an error) gives its numbers back: asked again, it is the same work.
    """

    def __init__(self) -> None:
        self._next: dict[bytes, int] = {}
        self._free: dict[bytes, list[int]] = {}
        self._origin: dict[bytes, tuple[bytes, int]] = {}
        self._lock = Lock()

    def number(self, keys: Iterable[bytes]) -> list[bytes]:
        """Return keys that tell repetitions apart; the first of its kind keeps its key."""
        with self._lock:
            return [self._number(key) for key in keys]

    def _number(self, key: bytes) -> bytes:
        """Take the smallest number that is free."""
        free = self._free.get(key)
        if free:
            count = heapq.heappop(free)
        else:
            count = self._next.get(key, 0)
            self._next[key] = count + 1
        mine = numbered_key(key, count)
        self._origin[mine] = (key, count)
        return mine

    def count_of(self, numbered: bytes) -> int:
        """Return how often the same was asked for before the work with this key."""
        with self._lock:
            return self._origin[numbered][1] if numbered in self._origin else 0

    def give_back(self, numbered: Iterable[bytes]) -> None:
        """Free the numbers of an asking that came to nothing; given back twice, they are freed once."""
        with self._lock:
            for mine in numbered:
                if mine in self._origin:
                    key, count = self._origin.pop(mine)
                    heapq.heappush(self._free.setdefault(key, []), count)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # another process is another program

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).__init__(self)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=KEY_BYTES).digest()
