"""What was asked for, beside the units: written when they are planned, read for an export.

Nothing that runs depends on it: where it is missing or damaged, an export has less to say and nothing else changes.
Every function works within a transaction on a journal's file.
"""

import sqlite3
from collections.abc import Iterator, Mapping

from qiskit_qml_ext.primitives.journal.disk.problems import Inspection
from qiskit_qml_ext.primitives.journal.disk.records import NewInputs
from qiskit_qml_ext.primitives.journal.disk.rows import (
    INPUTS,
    PARTS,
    UNREADABLE,
    DamagedRowError,
    Row,
    Table,
    insert,
    insert_many,
    read,
    remove,
    stored_row,
)


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


def inputs_of(database: sqlite3.Connection, unit: int, content: bytes) -> Row | None:
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


def input_problems(database: sqlite3.Connection, inspection: Inspection) -> list[tuple[str, int | None, str]]:
    """Read everything, and return table, unit and a sentence for each row that is not what was written."""
    wrong: list[tuple[str, int | None, str]] = []
    for table in (INPUTS, PARTS):
        for row in inspection.rows[table.name]:
            unit = row["unit"] if table is INPUTS else None
            of_unit = "a circuit or a device of some units" if unit is None else f"what unit {unit} was asked for"
            try:
                read(database, table, f"{table.key} = ?", [row[table.key]])
            except (DamagedRowError, *UNREADABLE):
                wrong.append((table.name, unit, f"The record of {of_unit} is damaged, and cannot be exported."))
    return wrong


def sound_rows(database: sqlite3.Connection, inspection: Inspection) -> Iterator[tuple[Table, Row]]:
    """Yield the rows that are what was written, of units that there are; damaged ones are left out."""
    units = {row["id"] for row in inspection.rows["units"]}
    for table in (INPUTS, PARTS):
        for row in inspection.rows[table.name]:
            if table is PARTS or row["unit"] in units:
                try:
                    sound = _sound_row(database, table, row[table.key])
                except UNREADABLE:
                    continue
                if sound is not None:
                    yield table, sound


def copy_sound(source: sqlite3.Connection, inspection: Inspection, database: sqlite3.Connection) -> None:
    """Copy what is sound into a repaired file."""
    for table, row in sound_rows(source, inspection):
        insert_many(database, table, [stored_row(table, row)])
