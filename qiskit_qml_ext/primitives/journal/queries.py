"""Pieces of SQL that the journal uses in several places."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from qiskit_qml_ext.primitives.journal.records import Unit

_IN_CHUNK = 900  # below SQLite's oldest limit of 999 values in one statement

UNIT_COLUMNS = """
    SELECT u.id, u.kind, u.target, u.settings, u.layout, u.num_items, u.executions, u.state, u.attempts, u.owner,
           u.lease_until, u.reason, a.tag, a.job, a.session, a.calibration, a.started, a.submitted, a.finished,
           a.usage_seconds
    FROM units u LEFT JOIN attempts a ON a.tag = (
        SELECT tag FROM attempts WHERE unit = u.id ORDER BY started DESC, rowid DESC LIMIT 1)
"""


def located(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
    """Return the unit and the position in it of those items that have a unit."""
    return {
        key: (unit, position)
        for chunk in chunks(keys)
        for key, unit, position in database.execute(
            f"SELECT key, unit, position FROM items WHERE key IN ({marks(chunk)})", list(chunk)
        )
    }


def unit_of(row: Sequence[Any]) -> Unit:
    """Make a record of a row of ``UNIT_COLUMNS``."""
    values = list(row)
    values[3], values[4] = json.loads(values[3]), json.loads(values[4])
    return Unit(*values)


def digest(arrays: bytes, metadata: str) -> bytes:
    """Return the checksum of a stored result."""
    return hashlib.blake2b(arrays + metadata.encode(), digest_size=16).digest()


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut values into parts that fit into one statement."""
    for start in range(0, len(values), _IN_CHUNK):
        yield values[start : start + _IN_CHUNK]


def marks(values: Sequence[Any]) -> str:
    """Return as many question marks as there are values."""
    return ",".join("?" * len(values))
