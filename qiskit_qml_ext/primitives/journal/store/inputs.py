"""What was asked for, beside the units: written when they are planned, read for an export.

Nothing that runs depends on it: where it is missing or damaged, an export has less to say and nothing else changes.
Every function works within a transaction on a journal's file.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.records import NewInputs, Unit
from qiskit_qml_ext.primitives.journal.disk.rows import (
    INPUTS,
    PARTS,
    DamagedRowError,
    Row,
    Table,
    insert,
    read,
    remove,
)
from qiskit_qml_ext.primitives.journal.store.open_file import JournalFile


def note(database: sqlite3.Connection, unit: int, content: bytes, inputs: NewInputs | None) -> None:
    """Write down what a unit was asked for."""
    if inputs is None:
        return
    insert(database, INPUTS, unit=unit, content=content, arrays=inputs.arrays, about=inputs.about)
    add_parts(database, inputs.parts)


def add_parts(database: sqlite3.Connection, parts: Mapping[bytes, tuple[str, bytes]]) -> None:
    """Write down what units share, as far as it is not there."""
    for key, (kind, content) in parts.items():
        if not has_part(database, key):
            insert(database, PARTS, key=key, kind=kind, content=content)


def has_part(database: sqlite3.Connection, key: bytes) -> bool:
    """Tell whether something that units share is written down."""
    return database.execute("SELECT 1 FROM parts WHERE key = ?", [key]).fetchone() is not None


def forget(database: sqlite3.Connection, unit: int) -> None:
    """Drop what a unit was asked for, whose items went to others."""
    remove(database, INPUTS, "unit = ?", [unit])


def _row(database: sqlite3.Connection, unit: int, content: bytes) -> Row | None:
    """Return the row of a unit; ``None`` if there is none, or none that is sound."""
    row = _sound_row(database, INPUTS, unit)
    return row if row is not None and row["content"] == content else None


def part(database: sqlite3.Connection, key: bytes) -> bytes | None:
    """Return what units share; ``None`` if it is not there, or not sound."""
    row = _sound_row(database, PARTS, key)
    return None if row is None else bytes(row["content"])


def _sound_row(database: sqlite3.Connection, table: Table, key: int | bytes) -> Row | None:
    try:
        return next(iter(read(database, table, f"{table.key} = ?", [key])), None)
    except DamagedRowError:
        return None


class JournalInputs(JournalFile):
    """What a journal has on record of what was asked for."""

    def has_part(self, key: bytes) -> bool:
        """Tell whether something that units share (a circuit, a device's report) is written down."""
        with self._transaction(write=False) as database:
            return has_part(database, key)

    def add_part(self, key: bytes, kind: str, content: bytes) -> None:
        """Write down something that units share, unless it is there."""
        with self._transaction() as database:
            add_parts(database, {key: (kind, content)})

    def inputs(self, unit: Unit) -> tuple[bytes, dict[str, Any]] | None:
        """Return what a unit was asked for, its values as npz bytes and all else; ``None`` if it is not on record."""
        with self._transaction(write=False) as database:
            row = _row(database, unit.id, unit.content)
        return None if row is None else (row["arrays"], row["about"])

    def part(self, key: bytes) -> bytes | None:
        """Return what units share (a circuit, a device's report); ``None`` if it is not on record."""
        with self._transaction(write=False) as database:
            return part(database, key)
