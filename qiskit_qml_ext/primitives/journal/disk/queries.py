"""Questions to the journal's file that are asked in several places."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.records import DISSOLVED, STATES, Unit
from qiskit_qml_ext.primitives.journal.disk.rows import ATTEMPTS, ITEMS, DamagedRowError, Row, Table, marks, read

_IN_CHUNK = 900  # below SQLite's oldest limit of 999 values in one statement


def located(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
    """Return the unit and the position in it of those items that have a unit."""
    rows = read_chunks(database, ITEMS, "key", keys)
    return {row["key"]: (row["unit"], row["position"]) for row in rows}


def units_of(database: sqlite3.Connection, rows: Sequence[Row]) -> list[Unit]:
    """Make records of rows of units, each with its last attempt."""
    last: dict[int, Row] = {}
    numbers = [row["id"] for row in rows]
    for attempt in read_chunks(database, ATTEMPTS, "unit", numbers):
        known = last.get(attempt["unit"])
        if known is None or attempt["number"] > known["number"]:
            last[attempt["unit"]] = attempt
    return [_unit_of(row, last.get(row["id"], {})) for row in rows]


def read_chunks(
    database: sqlite3.Connection, table: Table, column: str, values: Iterable[Any], order: str = ""
) -> Iterator[Row]:
    """Read the rows whose column has one of many values, in parts that fit into a statement."""
    for chunk in chunks(list(values)):
        yield from read(database, table, f"{column} IN ({marks(chunk)}) {order}", chunk)


def content_of(keys: Sequence[bytes]) -> bytes:
    """Return the content key of a unit: what its items are, in order."""
    return hashlib.blake2b(b"".join(keys), digest_size=10).digest()


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Cut values into parts that fit into one statement."""
    for start in range(0, len(values), _IN_CHUNK):
        yield values[start : start + _IN_CHUNK]


def _unit_of(row: Row, attempt: Row) -> Unit:
    if row["state"] not in (*STATES, DISSOLVED):
        raise DamagedRowError(f"row {row['id']} of its table units has the unknown state {row['state']!r}")
    about_unit = ("id", "kind", "target", "settings", "layout", "content", "num_items", "executions", "state",
                  "attempts", "owner", "reason")  # fmt: skip
    about_attempt = ("tag", "job", "session", "calibration", "started", "submitted", "finished", "usage_seconds")
    return Unit(*(row[name] for name in about_unit), *(attempt.get(name) for name in about_attempt))
