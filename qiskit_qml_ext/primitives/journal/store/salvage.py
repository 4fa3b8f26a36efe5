"""Reading what can be read of a damaged journal: around damaged pages, and without a readable table of contents.

Nothing wrong can come of it: a row counts only if it matches its checksum.
"""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.migration import FIRST_STATEMENTS, SECOND_SCHEMA
from qiskit_qml_ext.primitives.journal.disk.problems import END, Inspection
from qiskit_qml_ext.primitives.journal.disk.rows import (
    ABOUT,
    ATTEMPTS,
    BLOBS,
    ITEMS,
    RESULTS,
    SECOND_TABLES,
    TABLES,
    UNITS,
    UNREADABLE,
    Table,
)
from qiskit_qml_ext.primitives.journal.disk.schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    connected,
    make_tables,
    schema_of,
)
from qiskit_qml_ext.primitives.journal.disk.soundness import (
    expected_objects,
    note_damaged_pages,
    note_foreign_objects,
    note_names,
    note_sum,
    objects_made_by,
    objects_of,
    read_table,
    take_item,
    take_row,
)

_MOST_NUMBERS = 200_000  # that are asked for one by one


@contextmanager
def readable(path: Path, timeout: float) -> Iterator[tuple[sqlite3.Connection, list[str]]]:
    """Open a damaged journal for reading, in the first way that shows its tables.

    Args:
        path: The file.
        timeout: How many seconds to wait for other processes' locks.

    Yields:
        A connection, and what had to be left out.

    Raises:
        JournalError: If it is not a journal, or is one of the first schema, whose rows have no checksums.
    """
    reasons = list[str]()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.repair") as folder:
        for way in ("with the file beside it", "alone", "with a new table of contents"):
            try:
                database = _opened(path, timeout, way, Path(folder) / "copy")
            except UNREADABLE as error:
                if "locked" in str(error):
                    raise
                reasons.append(f"The file could not be read {way} ({error}).")
                continue
            try:
                yield database, reasons
            finally:
                database.close()
            return
    raise JournalError(f"Nothing of {path} can be read: {' '.join(reasons)} Restore it from a backup.")


def _opened(path: Path, timeout: float, way: str, copy: Path) -> sqlite3.Connection:
    if way == "with a new table of contents":
        _write_with_new_contents(path, copy)
        path = copy
    database = connected(path, timeout, mode="ro" if way == "with the file beside it" else "immutable")
    try:
        database.execute("BEGIN")
        objects = objects_of(database)
        names = {name for kind, name, _ in objects if kind == "table"}
        if objects >= objects_made_by(FIRST_STATEMENTS):
            raise JournalError(
                f"The journal {path} is of the first schema, whose rows have no checksums, so what is damaged is not "
                "known. Restore it from a backup, or open it as it is, which brings it up to date."
            )
        if names and not names & {table.name for table in TABLES}:
            schema_of(database, path)  # another program's
        tables = tables_in(database)
        if not {(kind, name, sql) for kind, name, sql in expected_objects(tables) if kind == "table"} <= objects:
            raise sqlite3.DatabaseError("tables are missing or changed")
        for table in tables:
            database.execute(f"SELECT * FROM {table.name} LIMIT 0")
    except BaseException:
        database.close()
        raise
    return database


def tables_in(database: sqlite3.Connection) -> tuple[Table, ...]:
    """Return the tables of a file's schema, the second or the current one."""
    names = {name for kind, name, _ in objects_of(database) if kind == "table"}
    return TABLES if names & {table.name for table in TABLES[len(SECOND_TABLES) :]} else SECOND_TABLES


def _write_with_new_contents(path: Path, copy: Path) -> None:
    """Copy a file, with the first page of a new journal, in which every table begins at the same page."""
    data = bytearray(path.read_bytes())
    fresh = copy.with_name("fresh")
    database = sqlite3.connect(fresh, isolation_level=None)
    make_tables(database)
    database.close()
    first = bytearray(fresh.read_bytes())
    size = int.from_bytes(first[16:18], "big")
    data += bytes(max(0, len(first) - len(data)) + -len(data) % size)  # a file that was cut
    first[28:32] = (len(data) // size).to_bytes(4, "big")  # how many pages there are
    data[:size] = first[:size]
    copy.touch(mode=0o600)
    copy.write_bytes(data)


def salvaged(database: sqlite3.Connection) -> Inspection:
    """Read all rows that are sound, and note the others."""
    inspection, tables = Inspection(), tables_in(database)
    try:
        note_header(database, inspection, SECOND_SCHEMA if tables is SECOND_TABLES else SCHEMA_VERSION)
        note_foreign_objects(database, expected_objects(tables), inspection)
        note_damaged_pages(database, inspection)
    except UNREADABLE as error:
        inspection.note("pages", None, f"SQLite says: {error}.")
    for table in (ABOUT, UNITS, ATTEMPTS, *(table for table in tables if table not in (ABOUT, UNITS, ATTEMPTS))):
        before = len(inspection.problems)
        read_table(database, table, inspection)
        if any(problem.kind == END for problem in inspection.problems[before:]):
            _read_around(database, table, inspection)
    note_names(inspection)
    note_sum(inspection)
    return inspection


def note_header(database: sqlite3.Connection, inspection: Inspection, version: int) -> None:
    """Note a header that says that the file is something else than its tables show."""
    for name, right in (("application_id", APPLICATION_ID), ("user_version", version)):
        (value,) = database.execute(f"PRAGMA {name}").fetchone()
        if value != right:
            inspection.note("header", None, f"Its header has the {name} {value} instead of {right}.")


def _read_around(database: sqlite3.Connection, table: Table, inspection: Inspection) -> None:
    """Read a table from its end, and row by row, after a damaged page stopped the reading from its beginning."""
    seen = {_key_of(table, row) for row in inspection.rows[table.name]}
    for raw in _rows_around(database, table, inspection):
        if raw[0] in seen:
            continue
        seen.add(raw[0])
        if table is ITEMS:
            take_item(raw, inspection)
        elif table is RESULTS:
            inspection.rows["results"].append({"unit": raw[0], "content": raw[1]})
        elif table in BLOBS:
            inspection.rows[table.name].append({table.key: raw[0]})
        else:
            take_row(table, raw, inspection)


def _key_of(table: Table, row: Any) -> Any:
    return row[0] if table is ITEMS else row[table.key]


def _rows_around(database: sqlite3.Connection, table: Table, inspection: Inspection) -> Iterator[Any]:
    selection = "SELECT unit, content FROM results" if table is RESULTS else table.selection
    if table in BLOBS and table is not RESULTS:
        selection = f"SELECT {table.key} FROM {table.name}"
    yield from _until_unreadable(database, f"{selection} WHERE 1 ORDER BY {table.key} DESC")
    if table.columns[table.key] == "whole":
        for number in range(1, _last_number(inspection) + 1):
            yield from _until_unreadable(database, f"{selection} WHERE {table.key} = ?", number)
    elif table is ITEMS:
        for number in range(1, _last_number(inspection) + 1):
            by_index = "SELECT key FROM items INDEXED BY items_of_unit WHERE unit = ?"
            for (key,) in list(_until_unreadable(database, by_index, number)):
                yield from _until_unreadable(database, f"{selection} WHERE key = ?", key)


def _last_number(inspection: Inspection) -> int:
    known = [row["number"] for row in inspection.rows["attempts"]] + [row["id"] for row in inspection.rows["units"]]
    return min(max(known, default=0) + 100, _MOST_NUMBERS)


def _until_unreadable(database: sqlite3.Connection, statement: str, *values: Any) -> Iterator[Any]:
    try:
        yield from database.execute(statement, values)
    except UNREADABLE:
        return


def is_used_by_others(path: Path) -> bool:
    """Tell whether another process has a journal open, where the system can say."""
    try:
        import fcntl
    except ImportError:
        return False
    with open(path, "rb+") as file:
        try:
            # Where SQLite keeps the locks of those who read.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002, os.SEEK_SET)
        except OSError:
            return True
    return False
