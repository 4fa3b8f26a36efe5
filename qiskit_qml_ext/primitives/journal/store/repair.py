"""Repairing a journal: a new file with all that is sound in the old one, which is kept.

What may have been paid for never becomes work that is merely planned. A unit whose items were damaged keeps its jobs
and its result, and is found again by the content key of its work (detached.py). One whose job is not known any more is
looked for on the service by its content's tag. Where not even the content is known, the attempts are struck out, so
that their jobs are met on the service as jobs that the file does not know.
"""

import os
import re
import shutil
import sqlite3
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.contents import FREE
from qiskit_qml_ext.primitives.journal.disk.detached import DETACHED, numbers_of, write_detached
from qiskit_qml_ext.primitives.journal.disk.migration import FIRST_FORMULA
from qiskit_qml_ext.primitives.journal.disk.moments import moment
from qiskit_qml_ext.primitives.journal.disk.places import EMPTY, journal_path
from qiskit_qml_ext.primitives.journal.disk.problems import END, STATE, Inspection, Problem, leave_causes, sentences
from qiskit_qml_ext.primitives.journal.disk.queries import content_of
from qiskit_qml_ext.primitives.journal.disk.records import DISSOLVED, DONE, LOST, SUBMITTED, SUBMITTING, says_local
from qiskit_qml_ext.primitives.journal.disk.rows import (
    ABOUT,
    ATTEMPTS,
    DUPLICATES,
    ITEMS,
    RESULTS,
    SUM,
    UNITS,
    UNREADABLE,
    Row,
    change,
    insert,
    insert_many,
    read,
    stored_row,
)
from qiskit_qml_ext.primitives.journal.disk.schema import (
    KEYS_FORMULA,
    check_companion,
    explained,
    make_tables,
    roll_back_torn,
)
from qiskit_qml_ext.primitives.journal.disk.soundness import (
    inspected,
    items_problem,
    members_of,
    note_numbers,
    note_relations,
)
from qiskit_qml_ext.primitives.journal.store.checkup import copy_sound, input_problems, result_problems
from qiskit_qml_ext.primitives.journal.store.salvage import is_used_by_others, readable, salvaged
from qiskit_qml_ext.primitives.journal.store.tags import content_tag, is_local

_LOCAL = "On a simulator of this machine it is run again."
_SEARCH = f"The next run looks for it by its tag. {_LOCAL}"
_AGAIN = f"It is fetched again from its job. {_LOCAL}"


@dataclass(frozen=True)
class RepairReport:
    """What a repair kept."""

    path: Path
    """The journal."""
    damaged: Path | None
    """The damaged file, kept under another name; ``None`` if nothing was wrong and nothing was done."""
    kept: int
    """How many units are in the journal now."""
    results: int
    """How many of them have their results."""
    problems: tuple[str, ...]
    """What was wrong, in sentences."""
    changes: tuple[str, ...]
    """What became of the units that it was about."""

    def summary(self) -> str:
        """Return the report as text."""
        if self.damaged is None:
            return f"The journal {self.path} is sound; nothing was changed."
        lines = [f"The damaged file was kept as {self.damaged}.", "What was wrong:"]
        lines += [f"  {sentence}" for sentence in self.problems]
        lines += [f"Kept in {self.path}: {self.kept} units, {self.results} with their results."]
        lines += [f"  {sentence}" for sentence in self.changes]
        return "\n".join(lines)


@dataclass
class _Mended:
    """The rows of the new file."""

    units: dict[int, Row]
    members: dict[int, list[tuple[int, bytes]]]
    attempts: list[Row]
    results: set[int]
    detached: set[int] = field(default_factory=set)
    searched: set[int] = field(default_factory=set)
    changes: list[str] = field(default_factory=list)


def repair_journal(path: str | os.PathLike[str], *, timeout: float = 30.0) -> RepairReport:
    """Write a new file with what is sound in a damaged journal, and keep the old one beside it. Works offline.

    Args:
        path: The file; no program may use it meanwhile, this one included.
        timeout: How many seconds to wait for other processes' locks.

    Raises:
        JournalError: If there is no such file, it is in use, it is not a journal, or nothing of it can be read.
    """
    place = journal_path(path)
    if not place.is_file():
        raise JournalError(f"There is no journal {place}.")
    if not place.stat().st_size:
        raise JournalError(f"There is nothing to repair in {place}. {EMPTY}")
    try:
        if is_used_by_others(place):
            raise JournalError(f"The journal {place} is used by a running program. Stop that program first.")
        roll_back_torn(place, timeout)
        check_companion(place, timeout)
        new = place.with_name(f".{place.name}.repaired")
        with readable(place, timeout) as (database, reasons):
            inspection = salvaged(database)
            if not any(inspection.rows.values()):
                raise JournalError(f"Nothing of {place} can be read. It was left as it is. Restore it from a backup.")
            bad = _bad_results(database, inspection)
            causes = _causes(database, inspection)
            causes += [Problem(*problem) for problem in input_problems(database, inspection)]
            if not (reasons or causes or bad):
                return RepairReport(place, None, len(inspection.rows["units"]), len(inspection.rows["results"]), (), ())
            mended = _mended(inspection, bad)
            _write(database, new, inspection, mended)
        damaged = _exchange(place, new)
    except UNREADABLE as error:
        raise explained(error, place) from error
    except OSError as error:
        raise JournalError(f"The journal {place} cannot be repaired: {error.strerror}. Nothing was changed.") from error
    finally:
        for ending in ("", "-journal"):
            with suppress(OSError):
                place.with_name(f".{place.name}.repaired{ending}").unlink(missing_ok=True)
    problems = _sentences(reasons, causes, bad)
    shown = [row for row in mended.units.values() if row["state"] != DISSOLVED]
    return RepairReport(place, damaged, len(shown), len(mended.results), problems, tuple(mended.changes))


def _bad_results(database: sqlite3.Connection, inspection: Inspection) -> dict[int, str]:
    """Read every result, and return what is wrong with those that are not sound or not there."""
    bad = result_problems(database, inspection)
    contents = {row["id"]: row["content"] for row in inspection.rows["units"]}
    for row in inspection.rows["results"]:
        number = row["unit"]
        if contents.get(number, row["content"]) != row["content"]:
            bad.setdefault(number, f"The result of unit {number} is that of other work.")
    return bad


def _causes(database: sqlite3.Connection, inspection: Inspection) -> list[Problem]:
    """Return what is wrong, as a check says it: with what sound rows say of each other, and without consequences."""
    whole = Inspection(inspection.rows, list(inspection.problems), inspection.seals)
    try:
        note_numbers(database, whole)
    except UNREADABLE as error:
        whole.note("file", None, f"The file cannot be read: {error}.", END)
    note_relations(whole)
    leave_causes(whole)
    return whole.problems


def _sentences(reasons: list[str], causes: list[Problem], bad: dict[int, str]) -> tuple[str, ...]:
    """Return what was wrong, each damage once."""
    has_pages = any(problem.table == "pages" for problem in causes)  # that is why ways of reading failed
    told = {problem.unit for problem in causes if problem.table == "results" or problem.kind == STATE}
    results = [sentence for number, sentence in bad.items() if number not in told]
    return (*([] if has_pages else reasons[:1]), *sentences(causes, most=50), *results)


def _mended(inspection: Inspection, bad: dict[int, str]) -> _Mended:
    units = {row["id"]: {**row, "owner": None} for row in inspection.rows["units"]}
    contents = {row["unit"]: row["content"] for row in inspection.rows["results"] if row["unit"] not in bad}
    mended = _Mended(units, members_of(inspection.rows["items"]), list(inspection.rows["attempts"]), set(contents))
    about = {row["name"]: row["value"] for row in inspection.rows["about"]}
    before = (numbers_of(about.get(DETACHED, "")) or set()) & set(units)
    items_are_whole = not any(problem.table in ("items", "pages", "file") for problem in inspection.problems)
    lost = {*mended.members, *mended.results, *(row["unit"] for row in mended.attempts)} - set(units)
    for number in sorted(lost):
        content = contents.get(number)
        members = sorted(mended.members.pop(number, []))
        if content is None and items_are_whole and [place for place, _ in members] == list(range(len(members))):
            content = content_of([key for _, key in members]) if members else None
        _replace_unit(mended, number, content)
    for number, row in units.items():
        if number not in lost:
            state = row["state"]
            _mend_state(mended, row)
            _mend_items(mended, row, was=state, is_detached=number in before)
    tries = Counter(row["unit"] for row in mended.attempts)
    for number, row in units.items():
        row["attempts"] = min(row["attempts"], tries[number])
    if any(problem.table in (DUPLICATES.name, "pages", "file") for problem in inspection.problems):
        now = moment()
        anew = {"watched": 1, "boot": now.boot, "ticks": now.ticks}
        here = {number for number, row in mended.units.items() if says_local(row["settings"])}
        mended.attempts = [
            row
            if row["unit"] in here or is_local(row["tag"], row["job"], watched=bool(row["watched"]))
            else {**row, **anew}
            for row in mended.attempts
        ]
    if any(problem.table == "file" for problem in inspection.problems):
        mended.changes.append("Jobs that the journal does not know are looked for on the service at the next run.")
    return mended


def _replace_unit(mended: _Mended, number: int, content: bytes | None) -> None:
    """Put something in the place of a unit whose own row is damaged."""
    jobs = [row["job"] for row in mended.attempts if row["unit"] == number and row["job"]]
    named = f" Its jobs: {', '.join(jobs)}." if jobs else ""
    is_known = any(row["content"] == content for row in mended.units.values() if row["state"] != DISSOLVED)
    if content is None or is_known:
        mended.attempts = [row for row in mended.attempts if row["unit"] != number]
        mended.results.discard(number)
        mended.changes.append(
            f"Unit {number} is lost: its record is damaged, and what its work was is not known. If the service has "
            f"jobs of it, the next run finds them by their tags.{named}"
        )
        return
    tries = sum(row["unit"] == number for row in mended.attempts)
    state = DONE if number in mended.results else LOST
    mended.units[number] = {
        "id": number, "kind": "sampler", "target": "", "settings": {}, "layout": [], "content": content, "num_items": 0,
        "executions": 0, "state": state, "attempts": tries, "owner": None, "created": 0.0, "updated": 0.0,
        "reason": "Its record was damaged. Run the program that asked for it again, which knows the rest.",
    }  # fmt: skip
    mended.detached.add(number)
    mended.changes.append(
        f"Unit {number}: its record is damaged. It gets its jobs{' and its result' * (number in mended.results)} back "
        f"when the program that asked for it is run again.{named}"
    )


def _mend_state(mended: _Mended, row: Row) -> None:
    """Set a unit's state to what its result and its attempts say, where it says something else."""
    number, state = row["id"], row["state"]
    mine = [attempt for attempt in mended.attempts if attempt["unit"] == number]
    is_open = any(attempt["outcome"] == "open" for attempt in mine)
    has_job = any(attempt["job"] is not None for attempt in mine)
    if state == DISSOLVED:
        mended.results.discard(number)
    elif not row["num_items"]:  # an earlier repair did not know more
        row["state"] = DONE if number in mended.results else LOST
    elif number in mended.results:
        row["state"] = DONE
    elif state in FREE and is_open:
        row["state"] = SUBMITTED if has_job else SUBMITTING
    elif state in (DONE, SUBMITTED) and has_job:
        row["state"] = SUBMITTED
        if state == DONE:
            mended.changes.append(f"Unit {number}: its result is damaged or missing. {_AGAIN}")
    elif state in (DONE, SUBMITTED) or (state == SUBMITTING and not mine):
        row["state"] = SUBMITTING
        mended.searched.add(number)


def _mend_items(mended: _Mended, row: Row, *, was: str, is_detached: bool) -> None:
    """Take the items from a unit that has not all of them any more."""
    number = row["id"]
    problem = items_problem(row, mended.members.get(number, []), is_detached=is_detached)
    if problem is None:
        mended.detached |= {number} if is_detached else set()
        if number in mended.searched:
            mended.changes.append(f"Unit {number}: its job is not known any more. {_SEARCH}")
        return
    mended.members.pop(number, None)
    if row["state"] == DISSOLVED:
        return
    if row["state"] in FREE:
        row["state"] = DISSOLVED
        mended.changes.append(f"Unit {number}: its items are damaged. It was not under way, and is planned anew.")
        return
    mended.detached.add(number)
    if number in mended.searched:
        mended.changes.append(
            f"Unit {number} (was {was}): neither its items nor its job are known any more. Run the program that asked "
            f"for it again with the same policy. {_SEARCH}"
        )
        return
    mended.changes.append(
        f"Unit {number} ({was}, {row['num_items']:,} circuits): its items are damaged. Run the program that "
        "asked for it again with the same policy: work that is cut into the same units is recognised and not run again."
    )


def _write(source: sqlite3.Connection, new: Path, inspection: Inspection, mended: _Mended) -> None:
    """Write the new file, and check it."""
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    database = sqlite3.connect(new, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN")
        make_tables(database)
        journal = _write_about(database, inspection, mended)
        insert_many(database, UNITS, [stored_row(UNITS, row) for _, row in sorted(mended.units.items())])
        for unit, pairs in mended.members.items():
            insert_many(database, ITEMS, [(key, unit, place) for place, key in pairs])
        attempts = sorted(mended.attempts, key=lambda row: int(row["number"]))
        insert_many(database, ATTEMPTS, [stored_row(ATTEMPTS, row) for row in attempts])
        insert_many(database, DUPLICATES, [stored_row(DUPLICATES, row) for row in inspection.rows[DUPLICATES.name]])
        for number in sorted(mended.searched):
            _insert_search(database, mended.units[number], f"qmlx-{journal}")
        for number in sorted(mended.results):
            (row,) = read(source, RESULTS, "unit = ?", [number])
            insert_many(database, RESULTS, [stored_row(RESULTS, row)])
        copy_sound(source, inspection, database)
        write_detached(database, mended.detached)
        database.execute("COMMIT")
        problems = inspected(database).problems
        if problems:
            raise JournalError(f"The journal cannot be repaired: {' '.join(sentences(problems, most=3))}")
    finally:
        database.close()


def _write_about(database: sqlite3.Connection, inspection: Inspection, mended: _Mended) -> str:
    """Write what the journal says of itself, and return its id."""
    about = {row["name"]: row["value"] for row in inspection.rows["about"] if row["name"] not in (SUM, DETACHED)}
    if "id" not in about:
        ids = Counter(match.group(1) for row in mended.attempts if (match := re.match(r"qmlx-(\w+)-", row["tag"])))
        about["id"] = ids.most_common(1)[0][0] if ids else uuid.uuid4().hex[:10]
        if not ids:
            mended.changes.append("The journal's id is lost: jobs of it can be found on the service by their ids only.")
    # Attempts of a journal that was of the first schema have no moment; its keys are of the first formula.
    is_first = any(row["boot"] == "" for row in mended.attempts)
    rest = {"lineage": uuid.uuid4().hex[:4], "file": "", "keys": FIRST_FORMULA if is_first else str(KEYS_FORMULA)}
    for name, value in {**rest, **about}.items():
        insert(database, ABOUT, name=name, value=value)
    return str(about["id"])


def _insert_search(database: sqlite3.Connection, unit: Row, journal: str) -> None:
    """Begin an attempt with the tag of a unit's content, by which the next run finds the unit's job on the service."""
    tag = content_tag(journal, unit["content"])
    if read(database, ATTEMPTS, "tag = ?", [tag]):
        reason = "Its job is not known any more; look for it on the service."
        change(database, UNITS, "id = ?", [unit["id"]], state=LOST, reason=reason)
        return
    now = moment()
    insert(
        database, ATTEMPTS, tag=tag, unit=unit["id"], job=None, session=None, outcome="open", boot=now.boot,
        ticks=now.ticks, started=unit["updated"], submitted=None, finished=None, calibration=None, usage_seconds=None,
        reason=None, watched=1,
    )  # fmt: skip


def _exchange(path: Path, new: Path) -> Path:
    """Put the new file in the place of the old one, which gets another name with the file beside it."""
    number, damaged = 1, path.with_name(f"{path.name}.damaged")
    while os.path.lexists(damaged):
        number += 1
        damaged = path.with_name(f"{path.name}.damaged-{number}")
    for ending in ("", "-wal"):
        old = path.with_name(path.name + ending)
        if old.exists():
            _link(old, damaged.with_name(damaged.name + ending))
    # Left beside the new file, SQLite would write the old one's changes into it.
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    os.replace(new, path)
    return damaged


def _link(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:
        shutil.copyfile(old, new)
        new.chmod(0o600)
