"""The journal's rows: each carries a seal, a checksum of its content with its key, checked whenever it is read.

A damaged row is never taken for data, and never for another row's: the seal covers the name of the table, the key and
every column. And the file is in one state, not a mixture of several: the sum of the seals stands in the table *about*,
so that rows that are missing or older than others are noticed too (as when the file beside the journal is damaged,
or is that of another copy). It protects from damage, not from somebody who writes the file.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_SEAL_BYTES = 8
_TYPES: dict[str, tuple[type, ...]] = {
    "whole": (int,),
    "whole?": (int, type(None)),
    "number": (float, int),
    "number?": (float, int, type(None)),
    "text": (str,),
    "text?": (str, type(None)),
    "json": (str,),
    "bytes": (bytes,),
}


UNREADABLE = (sqlite3.Error, UnicodeError, OverflowError, MemoryError)
"""What reading a damaged file can raise; SQLite's own messages may hold bytes that are no text."""


class DamagedRowError(ValueError):
    """A row is not what was written."""


@dataclass(frozen=True)
class Table:
    """A table of the journal."""

    name: str
    """Its name."""
    columns: dict[str, str]
    """Its columns with the kinds of their values, without the seal; the first is its key."""
    numbered: bool = False
    """Whether the key is given by the file, in ascending order and never again."""

    @property
    def key(self) -> str:
        """The column of its key."""
        return next(iter(self.columns))

    @property
    def selection(self) -> str:
        """The beginning of a statement that reads rows."""
        return f"SELECT {', '.join(self.columns)}, seal FROM {self.name}"

    @property
    def definition(self) -> str:
        """The statement that makes the table."""
        words = {"whole": "INTEGER", "number": "REAL", "text": "TEXT", "json": "TEXT", "bytes": "BLOB"}
        parts = []
        for place, (name, kind) in enumerate(self.columns.items()):
            word = words[kind.rstrip("?")]
            if place == 0:
                word += f" PRIMARY KEY{' AUTOINCREMENT' if self.numbered else ''}"
            parts.append(f"{name} {word}")
        body = ", ".join([*parts, "seal BLOB"])
        has_number = self.columns[self.key] == "whole"
        return f"CREATE TABLE {self.name} ({body}){'' if has_number else ' WITHOUT ROWID'}"


ABOUT = Table("about", {"name": "text", "value": "text"})
UNITS = Table(
    "units",
    {
        "id": "whole",
        "kind": "text",
        "target": "text",
        "settings": "json",
        "layout": "json",
        "content": "bytes",
        "num_items": "whole",
        "executions": "whole",
        "state": "text",
        "attempts": "whole",
        "owner": "text?",
        "reason": "text?",
        "created": "number",
        "updated": "number",
    },
    numbered=True,
)
ITEMS = Table("items", {"key": "bytes", "unit": "whole", "position": "whole"})
ATTEMPTS = Table(
    "attempts",
    {
        "number": "whole",
        "tag": "text",
        "unit": "whole",
        "job": "text?",
        "session": "text?",
        "outcome": "text",
        "boot": "text",
        "ticks": "number",
        "started": "number",
        "submitted": "number?",
        "finished": "number?",
        "calibration": "text?",
        "usage_seconds": "number?",
        "reason": "text?",
        "watched": "whole",
    },
    numbered=True,
)
RESULTS = Table("results", {"unit": "whole", "content": "bytes", "arrays": "bytes", "metadata": "json"})
# A row's seal covers the name of its table: under another name, the rows of files that there are would be damaged.
DUPLICATES = Table("surplus", {"job": "text", "tag": "text", "executed": "whole", "noticed": "number"})
OWNERS = Table("owners", {"name": "text", "beat": "whole"})
INPUTS = Table("inputs", {"unit": "whole", "content": "bytes", "arrays": "bytes", "about": "json"})
"""What was asked for, in words that others understand: circuits, values, observables; for an export."""
PARTS = Table("parts", {"key": "bytes", "kind": "text", "content": "bytes"})
"""What many units share: circuits, connections, what devices reported; each once."""
SECOND_TABLES = (ABOUT, UNITS, ITEMS, ATTEMPTS, RESULTS, DUPLICATES, OWNERS)
"""The tables of the second schema."""
TABLES = (*SECOND_TABLES, INPUTS, PARTS)
BLOBS = (RESULTS, INPUTS, PARTS)
"""The tables whose contents are large, and are checked when they are used, not when the file is opened."""
SUMMED = (UNITS, ITEMS, ATTEMPTS, DUPLICATES)
"""The tables whose seals are added up. A result that is missing is fetched again; owners give signs of life again."""
SUM = "sum"
"""The name in *about* of the sum of all seals of these tables."""

INDEXES = {
    "items_of_unit": "CREATE INDEX items_of_unit ON items (unit)",
    "units_by_state": "CREATE INDEX units_by_state ON units (state)",
    "attempts_of_unit": "CREATE INDEX attempts_of_unit ON attempts (unit)",
    "attempts_by_tag": "CREATE UNIQUE INDEX attempts_by_tag ON attempts (tag)",
}

Row = dict[str, Any]


def seal(table: Table, values: Sequence[Any]) -> bytes:
    """Return the checksum of a row.

    Args:
        table: Its table.
        values: Its values in the order of the columns.
    """
    short = [_digest(value) if isinstance(value, bytes) and len(value) > 64 else value for value in values]
    return hashlib.blake2b(repr((table.name, short)).encode(), digest_size=_SEAL_BYTES).digest()


def opened(table: Table, row: Sequence[Any]) -> Row:
    """Return a row of ``table.selection`` by columns, with JSON read.

    Raises:
        DamagedRowError: If it does not match its seal, or holds what no row of this table can hold.
    """
    *values, sealed = row
    if sealed != seal(table, values):
        raise DamagedRowError(f"row {_shown(values[0])} of its table {table.name} does not match its checksum")
    fields = dict[str, Any]()
    for (name, kind), value in zip(table.columns.items(), values, strict=True):
        if not isinstance(value, _TYPES[kind]):
            raise DamagedRowError(
                f"row {_shown(values[0])} of its table {table.name} has {_shown(value)} for {name}, which must be a "
                f"{kind.rstrip('?')}"
            )
        fields[name] = value
        if kind == "json":
            try:
                fields[name] = json.loads(str(value))
            except (ValueError, RecursionError, MemoryError) as error:
                raise DamagedRowError(
                    f"row {_shown(values[0])} of its table {table.name} has no JSON: {name}"
                ) from error
    return fields


def read(database: sqlite3.Connection, table: Table, where: str = "1", values: Iterable[Any] = ()) -> list[Row]:
    """Return rows, each checked.

    Args:
        database: The file.
        table: The table.
        where: What follows WHERE in the statement, with an order if it matters.
        values: The values of its question marks.

    Raises:
        DamagedRowError: If one of them is damaged.
    """
    return [opened(table, row) for row in _raw(database, table, where, values)]


def insert(database: sqlite3.Connection, table: Table, **values: Any) -> int:
    """Write a row with its seal, and return its number where the file gives one."""
    names = [name for name in table.columns if not (table.numbered and name == table.key)]
    stored = [_stored(table, name, values[name]) for name in names]
    if not table.numbered:
        insert_many(database, table, [stored])
        return 0
    statement = f"INSERT INTO {table.name} ({', '.join(names)}, seal) VALUES ({marks([*names, 0])})"
    number = int(database.execute(statement, [*stored, b""]).lastrowid or 0)
    sealed = seal(table, [number, *stored])
    database.execute(f"UPDATE {table.name} SET seal = ? WHERE {table.key} = ?", (sealed, number))
    _add_up(database, table, [sealed])
    return number


def insert_many(database: sqlite3.Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows with their seals; their values are given in the order of the columns."""
    statement = f"INSERT INTO {table.name} VALUES ({marks([*table.columns, 0])})"
    sealed = [[*row, seal(table, row)] for row in rows]
    database.executemany(statement, sealed)
    _add_up(database, table, [row[-1] for row in sealed])


def change(database: sqlite3.Connection, table: Table, where: str, values: Iterable[Any], /, **changes: Any) -> int:
    """Change rows, after they were checked, and seal them again.

    Args:
        database: The file, within a transaction.
        table: The table.
        where: What follows WHERE in the statement that finds the rows.
        values: The values of its question marks.
        **changes: The new values of columns; a function gets the row.

    Returns:
        How many rows were changed.
    """
    seals = list[bytes]()
    rows = _raw(database, table, where, values)
    for raw in rows:
        row = opened(table, raw)
        new = {**row, **{name: change(row) if callable(change) else change for name, change in changes.items()}}
        stored = stored_row(table, new)
        assigned = ", ".join(f"{name} = ?" for name in [*table.columns, "seal"])
        sealed = seal(table, stored)
        database.execute(f"UPDATE {table.name} SET {assigned} WHERE {table.key} = ?", [*stored, sealed, row[table.key]])
        seals += [raw[-1], sealed]
    _add_up(database, table, seals)
    return len(rows)


def remove(database: sqlite3.Connection, table: Table, where: str, values: Sequence[Any]) -> None:
    """Delete rows, damaged ones too.

    Args:
        database: The file, within a transaction.
        table: The table.
        where: What follows WHERE in the statement that finds the rows.
        values: The values of its question marks.
    """
    seals = [row[0] for row in database.execute(f"SELECT seal FROM {table.name} WHERE {where}", values)]
    database.execute(f"DELETE FROM {table.name} WHERE {where}", values)
    _add_up(database, table, seals)


def sum_of(seals: Iterable[Any]) -> int:
    """Add up seals so that their order does not matter, and that what is added twice is as if it never was."""
    total = 0
    for sealed in seals:
        if isinstance(sealed, bytes):
            total ^= int.from_bytes(sealed, "big")
    return total


def _add_up(database: sqlite3.Connection, table: Table, seals: Sequence[bytes]) -> None:
    """Bring the sum of all seals up to date; one that is removed is added once more."""
    if table not in SUMMED or not seals:
        return
    known = read(database, ABOUT, "name = ?", [SUM])
    if not known:
        insert(database, ABOUT, name=SUM, value=f"{sum_of(seals):x}")
        return
    try:
        total = int(known[0]["value"], 16)
    except ValueError as error:
        raise DamagedRowError("the sum of its checksums is not a number") from error
    stored = [SUM, f"{total ^ sum_of(seals):x}"]
    database.execute("UPDATE about SET value = ?, seal = ? WHERE name = ?", [stored[1], seal(ABOUT, stored), SUM])


def _raw(database: sqlite3.Connection, table: Table, where: str, values: Iterable[Any]) -> list[Sequence[Any]]:
    try:
        return database.execute(f"{table.selection} WHERE {where}", list(values)).fetchall()
    except (OverflowError, MemoryError, UnicodeError) as error:
        raise DamagedRowError(f"its table {table.name} cannot be read ({type(error).__name__}: {error})") from error


def stored_row(table: Table, row: Row) -> list[Any]:
    """Return the values of a row as they are written, in the order of the columns."""
    return [_stored(table, name, row[name]) for name in table.columns]


def _stored(table: Table, name: str, value: Any) -> Any:
    kind = table.columns[name]
    if kind == "json":
        return json.dumps(value)
    if kind.rstrip("?") == "number" and value is not None:
        return float(value)
    return int(value) if isinstance(value, bool) else value


def marks(values: Sequence[Any]) -> str:
    """Return as many question marks as there are values."""
    return ",".join("?" * len(values))


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()


def _shown(value: Any) -> str:
    text = value.hex() if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
