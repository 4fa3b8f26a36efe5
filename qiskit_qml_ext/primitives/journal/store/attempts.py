"""The attempts at units: what is written down when one begins, gets its job, comes to something or to nothing.

Every function works within a transaction on a journal's file.
"""

import sqlite3
import time
from collections.abc import Iterable

from qiskit_qml_ext.primitives.journal.disk.job_times import drop_note
from qiskit_qml_ext.primitives.journal.disk.moments import Moment, moment
from qiskit_qml_ext.primitives.journal.disk.queries import read_chunks
from qiskit_qml_ext.primitives.journal.disk.records import (
    DISSOLVED,
    DONE,
    FAILED,
    LOST,
    PLANNED,
    SUBMITTED,
    SUBMITTING,
    Attempt,
    Unit,
)
from qiskit_qml_ext.primitives.journal.disk.rows import ATTEMPTS, DUPLICATES, UNITS, change, insert, read, remove
from qiskit_qml_ext.primitives.journal.store import claims


def attempts_at(database: sqlite3.Connection, units: Iterable[int] | None) -> list[Attempt]:
    """Return the attempts at all units, or at those with the given numbers, in the order of their making."""
    if units is None:
        rows = read(database, ATTEMPTS, "1 ORDER BY number")
    else:
        rows = sorted(read_chunks(database, ATTEMPTS, "unit", units), key=lambda row: row["number"])
    return [
        Attempt(
            row["number"], row["tag"], row["unit"], row["job"], row["outcome"],
            Moment(row["boot"], row["ticks"]), bool(row["watched"]),
        )
        for row in rows
    ]  # fmt: skip


def begin(
    database: sqlite3.Connection,
    unit: int,
    tag: str,
    *,
    started: float,
    calibration: str | None = None,
    watched: bool = True,
) -> None:
    """Write down a new attempt, the last one of its unit from now on."""
    now = moment()
    insert(
        database, ATTEMPTS, tag=tag, unit=unit, job=None, session=None, outcome="open", boot=now.boot,
        ticks=now.ticks, started=started, submitted=None, finished=None,
        calibration=calibration, usage_seconds=None, reason=None, watched=watched,
    )  # fmt: skip


def end(database: sqlite3.Connection, unit: int, outcome: str, reason: str) -> None:
    """Write down what came of the open attempts at a unit."""
    now = time.time()
    change(database, ATTEMPTS, "unit = ? AND outcome = 'open'", [unit], outcome=outcome, reason=reason, finished=now)


def withdraw(database: sqlite3.Connection, unit: int, *, tag: str, owner: str) -> None:
    """Take a claim back whose request has certainly not left."""
    if not claims.is_owned(database, unit, owner):
        return
    remove(database, ATTEMPTS, "tag = ?", [tag])
    drop_note(database, tag)
    change(
        database, UNITS, "id = ? AND state = ?", [unit, SUBMITTING],
        state=PLANNED, owner=None, attempts=lambda row: row["attempts"] - 1,
    )  # fmt: skip


def note_submitted(
    database: sqlite3.Connection, unit: int, *, tag: str, job: str, session: str | None, owner: str | None
) -> bool:
    """Write down the job that the service made of a unit, unless another process has taken the unit over."""
    now = time.time()
    if owner is not None and not claims.is_owned(database, unit, owner):
        return False
    change(database, ATTEMPTS, "tag = ?", [tag], job=job, session=session, submitted=now)
    change(database, UNITS, "id = ? AND state = ?", [unit, SUBMITTING], state=SUBMITTED, updated=now)
    return True


def adopt(
    database: sqlite3.Connection,
    unit: int,
    *,
    tag: str,
    job: str,
    session: str | None,
    created: float,
    owner: str | None,
    reason: str,
) -> bool:
    """Take a job that this file did not wait for as the job of a unit; see :meth:`Journal.adopt`."""
    now = time.time()
    rows = read(database, UNITS, "id = ?", [unit])
    is_mine = owner is not None and claims.is_owned(database, unit, owner)
    # A repair may have kept a result, but not the attempt that it came from.
    is_bare = bool(rows) and rows[0]["state"] == DONE and not read(database, ATTEMPTS, "unit = ?", [unit])
    if not rows or not (is_mine or is_bare or rows[0]["state"] in (PLANNED, FAILED, LOST)):
        return False
    if any(row["unit"] != unit for row in read(database, ATTEMPTS, "tag = ?", [tag])):
        return False
    end(database, unit, "not needed", reason)
    # The last attempt is the one that counts.
    remove(database, ATTEMPTS, "tag = ?", [tag])
    begin(database, unit, tag, started=created)
    change(database, ATTEMPTS, "tag = ?", [tag], job=job, session=session, submitted=created)
    remove(database, DUPLICATES, "job = ?", [job])
    if is_bare:
        change(database, ATTEMPTS, "tag = ?", [tag], outcome="done", finished=now)
        return True
    change(
        database, UNITS, "id = ?", [unit],
        state=SUBMITTED, owner=owner, reason=None, updated=now,
        attempts=lambda row: row["attempts"] + (not is_mine),
    )  # fmt: skip
    return True


def come_to_nothing(
    database: sqlite3.Connection, unit: int, *, owner: str, state: str, outcome: str, reason: str
) -> None:
    """Write down that an attempt came to nothing, and what its unit is now, if it belongs to the owner still."""
    if not claims.is_owned(database, unit, owner):
        return
    end(database, unit, outcome, reason)
    change(database, UNITS, "id = ?", [unit], state=state, owner=None, reason=reason, updated=time.time())


def reset(database: sqlite3.Connection, unit: int, *, outcome: str, reason: str, seen: Unit | None) -> bool:
    """Make a unit that is not done planned again, unless it is not as it was seen; return whether it was done."""
    # Of a unit without a record it is not known that nothing was paid for it.
    rows = read(database, UNITS, "id = ? AND state NOT IN (?, ?) AND num_items > 0", [unit, DONE, DISSOLVED])
    if not rows:
        return False
    now = rows[0]["state"], rows[0]["owner"], rows[0]["attempts"]
    if seen is not None and now != (seen.state, seen.owner, seen.attempts):
        return False
    end(database, unit, outcome, reason)
    change(database, UNITS, "id = ?", [unit], state=PLANNED, owner=None, attempts=0, reason=reason)
    return True


def add_duplicate(database: sqlite3.Connection, job: str, tag: str, *, executed: bool) -> None:
    """Write down a job that nobody waits for, unless another process has taken it over meanwhile."""
    is_wanted = read(database, ATTEMPTS, "job = ? AND outcome IN ('open', 'done')", [job])
    if not is_wanted and not read(database, DUPLICATES, "job = ?", [job]):
        insert(database, DUPLICATES, job=job, tag=tag, executed=executed, noticed=time.time())


def watch_anew(database: sqlite3.Connection, tags: Iterable[str]) -> None:
    """Write down that the service may make jobs of these attempts from now on."""
    now = moment()
    for tag in tags:
        change(database, ATTEMPTS, "tag = ?", [tag], watched=1, boot=now.boot, ticks=now.ticks)


def close_watch(database: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Write down that the service can make no more jobs of these attempts."""
    for number in numbers:
        change(database, ATTEMPTS, "number = ?", [number], watched=0)
