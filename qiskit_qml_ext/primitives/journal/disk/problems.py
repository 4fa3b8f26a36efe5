"""What is wrong with a journal's file, in sentences: one for each damage, and none for what merely follows from it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

ROW, ORPHAN, MEMBERS, STATE = "row", "orphan", "members", "state"
END, NAMES, SUM_OFF = "end", "names", "sum"
"""Kinds of problems: a damaged row, a row of a unit that is not there, a unit whose items or whose attempts do not fit,
a table that cannot be read to its end, names that the table about lacks, and rows that are not all of one time."""


@dataclass(frozen=True)
class Problem:
    """Something in a journal's file that is not sound."""

    table: str
    """The table, or what else it is: ``"objects"``, ``"pages"``, ``"file"``."""
    unit: int | None
    """The unit that it is about, if that is known."""
    sentence: str
    """What is wrong."""
    kind: str = ""
    """What may follow from other damage, by which it is left out then."""


@dataclass
class Inspection:
    """What could be read from a journal's file."""

    rows: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """The sound rows of each table; those of *items* as (key, unit, position), those of *results* without the blobs."""
    problems: list[Problem] = field(default_factory=list)
    """What is not sound."""
    seals: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """The seals that the rows of each table carry, sound or not."""
    touched: set[int] = field(default_factory=set)
    """The numbers of the units about which something is wrong, be it as a consequence only."""

    def note(self, table: str, unit: int | None, sentence: str, kind: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(table, unit, sentence, kind))


def leave_causes(inspection: Inspection) -> None:
    """Leave out the problems that follow from others, and name the units that are hit."""
    inspection.touched |= {problem.unit for problem in inspection.problems if problem.unit is not None}
    unreadable = [problem for problem in inspection.problems if problem.table == "pages" or problem.kind == END]
    if unreadable:
        rest = [problem for problem in inspection.problems if not problem.kind and problem not in unreadable]
        inspection.problems = [*rest, _of_pages(unreadable)]
        return
    causes = [problem for problem in inspection.problems if not problem.kind]
    units = [problem for problem in inspection.problems if problem.table == "units" and problem.kind == ROW]
    without_record = {problem.unit for problem in units}
    causes += units
    for number in sorted(
        {p.unit for p in inspection.problems if p.kind == ORPHAN and p.unit is not None} - without_record
    ):
        causes.append(Problem("units", number, f"The record of unit {number} is missing."))
    causes += _of_items(inspection)
    causes += _of_attempts(inspection)
    causes += [p for p in inspection.problems if p.kind == ROW and p.table not in ("units", "items", "attempts")]
    if not any(problem.table == "about" and problem.kind == ROW for problem in inspection.problems):
        causes += [problem for problem in inspection.problems if problem.kind == NAMES]
    inspection.touched |= {problem.unit for problem in causes if problem.unit is not None}
    inspection.problems = causes or [problem for problem in inspection.problems if problem.kind == SUM_OFF]


def sentences(problems: Iterable[Problem], *, most: int) -> Iterator[str]:
    """Return what is wrong in words, the first ones."""
    shown = [problem.sentence for problem in problems]
    yield from shown[:most]
    if len(shown) > most:
        yield f"And {len(shown) - most:,} more."


def _of_pages(unreadable: list[Problem]) -> Problem:
    """Return one problem for a file that cannot be read everywhere; what is wrong with rows follows from it."""
    more = len(unreadable) - 1
    also = f" And {more:,} more of that kind." if more else ""
    return Problem("pages", None, f"Parts of the file cannot be read. {unreadable[0].sentence}{also}")


def _of_items(inspection: Inspection) -> list[Problem]:
    """Return what is wrong with items, by units where that is known."""
    units = [problem for problem in inspection.problems if problem.kind == MEMBERS]
    rows = sum(problem.kind == ROW and problem.table == "items" for problem in inspection.problems)
    if units or not rows:
        return units
    return [Problem("items", None, f"{rows:,} row{'s' * (rows != 1)} of its table items cannot be read.")]


def _of_attempts(inspection: Inspection) -> list[Problem]:
    """Return what is wrong with attempts, by units where that is known."""
    states = [problem for problem in inspection.problems if problem.kind == STATE]
    rows = [problem for problem in inspection.problems if problem.kind == ROW and problem.table == "attempts"]
    if not rows and not any(problem.kind == SUM_OFF for problem in inspection.problems):
        return states
    sound = Counter(row["unit"] for row in inspection.rows["attempts"])
    short = {problem.unit for problem in states}
    short |= {row["id"] for row in inspection.rows["units"] if row["attempts"] > sound[row["id"]]}
    named = [problem for problem in rows if problem.unit is not None]
    short -= {problem.unit for problem in named}
    said = [
        Problem("attempts", number, f"The record of a submission of unit {number} is damaged or missing.")
        for number in sorted(number for number in short if number is not None)
    ]
    return named + (said or [problem for problem in rows if problem.unit is None])
