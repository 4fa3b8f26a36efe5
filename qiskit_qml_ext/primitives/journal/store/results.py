"""The results of units on the disk: written once, read with their checksum, dropped when damaged.

Every function works within a transaction on a journal's file.
"""

import sqlite3
import time
from typing import Any

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.records import DISSOLVED, DONE, SUBMITTED
from qiskit_qml_ext.primitives.journal.disk.rows import (
    ATTEMPTS,
    RESULTS,
    UNITS,
    DamagedRowError,
    Row,
    change,
    insert,
    read,
    remove,
)
from qiskit_qml_ext.primitives.journal.store import attempts


def finish(
    database: sqlite3.Connection,
    unit: int,
    *,
    tag: str,
    arrays: bytes,
    metadata: dict[str, Any],
    usage_seconds: float | None,
) -> bool:
    """Write down a result; return whether it counts, which the first one does. See :meth:`Journal.finish`."""
    now = time.time()
    row = _row(database, unit)
    counts = row["state"] not in (DONE, DISSOLVED)
    if counts:
        # Where a result was dropped as damaged, the table may hold the damaged row still.
        remove(database, RESULTS, "unit = ?", [unit])
        insert(database, RESULTS, unit=unit, content=row["content"], arrays=arrays, metadata=metadata)
        change(database, UNITS, "id = ?", [unit], state=DONE, owner=None, reason=None, updated=now)
    change(
        database, ATTEMPTS, "tag = ? AND outcome != 'done'", [tag],
        outcome="done" if counts else "late", finished=now, usage_seconds=usage_seconds,
    )  # fmt: skip
    if counts:
        attempts.end(database, unit, "superseded", "The result of another attempt came first.")
    return counts


def result_of(database: sqlite3.Connection, unit: int) -> tuple[bytes, dict[str, Any]] | None:
    """Return a unit's arrays and metadata, or ``None`` if they are missing or were changed on the disk."""
    row = _row(database, unit)
    try:
        stored = next(iter(read(database, RESULTS, "unit = ?", [unit])), None)
    except DamagedRowError:
        stored = None
    if stored is None or not isinstance(stored["metadata"], dict):
        return None
    return (stored["arrays"], stored["metadata"]) if stored["content"] == row["content"] else None


def missing(database: sqlite3.Connection) -> list[int]:
    """Return the units that are done, but whose results are not there; those that are there are not looked at."""
    statement = "SELECT id FROM units WHERE state = ? AND id NOT IN (SELECT unit FROM results) ORDER BY id"
    return [int(row[0]) for row in database.execute(statement, [DONE]).fetchall()]


def forget(database: sqlite3.Connection, unit: int, *, arrays: bytes | None) -> None:
    """Drop a damaged result, unless another run has put another one in its place."""
    stored = result_of(database, unit)
    if stored is not None and stored[0] != arrays:
        return
    remove(database, RESULTS, "unit = ?", [unit])
    change(database, UNITS, "id = ? AND state = ?", [unit, DONE], state=SUBMITTED, owner=None)


def _row(database: sqlite3.Connection, unit: int) -> Row:
    rows = read(database, UNITS, "id = ?", [unit])
    if not rows:
        raise JournalError(f"There is no unit {unit} in the journal.")
    return rows[0]
