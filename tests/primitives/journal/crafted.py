"""Journals that nobody's program wrote: valid SQLite, with valid checksums or without."""

import io
import sqlite3
import zipfile

import numpy as np

from qiskit_qml_ext.primitives.journal.disk.rows import (
    ABOUT,
    ATTEMPTS,
    DUPLICATES,
    ITEMS,
    OWNERS,
    RESULTS,
    UNITS,
    change,
    insert,
    insert_many,
    read,
)


def sealed(table, where="1", **changes):
    """Change rows as the journal itself would."""
    return lambda database: change(database, table, where, [], **changes)


def raw(*statements):
    """Change the file with statements of SQL."""

    def run(database):
        for statement in statements:
            database.execute(statement)

    return run


def _layout(**changes):
    return sealed(UNITS, "kind = 'sampler'", layout=lambda row: [{**entry, **changes} for entry in row["layout"]])


def _swapped_positions(database):
    for unit in (1, 2):
        (count,) = database.execute("SELECT count(*) FROM items WHERE unit = ?", (unit,)).fetchone()
        change(database, ITEMS, "unit = ?", [unit], position=lambda row, last=count - 1: last - row["position"])


def _swapped_units(database):
    change(database, ITEMS, "1", [], unit=lambda row: {1: 2, 2: 1}.get(row["unit"], row["unit"]))


def _swapped_results(database):
    first, second = (read(database, RESULTS, "unit = ?", [unit])[0] for unit in (1, 2))
    database.execute("DELETE FROM results WHERE unit IN (1, 2)")
    insert(database, RESULTS, **{**first, "unit": 2})
    insert(database, RESULTS, **{**second, "unit": 1})


def _arrays_of_other_unit(database):
    other = read(database, RESULTS, "unit = 3", [])[0]
    change(database, RESULTS, "unit = 1", [], arrays=other["arrays"], metadata=other["metadata"])


def _npz(**members):
    def craft(database):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(f"{name}.npy", data)
        change(database, RESULTS, "1", [], arrays=buffer.getvalue())

    return craft


def _header(shape, dtype):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def _more_items(database):
    insert_many(database, ITEMS, [(bytes(16), 1, 0)])


def _deep(table, column, depth=100_000):
    """Text that is JSON of a depth that no reader follows, with the checksum that the journal would give it."""
    from qiskit_qml_ext.primitives.journal.disk import rows

    def craft(database):
        for found in read(database, table):
            values = rows.stored_row(table, found)
            values[list(table.columns).index(column)] = "[" * depth + "]" * depth
            database.execute(
                f"UPDATE {table.name} SET {column} = ?, seal = ? WHERE {table.key} = ?",
                (values[list(table.columns).index(column)], rows.seal(table, values), found[table.key]),
            )
        _sum_again(database)

    return craft


def _sum_again(database):
    """Give the file the sum that its rows have."""
    from qiskit_qml_ext.primitives.journal.disk import rows

    total = rows.sum_of(
        sealed for table in rows.SUMMED for (sealed,) in database.execute(f"SELECT seal FROM {table.name}")
    )
    change(database, ABOUT, "name = 'sum'", [], value=f"{total:x}")


def _wrong_type(table, column, value):
    """A value of another type than the column's, with the checksum that the journal would give it."""
    from qiskit_qml_ext.primitives.journal.disk import rows

    def craft(database):
        place = list(table.columns).index(column)
        for *values, _ in database.execute(f"{table.selection} WHERE 1").fetchall():
            key = values[0]
            values[place] = value
            database.execute(
                f"UPDATE {table.name} SET {column} = ?, seal = ? WHERE {table.key} = ?",
                (value, rows.seal(table, values), key),
            )
        _sum_again(database)

    return craft


CRAFTED = {
    # rows that contradict each other
    "positions swapped": _swapped_positions,
    "units swapped": _swapped_units,
    "results swapped": _swapped_results,
    "arrays of another unit": _arrays_of_other_unit,
    "negative positions": sealed(ITEMS, position=lambda row: -1 - row["position"]),
    "huge positions": sealed(ITEMS, position=lambda row: row["position"] + 2**62),
    "equal positions": sealed(ITEMS, position=0),
    "an item too many": _more_items,
    "items of no unit": sealed(ITEMS, unit=99),
    "items of unit 0": sealed(ITEMS, "unit = 1", unit=0),
    "attempts at no unit": sealed(ATTEMPTS, unit=2**60),
    "attempts at each other's units": sealed(ATTEMPTS, "unit IN (1, 2)", unit=lambda row: 3 - row["unit"]),
    "results of other work": sealed(RESULTS, content=bytes(10)),
    "all units of one content": sealed(UNITS, content=bytes(10)),
    "content of a wrong length": sealed(UNITS, content=b""),
    # states
    **{f"all units {state}": sealed(UNITS, state=state)
       for state in ("planned", "submitting", "submitted", "failed", "lost", "dissolved", "dond", "")},
    "submitted without a job": lambda database: (
        sealed(UNITS, state="submitted")(database), sealed(ATTEMPTS, job=None)(database)),
    "done without anything": lambda database: (
        raw("DELETE FROM results")(database), sealed(ATTEMPTS, job=None)(database)),
    "unknown kind": sealed(UNITS, kind="oracle"),
    "kinds swapped": sealed(UNITS, kind=lambda row: {"sampler": "estimator"}.get(row["kind"], "sampler")),
    # jobs
    **{f"job {job!r}": sealed(ATTEMPTS, job=job)
       for job in ("../x", "a/../../b", "/x", "x?y=1", "x#y", "%2e%2e/x", "", "a b", "x\ny", "x" * 100_000)},
    "duplicate of an impossible job": lambda database: insert(
        database, DUPLICATES, job="../../users", tag="t", executed=1, noticed=0.0),
    # layouts
    "layout of fewer shots": _layout(shots=1),
    "layout of more shots": _layout(shots=10**15),
    "layout of an enormous shape": _layout(shape=[2**40, 2**40]),
    "layout of a negative shape": _layout(shape=[-1]),
    "layout of many axes": _layout(shape=[1] * 1000),
    "layout of other rows": _layout(rows=1),
    "layout without registers": _layout(registers={}),
    "layout of other registers": _layout(registers={"data": 4}),
    "layout of enormous registers": _layout(registers={"meas": 10**12}),
    "layout of registers of text": _layout(registers={"meas": "4"}),
    "layout of nothing": sealed(UNITS, layout=[]),
    "layout of text": sealed(UNITS, layout="layout"),
    "layout of lists": sealed(UNITS, layout=[[]]),
    "layout too deep": _deep(UNITS, "layout"),
    "settings too deep": _deep(UNITS, "settings", depth=3000),
    "settings of text": sealed(UNITS, settings={"shots": "many"}),
    # numbers
    "huge numbers of items": sealed(UNITS, num_items=2**62),
    "negative executions": sealed(UNITS, executions=-1),
    "endless times": sealed(UNITS, created=float("inf"), updated=1e300),
    "endless attempts": sealed(ATTEMPTS, started=1e300, ticks=float("inf")),
    "text for a number": _wrong_type(UNITS, "executions", "many"),
    "nothing for a state": _wrong_type(UNITS, "state", None),
    "bytes for an outcome": _wrong_type(ATTEMPTS, "outcome", b"\xff\xfe"),
    "numbers for keys": raw("UPDATE items SET key = 17 WHERE unit = 7"),
    "next numbers at the end": raw("UPDATE sqlite_sequence SET seq = 9223372036854775807"),
    "next numbers of text": raw("UPDATE sqlite_sequence SET seq = 'x'"),
    # results
    "metadata of nothing": sealed(RESULTS, metadata=None),
    "metadata too deep": _deep(RESULTS, "metadata"),
    "metadata of other names": sealed(RESULTS, metadata={"names": [{"../x": {"array": "x", "bits": 4, "shape": [1]}}]}),
    "metadata NULL": raw("UPDATE results SET metadata = NULL"),
    "arrays NULL": raw("UPDATE results SET arrays = NULL"),
    "arrays of text": raw("UPDATE results SET arrays = 'x'"),
    "arrays of a bomb": _npz(p0a0=bytes(10**8)),
    "arrays of an enormous header": _npz(p0a0=_header((2**40,), "|u1")),
    "arrays of objects": _npz(p0a0=_header((1,), "|O")),
    # what the journal says of itself
    "no id": raw("DELETE FROM about WHERE name = 'id'"),
    "sum of text": sealed(ABOUT, "name = 'sum'", value="sum"),
    "other formula": sealed(ABOUT, "name = 'keys'", value="0"),
    "units without items that are none": lambda database: insert(database, ABOUT, name="detached", value="9 x"),
    "an owner for ever": lambda database: (
        sealed(UNITS, owner="x" * 10**6)(database), insert(database, OWNERS, name="x" * 10**6, beat=2**62)),
    # objects
    "a trigger": raw("CREATE TRIGGER t AFTER UPDATE ON units BEGIN DELETE FROM items; END"),
    "a view": raw("CREATE VIEW v AS SELECT * FROM units"),
    "a view for a table": raw("ALTER TABLE items RENAME TO others", "CREATE VIEW items AS SELECT * FROM others"),
    "a view without end": raw(
        "DROP TABLE owners", "CREATE VIEW owners AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i AS name, i AS beat, i AS seal FROM n"),
    "a table more": raw("CREATE TABLE more (x)"),
    "an index more": raw("CREATE INDEX more ON units (owner)"),
    "a table less": raw("DROP TABLE surplus"),
    "an index less": raw("DROP INDEX items_of_unit"),
    "a column more": raw("ALTER TABLE units ADD COLUMN more TEXT"),
    "no schema": raw("PRAGMA user_version = 0"),
    "an older schema": raw("PRAGMA user_version = 1"),
    "a newer schema": raw("PRAGMA user_version = 4"),
    "another program": raw("PRAGMA application_id = 1"),
    # without checksums
    **{f"unsealed: {statement}": raw(statement) for statement in (
        "UPDATE items SET position = 1 - position", "UPDATE items SET unit = 3 - unit WHERE unit < 3",
        "UPDATE units SET state = 'planned'", "UPDATE units SET num_items = 1", "UPDATE attempts SET job = 'x'",
        "UPDATE units SET layout = '['", "DELETE FROM items", "DELETE FROM units", "DELETE FROM attempts",
        "UPDATE units SET id = id + 1000", "UPDATE results SET unit = 1000 + unit", "UPDATE units SET seal = NULL",
        "UPDATE about SET value = 'x'", "UPDATE results SET unit = -unit")},
}  # fmt: skip


def craft(path, change_file):
    """Change a journal's file."""
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("BEGIN")
        change_file(database)
        database.execute("COMMIT")
    finally:
        database.close()
