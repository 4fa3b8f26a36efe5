"""Units without items: what a repair keeps of a unit whose items, or whose own row, were damaged.

A run does not meet them by its items' keys. But the work of a unit has a content key: when the same work is planned
again, it is recognised, and gets its unit, with the jobs and the result of before, instead of being done again.
"""

import sqlite3

from qiskit_qml_ext.primitives.journal.disk.records import DONE, LOST, PLANNED, SUBMITTED, SUBMITTING, NewUnit
from qiskit_qml_ext.primitives.journal.disk.rows import (
    ABOUT,
    ATTEMPTS,
    ITEMS,
    RESULTS,
    UNITS,
    DamagedRowError,
    Row,
    change,
    insert,
    insert_many,
    read,
)

DETACHED = "detached"
"""The name in *about* under which the numbers of these units stand."""


def numbers_of(text: str) -> set[int] | None:
    """Return the numbers of units that a text lists, ``None`` if it is no such list."""
    words = text.split()
    if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
        return None
    return {int(word) for word in words}


def write_detached(database: sqlite3.Connection, numbers: set[int]) -> None:
    """Write down which units have no items although they have work."""
    text = " ".join(map(str, sorted(numbers)))
    if not change(database, ABOUT, "name = ?", [DETACHED], value=text) and numbers:
        insert(database, ABOUT, name=DETACHED, value=text)


def attach(database: sqlite3.Connection, part: NewUnit, content: bytes) -> bool:
    """Give work the unit that it had before a repair, if there is one.

    Args:
        database: The file, within a transaction.
        part: The work that is about to be planned.
        content: Its content key.

    Returns:
        Whether there was one.
    """
    about = read(database, ABOUT, "name = ?", [DETACHED])
    numbers = numbers_of(about[0]["value"]) if about else set()
    if not numbers:
        return False
    known = [row for row in read(database, UNITS, "content = ?", [content]) if row["id"] in numbers]
    if not known:
        return False
    unit = known[0]
    if not unit["num_items"]:  # nothing but its content is known
        change(
            database, UNITS, "id = ?", [unit["id"]], kind=part.kind, target=part.target, settings=part.settings,
            layout=part.layout, num_items=len(part.keys), executions=part.executions, owner=None, reason=None,
            state=_state_by_evidence(database, unit),
        )  # fmt: skip
    insert_many(database, ITEMS, [(key, unit["id"], place) for place, key in enumerate(part.keys)])
    write_detached(database, numbers - {unit["id"]})
    return True


def _state_by_evidence(database: sqlite3.Connection, unit: Row) -> str:
    """Return the state of a unit whose row was lost, from its result and its attempts."""
    try:
        results = read(database, RESULTS, "unit = ?", [unit["id"]])
    except DamagedRowError:
        results = []
    if results and results[0]["content"] == unit["content"]:
        return DONE
    attempts = read(database, ATTEMPTS, "unit = ? ORDER BY number DESC LIMIT 1", [unit["id"]])
    if not attempts:
        return PLANNED
    outcome, job = attempts[0]["outcome"], attempts[0]["job"]
    if outcome == LOST:
        return LOST
    if job is not None and outcome in ("open", "done"):
        return SUBMITTED
    return SUBMITTING if outcome == "open" else PLANNED
