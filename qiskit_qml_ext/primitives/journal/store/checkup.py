"""The report on a journal's file: what is sound in it and what is not."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.migration import FIRST_SCHEMA
from qiskit_qml_ext.primitives.journal.disk.places import EMPTY, journal_path
from qiskit_qml_ext.primitives.journal.disk.problems import END, Inspection, Problem, sentences
from qiskit_qml_ext.primitives.journal.disk.records import DISSOLVED, DONE
from qiskit_qml_ext.primitives.journal.disk.rows import (
    INPUTS,
    PARTS,
    RESULTS,
    UNREADABLE,
    DamagedRowError,
    Row,
    Table,
    insert_many,
    read,
    stored_row,
)
from qiskit_qml_ext.primitives.journal.disk.schema import (
    check_companion,
    connected,
    explained,
    inspector_of,
    is_locked,
    roll_back_torn,
    schema_of,
)
from qiskit_qml_ext.primitives.journal.work.codec import BadResultError, decode


@dataclass(frozen=True)
class FileReport:
    """What is sound in a journal's file."""

    path: Path
    """The file."""
    schema: int
    """Its schema, 0 if that is not known."""
    sound: tuple[int, ...]
    """The numbers of the units about which nothing is wrong."""
    damaged: tuple[int, ...]
    """The numbers of the units about which something is wrong."""
    problems: tuple[Problem, ...]
    """What is wrong."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def summary(self) -> str:
        """Return the report as text, a line for each problem."""
        count = len(self.sound)
        if self.is_sound:
            return f"The journal {self.path} is sound: {count} unit{'s' * (count != 1)}."
        lines = [f"The journal {self.path} is damaged."]
        if count or self.damaged:
            lines[0] += f" Of {count + len(self.damaged)} units {count} are sound{_but(self.damaged)}."
        lines += [f"  {sentence}" for sentence in sentences(self.problems, most=50)]
        return "\n".join(lines)


def check_journal(path: str | os.PathLike[str], *, timeout: float = 30.0) -> FileReport:
    """Look through a journal's file, the results included; nothing is written, and nothing is raised for damage.

    Args:
        path: The file.
        timeout: How many seconds to wait for other processes' locks.

    Raises:
        JournalError: If there is no such file, it is not a journal, or it is locked.
    """
    place = journal_path(path)
    if not place.is_file():
        raise JournalError(f"There is no journal {place}.")
    inspection, version = _looked_through(place, timeout)
    damaged = inspection.touched
    units = {row["id"] for row in inspection.rows["units"] if row["state"] != DISSOLVED}
    return FileReport(
        place, version, tuple(sorted(units - damaged)), tuple(sorted(damaged)), tuple(inspection.problems)
    )


def _but(numbers: tuple[int, ...]) -> str:
    if not numbers:
        return ""
    more = f" and {len(numbers) - 20:,} more" if len(numbers) > 20 else ""
    return f", but not {', '.join(map(str, numbers[:20]))}{more}"


def _looked_through(path: Path, timeout: float) -> tuple[Inspection, int]:
    version = 0
    if not path.stat().st_size:
        return _unreadable(EMPTY), version
    try:
        roll_back_torn(path, timeout)
        check_companion(path, timeout)
        database = connected(path, timeout, mode="ro")
        try:
            database.execute("BEGIN")
            version = schema_of(database, path)
            inspection = inspector_of(version)(database)
            if version == FIRST_SCHEMA:
                return inspection, version
            for table, unit, sentence in input_problems(database, inspection):
                inspection.note(table, unit, sentence)
                inspection.touched |= set() if unit is None else {unit}
            for number, sentence in result_problems(database, inspection).items():
                inspection.note("results", number, sentence)
                inspection.touched.add(number)
            return inspection, version
        finally:
            database.close()
    except UNREADABLE as error:
        if is_locked(error):
            raise explained(error, path) from error
        text = " ".join(str(error).split())
        if "not a database" in text:
            return _unreadable(f"It is damaged or not a journal ({text})."), version
        return _unreadable(f"It cannot be read: {text}."), version
    except JournalError as error:
        return _unreadable(str(error)), version


def _unreadable(sentence: str) -> Inspection:
    inspection = Inspection()
    inspection.note("file", None, sentence)
    return inspection


def result_problems(database: sqlite3.Connection, inspection: Inspection) -> dict[int, str]:
    """Read every result, one after another, and say of each that is missing or not what was written what is wrong.

    Args:
        database: The file.
        inspection: What was found in its other tables.
    """
    units = {row["id"]: row for row in inspection.rows["units"]}
    wrong = dict[int, str]()
    for row in inspection.rows["results"]:
        unit = units.get(row["unit"])
        problem = result_problem(database, row["unit"], unit and unit["layout"])
        if problem is not None:
            wrong[row["unit"]] = f"The result of unit {row['unit']} {problem}."
    known = {row["unit"] for row in inspection.rows["results"]}
    named = {problem.unit for problem in inspection.problems if problem.table in ("results", "units")}
    if any(problem.table == "pages" or problem.kind == END for problem in inspection.problems):
        return wrong  # which results are missing is not known
    for number, unit in units.items():
        if unit["state"] == DONE and number not in known | named:
            wrong[number] = (
                f"The result of unit {number} is missing. The next run fetches it again, or, on a simulator of this "
                "machine, runs it again."
            )
    return wrong


def result_problem(database: sqlite3.Connection, unit: int, layout: object) -> str | None:
    """Return what is wrong with a stored result, if anything is."""
    try:
        (row,) = read(database, RESULTS, "unit = ?", [unit])
        if isinstance(layout, list) and layout:
            decode(row["arrays"], row["metadata"], layout)
    except DamagedRowError:
        return "does not match its checksum"
    except BadResultError as error:
        return f"is not what its unit can have ({error})"
    except (*UNREADABLE, ValueError) as error:  # no such row any more is a ValueError
        return f"cannot be read ({' '.join(str(error).split()) or type(error).__name__})"
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
                    yield from ((table, one) for one in read(database, table, f"{table.key} = ?", [row[table.key]]))
                except (DamagedRowError, *UNREADABLE):
                    continue


def copy_sound(source: sqlite3.Connection, inspection: Inspection, database: sqlite3.Connection) -> None:
    """Copy what is sound into a repaired file."""
    for table, row in sound_rows(source, inspection):
        insert_many(database, table, [stored_row(table, row)])
