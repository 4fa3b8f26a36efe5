"""What is sound in a journal's file: its objects, its pages, every row, and what the rows say of each other."""

import sqlite3
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.contents import (
    CONTENT_BYTES,
    KEY_BYTES,
    attempt_problem,
    duplicate_problem,
    unit_problem,
)
from qiskit_qml_ext.primitives.journal.disk.detached import DETACHED, numbers_of
from qiskit_qml_ext.primitives.journal.disk.job_times import note_problem
from qiskit_qml_ext.primitives.journal.disk.problems import (
    END,
    MEMBERS,
    NAMES,
    ORPHAN,
    ROW,
    STATE,
    SUM_OFF,
    Inspection,
    leave_causes,
)
from qiskit_qml_ext.primitives.journal.disk.queries import content_of
from qiskit_qml_ext.primitives.journal.disk.records import DISSOLVED, DONE, SUBMITTED, SUBMITTING
from qiskit_qml_ext.primitives.journal.disk.rows import (
    ABOUT,
    ATTEMPTS,
    BLOBS,
    DUPLICATES,
    INDEXES,
    INPUTS,
    ITEMS,
    RESULTS,
    SUM,
    SUMMED,
    TABLES,
    UNITS,
    UNREADABLE,
    DamagedRowError,
    Row,
    Table,
    opened,
    seal,
    sum_of,
)

_MOST_WITHDRAWN = 1_000_000  # attempts that were numbered and never sent
ABOUT_NAMES = ("id", "lineage", "file", "keys", SUM)
"""What the table *about* must say."""
_IN_ROW: dict[str, Callable[[Row], str | None]] = {
    ABOUT.name: note_problem,
    UNITS.name: unit_problem,
    ATTEMPTS.name: attempt_problem,
    DUPLICATES.name: duplicate_problem,
}


def inspected(database: sqlite3.Connection, tables: tuple[Table, ...] = TABLES) -> Inspection:
    """Check a journal's file, within one transaction; nothing is raised for damage.

    The problems are causes: what follows from a damage is not named.

    Args:
        database: The file.
        tables: The tables of its schema.
    """
    inspection = Inspection()
    try:
        note_foreign_objects(database, expected_objects(tables), inspection)
        if inspection.problems:
            return inspection  # with a view or a trigger in it nothing that is read means anything
        note_damaged_pages(database, inspection)
        for table in tables:
            read_table(database, table, inspection)
        note_numbers(database, inspection)
    except UNREADABLE as error:
        inspection.note("file", None, f"The file cannot be read: {error}.", END)
    note_names(inspection)
    note_sum(inspection)
    note_relations(inspection)
    leave_causes(inspection)
    return inspection


def objects_of(database: sqlite3.Connection) -> set[tuple[str, str, str | None]]:
    """Return type, name and statement of what a file holds."""
    rows = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {(str(kind), str(name), None if sql is None else str(sql)) for kind, name, sql in rows}


def expected_objects(tables: tuple[Table, ...] = TABLES) -> frozenset[tuple[str, str, str | None]]:
    """Return what a journal's file holds and nothing else."""
    return _objects_of_statements((*(table.definition for table in tables), *INDEXES.values()))


@cache
def _objects_of_statements(statements: tuple[str, ...]) -> frozenset[tuple[str, str, str | None]]:
    return objects_made_by(statements)


def objects_made_by(statements: Iterable[str]) -> frozenset[tuple[str, str, str | None]]:
    """Return what a file holds after these statements."""
    database = sqlite3.connect(":memory:")
    for statement in statements:
        database.execute(statement)
    objects = frozenset(objects_of(database))
    database.close()
    return objects


def note_foreign_objects(
    database: sqlite3.Connection, expected: Iterable[tuple[str, str, str | None]], inspection: Inspection
) -> None:
    """Note what a file holds beside a journal's own tables: a trigger could rewrite what is written."""
    there, wanted = objects_of(database), set(expected)
    for kind, name, _ in sorted(there - wanted, key=str):
        known = any(name == other for _, other, _ in wanted)
        sentence = "has a changed definition" if known else "does not belong to a journal"
        inspection.note("objects", None, f"The {kind} {name!r:.80} {sentence}.")
    for kind, name, _ in sorted(wanted - there, key=str):
        if not any(name == other for _, other, _ in there):
            inspection.note("objects", None, f"The {kind} {name!r} is missing.")


def note_damaged_pages(database: sqlite3.Connection, inspection: Inspection) -> None:
    """Note what SQLite itself finds wrong, also where an index says something else than its table."""
    for (sentence,) in database.execute("PRAGMA integrity_check(20)"):
        if sentence != "ok":
            inspection.note("pages", None, f"SQLite says: {' '.join(str(sentence).split())}.")


def read_table(database: sqlite3.Connection, table: Table, inspection: Inspection) -> None:
    """Read the rows of a table, and note those that are not sound."""
    try:
        if table is ITEMS:
            _read_items(database, inspection)
        elif table is RESULTS:
            _read_results(database, inspection)
        elif table in BLOBS:
            _read_keys(database, table, inspection)
        else:
            for raw in database.execute(f"{table.selection} WHERE 1"):
                take_row(table, raw, inspection)
    except UNREADABLE as error:
        inspection.note(table.name, None, f"The table {table.name} cannot be read to its end: {error}.", END)


def take_row(table: Table, raw: Any, inspection: Inspection) -> None:
    """Take a row if it is sound, else note what is wrong with it."""
    inspection.seals[table.name].append(raw[-1])
    try:
        row = opened(table, raw)
    except DamagedRowError as error:
        number = raw[0] if table is UNITS and isinstance(raw[0], int) else None
        what = "A row is damaged" if number is None else f"The record of unit {number} is damaged"
        inspection.note(table.name, number, f"{what} ({error}).", ROW)
        return
    sentence = _IN_ROW[table.name](row) if table.name in _IN_ROW else None
    if sentence is not None:
        unit = row["id"] if table is UNITS else row.get("unit")
        inspection.note(table.name, unit, f"Row {row[table.key]!r:.60} of its table {table.name} {sentence}.", ROW)
        return
    inspection.rows[table.name].append(row)


def _read_items(database: sqlite3.Connection, inspection: Inspection) -> None:
    """Read the items, which are many."""
    for raw in database.execute(f"{ITEMS.selection} WHERE 1"):
        take_item(raw, inspection)


def take_item(raw: Any, inspection: Inspection) -> None:
    """Take an item if it is sound, else note what is wrong with it; with as little work as possible."""
    key, unit, position, sealed = raw
    values = (key, unit, position)
    inspection.seals["items"].append(sealed)
    if seal(ITEMS, values) != sealed:
        inspection.note("items", None, "An item does not match its checksum.", ROW)
    elif not (isinstance(key, bytes) and isinstance(unit, int) and isinstance(position, int)):
        inspection.note("items", None, "An item has values of wrong types.", ROW)
    elif len(key) != KEY_BYTES or position < 0:
        inspection.note("items", None, "An item has an impossible key or position.", ROW)
    else:
        inspection.rows["items"].append(values)


def _read_results(database: sqlite3.Connection, inspection: Inspection) -> None:
    """Read what there is of results without the blobs: those are checked when they are used."""
    columns = "unit, content, typeof(arrays), typeof(metadata), typeof(seal), length(seal)"
    for unit, content, *kinds in database.execute(f"SELECT {columns} FROM results"):
        fits = isinstance(content, bytes) and len(content) == CONTENT_BYTES and kinds == ["blob", "text", "blob", 8]
        if fits:
            inspection.rows["results"].append({"unit": unit, "content": content})
        else:
            inspection.note("results", unit, f"The result of unit {unit} has values of wrong types.")


def _read_keys(database: sqlite3.Connection, table: Table, inspection: Inspection) -> None:
    """Read the keys of rows whose contents are checked when they are used."""
    kinds = {"whole": "integer", "bytes": "blob", "text": "text", "json": "text"}
    right = [*(kinds[kind] for kind in table.columns.values()), "blob", 8]
    columns = ", ".join([table.key, *(f"typeof({name})" for name in [*table.columns, "seal"]), "length(seal)"])
    for key, *found in database.execute(f"SELECT {columns} FROM {table.name}"):
        if found == right:
            inspection.rows[table.name].append({table.key: key})
        else:
            unit = key if table is INPUTS and isinstance(key, int) else None
            inspection.note(table.name, unit, f"A row of its table {table.name} has values of wrong types.")


def note_numbers(database: sqlite3.Connection, inspection: Inspection) -> None:
    """Note where the numbers that SQLite gives next do not follow those that were given."""
    given = dict(database.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    for table in (UNITS, ATTEMPTS):
        last = database.execute(f"SELECT max({table.key}) FROM {table.name}").fetchone()[0] or 0
        following = given.get(table.name, 0)
        if not (isinstance(following, int) and isinstance(last, int) and last <= following <= last + _MOST_WITHDRAWN):
            inspection.note(
                table.name, None, f"The last number in its table {table.name} is {last}, not {following!r:.30}."
            )


def note_names(inspection: Inspection) -> None:
    """Note what the table about does not say."""
    about = {row["name"] for row in inspection.rows["about"]}
    for name in ABOUT_NAMES:
        if name not in about:
            inspection.note("about", None, f"Its table about does not say {name!r}.", NAMES)


def note_sum(inspection: Inspection) -> None:
    """Note a file whose rows are sound one by one, but not all of the same time."""
    about = {row["name"]: row["value"] for row in inspection.rows["about"]}
    total = sum_of(sealed for table in SUMMED for sealed in inspection.seals[table.name])
    if about.get(SUM) != f"{total:x}":
        inspection.note("file", None, "Some rows are missing, or are older than others.", SUM_OFF)


def note_relations(inspection: Inspection) -> None:
    """Note what sound rows say of each other that cannot be."""
    units = {row["id"]: row for row in inspection.rows["units"]}
    about = {row["name"]: row["value"] for row in inspection.rows["about"]}
    detached = numbers_of(about.get(DETACHED, ""))
    if detached is None:
        inspection.note("about", None, "Its table about does not say which units have no items.")
        detached = set()
    for number in sorted(detached - set(units)):
        inspection.note("about", number, f"There are words about unit {number}, which does not exist.", ORPHAN)
    _note_items(inspection, units, detached)
    attempts, with_job = set(), set()
    for row in inspection.rows["attempts"]:
        attempts.add(row["unit"])
        if row["job"] is not None:
            with_job.add(row["unit"])
    for number in sorted(attempts - set(units)):
        inspection.note("attempts", number, f"There are attempts at unit {number}, which does not exist.", ORPHAN)
    results = {row["unit"]: row["content"] for row in inspection.rows["results"]}
    for number, content in results.items():
        if number not in units:
            inspection.note("results", number, f"There is a result of unit {number}, which does not exist.", ORPHAN)
        elif content != units[number]["content"]:
            inspection.note("results", number, f"The result of unit {number} is that of other work.")
        elif units[number]["state"] != DONE and number not in detached:
            inspection.note("results", number, f"Unit {number} is {units[number]['state']}, but has a result.")
    for number, row in units.items():
        sentence = _state_problem(row["state"], number in attempts, number in with_job, number in results)
        if sentence is not None:
            inspection.note("units", number, f"Unit {number} is {row['state']}, but has {sentence}.", STATE)


def _state_problem(state: str, has_attempt: bool, has_job: bool, has_result: bool) -> str | None:
    if state == DONE and not (has_result or has_job):
        return "neither a result nor a job"
    if state == SUBMITTED and not has_job:
        return "no job"
    if state == SUBMITTING and not has_attempt:
        return "no attempt"
    return None


def _note_items(inspection: Inspection, units: dict[int, Row], detached: set[int]) -> None:
    members = members_of(inspection.rows["items"])
    for number in sorted(set(members) - set(units)):
        inspection.note("items", number, f"There are items of unit {number}, which does not exist.", ORPHAN)
    for number, row in units.items():
        problem = items_problem(row, members.get(number, []), is_detached=number in detached)
        if problem is not None:
            inspection.note("items", number, f"Unit {number} {problem}.", MEMBERS)


def members_of(items: Iterable[Any]) -> dict[int, list[tuple[int, bytes]]]:
    """Return positions and keys of each unit's items."""
    members: dict[int, list[tuple[int, bytes]]] = {}
    for key, unit, position in items:
        members.setdefault(unit, []).append((position, key))
    return members


def items_problem(unit: Row, items: list[tuple[int, bytes]], *, is_detached: bool) -> str | None:
    """Return what is wrong with a unit's items, if anything is."""
    if not items and (unit["state"] == DISSOLVED or is_detached):
        return None
    if unit["state"] == DISSOLVED or is_detached or len(items) != unit["num_items"]:
        right = 0 if unit["state"] == DISSOLVED or is_detached else unit["num_items"]
        if len(items) < right:
            return f"has {len(items):,} of its {right:,} items; the others are damaged or missing"
        return f"has {len(items):,} items instead of {right:,}"
    items.sort()
    if [position for position, _ in items] != list(range(len(items))):
        return "has items at wrong positions"
    if content_of([key for _, key in items]) != unit["content"]:
        return "has other items than its content key says"
    return None
