"""Who works on a unit: claims, signs of life, and how many submissions a minute there are."""

import sqlite3
import time

from qiskit_qml_ext.primitives.journal.moments import Moment, moment
from qiskit_qml_ext.primitives.journal.records import PLANNED, SUBMITTED, SUBMITTING
from qiskit_qml_ext.primitives.journal.rows import ATTEMPTS, OWNERS, UNITS, change, insert, read

_MINUTE = 60.0


def take(database: sqlite3.Connection, unit: int, owner: str) -> bool:
    """Claim a planned unit; return whether nobody else has it."""
    changed = change(
        database,
        UNITS,
        "id = ? AND state = ?",
        [unit, PLANNED],
        state=SUBMITTING,
        owner=owner,
        attempts=lambda row: row["attempts"] + 1,
        updated=time.time(),
    )
    if changed:
        beat(database, owner)
    return bool(changed)


def take_over(database: sqlite3.Connection, unit: int, owner: str, gone: str | None) -> bool:
    """Claim a unit under way whose owner is gone; return whether no other process was faster."""
    changed = change(
        database,
        UNITS,
        "id = ? AND owner IS ? AND state IN (?, ?)",
        [unit, gone, SUBMITTING, SUBMITTED],
        owner=owner,
    )
    if changed:
        beat(database, owner)
    return bool(changed)


def is_owned(database: sqlite3.Connection, unit: int, owner: str) -> bool:
    """Tell whether a unit under way belongs to an owner."""
    rows = read(database, UNITS, "id = ?", [unit])
    return bool(rows) and rows[0]["owner"] == owner and rows[0]["state"] in (SUBMITTING, SUBMITTED)


def release(database: sqlite3.Connection, owner: str) -> None:
    """Give up all claims of an owner."""
    change(database, UNITS, "owner = ?", [owner], owner=None)
    database.execute("DELETE FROM owners WHERE name = ?", (owner,))


def beat(database: sqlite3.Connection, owner: str) -> None:
    """Give a sign of life."""
    if not change(database, OWNERS, "name = ?", [owner], beat=lambda row: row["beat"] + 1):
        insert(database, OWNERS, name=owner, beat=1)


def beat_of(database: sqlite3.Connection, owner: str) -> int | None:
    """Return how often an owner gave a sign of life, ``None`` for one that is not on record."""
    rows = read(database, OWNERS, "name = ?", [owner])
    return rows[0]["beat"] if rows else None


def is_rate_used_up(database: sqlite3.Connection, per_minute: int, *, wall: float) -> bool:
    """Tell whether there were so many submissions in the last minute, over all processes that share the journal.

    One counts as long as no clock says that it was longer ago or is yet to come: what is counted too little, the
    service refuses for a minute, while a submission that a stepped clock puts into the future would block for hours.

    Args:
        database: The file.
        per_minute: How many there may be.
        wall: The wall clock's time in seconds since 1970.
    """
    now = moment()
    count = 0
    for row in read(database, ATTEMPTS, "1 ORDER BY number DESC LIMIT ?", [per_minute]):
        age = Moment(row["boot"], row["ticks"]).seconds_until(now)
        ages = [wall - row["started"]] if age is None else [wall - row["started"], age]
        count += all(0 <= age < _MINUTE for age in ages)
    return count >= per_minute
