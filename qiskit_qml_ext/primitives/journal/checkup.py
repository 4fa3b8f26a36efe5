"""The report on a journal's file: what is sound in it and what is not."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.codec import BadResultError, decode
from qiskit_qml_ext.primitives.journal.migration import FIRST_SCHEMA, inspected_first
from qiskit_qml_ext.primitives.journal.places import journal_path
from qiskit_qml_ext.primitives.journal.records import DISSOLVED
from qiskit_qml_ext.primitives.journal.rows import RESULTS, UNREADABLE, DamagedRowError, read
from qiskit_qml_ext.primitives.journal.schema import (
    check_companion,
    connected,
    explained,
    roll_back_torn,
    schema_of,
)
from qiskit_qml_ext.primitives.journal.soundness import Found, Problem, inspected, sentences


@dataclass(frozen=True)
class FileReport:
    """What is sound in a journal's file.

    Attributes:
        path: The file.
        schema: Its schema, 0 if that is not known.
        sound: The numbers of the units about which nothing is wrong.
        damaged: The numbers of the units about which something is wrong.
        problems: What is wrong.
    """

    path: Path
    schema: int
    sound: tuple[int, ...]
    damaged: tuple[int, ...]
    problems: tuple[Problem, ...]

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
        if count:
            lines[0] += f" Of {count + len(self.damaged)} units {count} are sound."
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
    found, version = _looked_through(place, timeout)
    damaged = {problem.unit for problem in found.problems if problem.unit is not None}
    units = {row["id"] for row in found.rows["units"] if row["state"] != DISSOLVED}
    return FileReport(place, version, tuple(sorted(units - damaged)), tuple(sorted(damaged)), tuple(found.problems))


def _looked_through(path: Path, timeout: float) -> tuple[Found, int]:
    version = 0
    try:
        roll_back_torn(path, timeout)
        check_companion(path, timeout)
        database = connected(path, timeout, mode="ro")
        try:
            database.execute("BEGIN")
            version = schema_of(database, path)
            if version == FIRST_SCHEMA:
                return inspected_first(database), version
            found = inspected(database)
            note_damaged_results(database, found)
            return found, version
        finally:
            database.close()
    except UNREADABLE as error:
        reason = explained(error, path)
        if "locked by" in str(reason):
            raise reason from error
        return _unreadable(str(reason)), version
    except JournalError as error:
        return _unreadable(str(error)), version


def _unreadable(sentence: str) -> Found:
    found = Found()
    found.note("file", None, sentence)
    return found


def note_damaged_results(database: sqlite3.Connection, found: Found) -> None:
    """Read every result, one after another, and note those that are not what was written."""
    layouts = {row["id"]: row["layout"] for row in found.rows["units"]}
    for number in [row["unit"] for row in found.rows["results"]]:
        sentence = result_problem(database, number, layouts.get(number))
        if sentence is not None:
            found.note("results", number, f"The result of unit {number} {sentence}.")


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
