"""Journals of earlier schemas: brought up to date in one step, after a copy was put beside them.

The first: rows had no checksums, attempts no numbers, and items' keys did not tell all work apart that is not the same:
what is in such a journal can be listed, fetched and exported, but new work does not go into it.
The second: circuits and values were not written down, so that its results can be exported, but not what was asked for.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.contents import CONTENT_BYTES
from qiskit_qml_ext.primitives.journal.disk.problems import Inspection
from qiskit_qml_ext.primitives.journal.disk.queries import content_of
from qiskit_qml_ext.primitives.journal.disk.records import DISSOLVED, DONE, SUBMITTED
from qiskit_qml_ext.primitives.journal.disk.rows import (
    ABOUT,
    ATTEMPTS,
    DUPLICATES,
    INDEXES,
    ITEMS,
    RESULTS,
    SECOND_TABLES,
    TABLES,
    UNITS,
    UNREADABLE,
    insert,
    insert_many,
)
from qiskit_qml_ext.primitives.journal.disk.soundness import (
    inspected,
    members_of,
    note_damaged_pages,
    note_foreign_objects,
    objects_made_by,
)

FIRST_SCHEMA = 1
SECOND_SCHEMA = 2
FIRST_FORMULA = "1"
"""How items' keys were made: without labels of gates, settings of the transpiler, and more."""

_FIRST_TABLES = """
CREATE TABLE units (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target TEXT NOT NULL, settings TEXT NOT NULL,
    layout TEXT NOT NULL, num_items INTEGER NOT NULL, executions INTEGER NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, owner TEXT, lease_until REAL, reason TEXT, created REAL NOT NULL,
    updated REAL NOT NULL);
CREATE TABLE items (
    key BLOB PRIMARY KEY, unit INTEGER NOT NULL REFERENCES units(id), position INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX items_of_unit ON items (unit);
CREATE INDEX units_by_state ON units (state);
CREATE TABLE attempts (
    tag TEXT PRIMARY KEY, unit INTEGER NOT NULL REFERENCES units(id), job TEXT, session TEXT, outcome TEXT NOT NULL,
    started REAL NOT NULL, submitted REAL, finished REAL, calibration TEXT, usage_seconds REAL, reason TEXT,
    checked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX attempts_of_unit ON attempts (unit);
CREATE TABLE surplus (job TEXT PRIMARY KEY, tag TEXT NOT NULL, executed INTEGER NOT NULL, noticed REAL NOT NULL);
CREATE TABLE results (unit INTEGER PRIMARY KEY REFERENCES units(id), arrays BLOB, metadata TEXT, digest BLOB);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
"""
FIRST_STATEMENTS = tuple(statement for statement in _FIRST_TABLES.split(";\n") if statement.strip())


def inspected_first(database: sqlite3.Connection) -> Inspection:
    """Check a journal of the first schema as far as that is possible without checksums."""
    inspection = Inspection()
    try:
        note_foreign_objects(database, objects_made_by(FIRST_STATEMENTS), inspection)
        if not inspection.problems:
            note_damaged_pages(database, inspection)
    except UNREADABLE as error:
        inspection.note("file", None, f"The file cannot be read: {error}.")
    return inspection


def convert(database: sqlite3.Connection, *, lineage: str, file: str) -> Inspection:
    """Turn the tables of the first schema into those of the current one, within a transaction.

    Args:
        database: The file.
        lineage: What is to tell this file from its copies.
        file: Where it lies.

    Returns:
        What was found; where it has problems, the transaction must be rolled back.
    """
    inspection = inspected_first(database)
    if inspection.problems:
        return inspection
    try:
        _convert(database, lineage=lineage, file=file)
    except (*UNREADABLE, ValueError, TypeError, RecursionError, KeyError) as error:
        inspection.note("file", None, f"It is of the first schema, and a row of it cannot be read ({error}).")
        return inspection
    return inspected(database)


def _convert(database: sqlite3.Connection, *, lineage: str, file: str) -> None:
    names = ("units", "items", "attempts", "surplus", "results", "about")
    for index in ("items_of_unit", "units_by_state", "attempts_of_unit"):
        database.execute(f"DROP INDEX {index}")
    for name in names:
        database.execute(f"ALTER TABLE {name} RENAME TO first_{name}")
    for statement in (*(table.definition for table in TABLES), *INDEXES.values()):
        database.execute(statement)
    (journal,) = database.execute("SELECT value FROM first_about WHERE name = 'id'").fetchone()
    about = {"sum": "0", "id": journal, "lineage": lineage, "file": file, "keys": FIRST_FORMULA}
    for name, value in about.items():
        insert(database, ABOUT, name=name, value=value)
    items = [tuple(row) for row in database.execute("SELECT key, unit, position FROM first_items")]
    members = members_of(items)
    contents = {unit: content_of([key for _, key in sorted(pairs)]) for unit, pairs in members.items()}
    results = {}
    for unit, arrays, metadata in _sound_results(database):
        results[unit] = contents.get(unit, bytes(CONTENT_BYTES))
        insert_many(database, RESULTS, [(unit, results[unit], arrays, metadata)])
    insert_many(database, UNITS, _units(database, contents, set(results)))
    insert_many(database, ITEMS, items)
    insert_many(database, ATTEMPTS, _attempts(database))
    duplicates = database.execute("SELECT job, tag, executed, noticed FROM first_surplus").fetchall()
    insert_many(database, DUPLICATES, duplicates)
    for name in names:
        database.execute(f"DROP TABLE first_{name}")


def _sound_results(database: sqlite3.Connection) -> Iterator[tuple[int, bytes, str]]:
    numbers = [row[0] for row in database.execute("SELECT unit FROM first_results ORDER BY unit").fetchall()]
    for number in numbers:
        arrays, metadata, digest = database.execute(
            "SELECT arrays, metadata, digest FROM first_results WHERE unit = ?", (number,)
        ).fetchone()
        if not (isinstance(arrays, bytes) and isinstance(metadata, str)):
            continue
        if hashlib.blake2b(arrays + metadata.encode("utf-8", "replace"), digest_size=16).digest() == digest:
            yield number, arrays, metadata


def _units(database: sqlite3.Connection, contents: dict[int, bytes], with_result: set[int]) -> list[list[Any]]:
    columns = "id, kind, target, settings, layout, num_items, executions, state, attempts, owner, reason, created"
    rows = []
    for row in database.execute(f"SELECT {columns}, updated FROM first_units ORDER BY id").fetchall():
        values = dict(zip([*columns.split(", "), "updated"], row, strict=True))
        json.loads(values["layout"]), json.loads(values["settings"])
        if values["state"] == DONE and values["id"] not in with_result:
            values["state"] = SUBMITTED  # its result was damaged, and is fetched again
        if values["state"] == DISSOLVED:
            values["owner"] = None
        values["content"] = contents.get(values["id"], bytes(CONTENT_BYTES))
        rows.append([values[name] for name in UNITS.columns])
    return rows


def _attempts(database: sqlite3.Connection) -> list[list[Any]]:
    columns = (
        "tag, unit, job, session, outcome, started, submitted, finished, calibration, usage_seconds, reason, checked"
    )
    rows = []
    attempts = database.execute(f"SELECT {columns} FROM first_attempts ORDER BY rowid").fetchall()
    for number, row in enumerate(attempts, start=1):
        values = dict(zip(columns.split(", "), row, strict=True))
        values |= {"number": number, "boot": "", "ticks": 0.0, "watched": int(not values["checked"])}
        rows.append([values[name] for name in ATTEMPTS.columns])
    return rows


def inspected_second(database: sqlite3.Connection) -> Inspection:
    """Check a journal of the second schema, which is the current one without what was asked for."""
    return inspected(database, SECOND_TABLES)


def convert_second(database: sqlite3.Connection) -> Inspection:
    """Add the tables that the second schema lacks, within a transaction.

    Returns:
        What was found; where it has problems, the transaction must be rolled back.
    """
    inspection = inspected_second(database)
    if not inspection.problems:
        for table in TABLES[len(SECOND_TABLES) :]:
            database.execute(table.definition)
    return inspection


def copy_beside(path: Path, version: int) -> Path:
    """Return a free name beside a journal for a copy of it as it was."""
    copy = path.with_name(f"{path.name}.schema{version}")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.schema{version}-{number}")
    return copy
