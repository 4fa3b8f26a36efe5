"""What the jobs of attempts were predicted to take, and how long they waited: a row in the table *about* for each.

These are notes beside the attempts, not columns of theirs, so that journals of versions before and after can read each
other's files. Without its note an attempt is as sound as with it; only its prediction is not known.
"""

import json
import math
import sqlite3
from dataclasses import asdict, dataclass, replace
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.rows import ABOUT, DamagedRowError, Row, change, insert, read, remove

PREFIX = "time of "
"""With what the names of these rows begin; the tag of the attempt follows."""


@dataclass(frozen=True)
class JobNote:
    """What is noted of the time of an attempt's job, in seconds; ``None`` for what is not known."""

    circuit_seconds: float | None = None
    """What its circuits take by the device's report."""
    predicted_seconds: float | None = None
    """What it was predicted to take of the processor's time when it was submitted."""
    partial_seconds: float | None = None
    """What it had taken when it was looked at while it ran."""
    queue_seconds: float | None = None
    """How long it waited until it ran, by the service's clock."""


_FIELDS = tuple(asdict(JobNote()))


def note_problem(row: Row) -> str | None:
    """Return what is wrong with a row of the table *about*, if it is one of these and anything is."""
    if not row["name"].startswith(PREFIX):
        return None
    return None if _read(row["value"]) is not None else "has a time that is none"


def write_note(database: sqlite3.Connection, tag: str, **known: float | None) -> None:
    """Add to what is noted of an attempt's job; what is ``None`` stays as it was noted.

    Args:
        database: The file, within a transaction.
        tag: The attempt's tag.
        **known: Fields of :class:`JobNote`.
    """
    said = {name: float(value) for name, value in known.items() if value is not None}
    if not said:
        return
    name = PREFIX + tag
    rows = read(database, ABOUT, "name = ?", [name])
    note = replace(_checked(rows[0]) if rows else JobNote(), **said)
    text = json.dumps({name: value for name, value in asdict(note).items() if value is not None})
    if not change(database, ABOUT, "name = ?", [name], value=text):
        insert(database, ABOUT, name=name, value=text)


def drop_note(database: sqlite3.Connection, tag: str) -> None:
    """Forget what is noted of an attempt's job."""
    remove(database, ABOUT, "name = ?", [PREFIX + tag])


def notes(database: sqlite3.Connection) -> dict[str, JobNote]:
    """Return what is noted of jobs, by the tags of their attempts."""
    rows = read(database, ABOUT, "name >= ? AND name < ?", [PREFIX, PREFIX[:-1] + "!"])
    return {row["name"].removeprefix(PREFIX): _checked(row) for row in rows}


def _checked(row: Row) -> JobNote:
    note = _read(row["value"])
    if note is None:
        raise DamagedRowError(f"row {row['name']!r:.60} of its table about has a time that is none")
    return note


def _read(text: str) -> JobNote | None:
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(said, dict) or not set(said) <= set(_FIELDS):
        return None
    if not all(_is_time(value) for value in said.values()):
        return None
    return JobNote(**said)


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
