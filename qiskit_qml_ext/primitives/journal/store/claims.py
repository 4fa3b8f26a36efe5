"""Who works on a unit: claims, signs of life, and how many submissions a minute there are."""

import sqlite3
import time

from qiskit_qml_ext.primitives.journal.disk.moments import Moment, moment
from qiskit_qml_ext.primitives.journal.disk.records import PLANNED, SUBMITTED, SUBMITTING
from qiskit_qml_ext.primitives.journal.disk.rows import ATTEMPTS, OWNERS, UNITS, DamagedRowError, change, insert, read
from qiskit_qml_ext.primitives.journal.store.ownership import Life, life_of

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
    """Give a sign of life; with the first one, owners that work no more are forgotten."""
    try:
        if change(database, OWNERS, "name = ?", [owner], beat=lambda row: row["beat"] + 1):
            return
    except DamagedRowError:  # a count of heartbeats can begin anew
        database.execute("DELETE FROM owners WHERE name = ?", (owner,))
    else:
        _forget_idle(database)
    insert(database, OWNERS, name=owner, beat=1)


def beat_of(database: sqlite3.Connection, owner: str) -> int | None:
    """Return how often an owner gave a sign of life, ``None`` for one that is not on record."""
    try:
        rows = read(database, OWNERS, "name = ?", [owner])
    except DamagedRowError:
        return None
    return rows[0]["beat"] if rows else None


def _forget_idle(database: sqlite3.Connection) -> None:
    """Forget owners that have no claim, but for those that are seen to live; who lives on is noted again later."""
    idle = "SELECT name FROM owners WHERE name NOT IN (SELECT owner FROM units WHERE owner IS NOT NULL)"
    for (name,) in database.execute(idle).fetchall():
        if not isinstance(name, str) or life_of(name) in (Life.DEAD, Life.UNSEEN):
            database.execute("DELETE FROM owners WHERE name = ?", (name,))


def rate_pause(database: sqlite3.Connection, per_minute: int, *, wall: float) -> float:
    """Return for how many seconds no submission may be made, over all processes that share the journal.

    A submission counts as long as no clock puts it farther away than a minute: what is counted too little, the service
    refuses for a minute, while a submission that a stepped clock puts into the future would block for hours.

    Args:
        database: The file.
        per_minute: How many there may be in a minute.
        wall: The wall clock's time in seconds since 1970. It can only shorten the pause.
    """
    now = moment()
    pauses = []
    for row in read(database, ATTEMPTS, "1 ORDER BY number DESC LIMIT ?", [per_minute]):
        age = Moment(row["boot"], row["ticks"]).seconds_until(now)
        ages = [wall - row["started"]] if age is None else [wall - row["started"], age]
        if all(abs(age) < _MINUTE for age in ages):
            pauses.append(_MINUTE - max(ages))
    return min(pauses) if len(pauses) >= per_minute else 0.0
