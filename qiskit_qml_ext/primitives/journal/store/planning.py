"""Which items belong to which units: units are made, cut and dissolved.

Every function works within a transaction on a journal's file.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence

from qiskit_qml_ext.primitives.journal.disk.detached import attach
from qiskit_qml_ext.primitives.journal.disk.queries import content_of, located, read_chunks
from qiskit_qml_ext.primitives.journal.disk.records import DISSOLVED, FAILED, PLANNED, NewUnit
from qiskit_qml_ext.primitives.journal.disk.rows import ITEMS, UNITS, change, insert, insert_many, read, remove
from qiskit_qml_ext.primitives.journal.store import attempts, claims, inputs


def ensure_units(
    database: sqlite3.Connection, keys: Sequence[bytes], pack: Callable[[list[int]], list[NewUnit]], *, revive: bool
) -> dict[bytes, tuple[int, int]]:
    """See that every item belongs to a unit, and return where; see :meth:`Journal.ensure_units`."""
    wanted = set(keys)
    places = located(database, keys)
    free = [PLANNED, FAILED] if revive else [PLANNED]
    for row in list(read_chunks(database, UNITS, "id", {unit for unit, _ in places.values()})):
        if row["state"] not in free:
            continue
        members = {item["key"] for item in read(database, ITEMS, "unit = ?", [row["id"]])}
        if not members <= wanted:
            _dissolve(database, row["id"])
        elif row["state"] == FAILED:
            change(database, UNITS, "id = ?", [row["id"]], state=PLANNED, attempts=0, reason=None)
    places = located(database, keys)
    missing = [place for place, key in enumerate(keys) if key not in places]
    if missing:
        _insert(database, pack(missing))
        places = located(database, keys)
    return places


def split(database: sqlite3.Connection, unit: int, parts: Sequence[NewUnit], *, owner: str, reason: str) -> None:
    """Replace a unit of an owner's that is too large by smaller ones."""
    if not claims.is_owned(database, unit, owner):
        return
    attempts.end(database, unit, "rejected", reason)
    _dissolve(database, unit)
    # An earlier run may have cut the same unit, and have done a part already.
    _insert(database, [part for part in parts if not located(database, part.keys)])


def cut(database: sqlite3.Connection, unit: int, parts: Sequence[NewUnit]) -> bool:
    """Replace a unit that nobody works on by others of the same items; return whether it was done."""
    rows = read(database, UNITS, "id = ? AND state = ?", [unit, PLANNED])
    if rows:
        _dissolve(database, unit)
        _insert(database, parts)
    return bool(rows)


def _dissolve(database: sqlite3.Connection, unit: int) -> None:
    """Free a unit's items; its attempts stay on record."""
    remove(database, ITEMS, "unit = ?", [unit])
    inputs.forget(database, unit)
    change(database, UNITS, "id = ?", [unit], state=DISSOLVED, owner=None)


def _insert(database: sqlite3.Connection, parts: Sequence[NewUnit]) -> None:
    now = time.time()
    for part in parts:
        content = content_of(part.keys)
        if attach(database, part, content):
            continue
        unit = insert(
            database, UNITS, kind=part.kind, target=part.target, settings=part.settings, layout=part.layout,
            content=content, num_items=len(part.keys), executions=part.executions, state=PLANNED,
            attempts=0, owner=None, reason=None, created=now, updated=now,
        )  # fmt: skip
        insert_many(database, ITEMS, [(key, unit, place) for place, key in enumerate(part.keys)])
        inputs.note(database, unit, content, part.inputs)
