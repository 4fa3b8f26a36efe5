"""What a row of a journal may hold, beyond the types of its columns.

A seal tells that a row is what was written; here is what no row that was written holds, so that a file that somebody
made up can neither stop a program, nor exhaust its memory, nor lead a request of the client elsewhere.
"""

import math
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.job_ids import is_job_id
from qiskit_qml_ext.primitives.journal.disk.records import (
    DISSOLVED,
    FAILED,
    PLANNED,
    STATES,
)
from qiskit_qml_ext.primitives.journal.disk.rows import Row

KINDS = ("sampler", "estimator")
FREE = (PLANNED, FAILED)
"""The states of a unit that a run may submit."""
KEY_BYTES = 16
CONTENT_BYTES = 10
_MOST = 2**53  # what JSON readers and floats count exactly
_MOST_BITS = 1_000_000  # of a register
_MOST_AXES = 64  # NumPy's own limit
_LATEST = 1e11  # seconds since 1970, in the year 5138: what time.localtime takes on every system


def unit_problem(row: Row) -> str | None:
    """Return what is wrong with a row of the table of units, if anything is."""
    if row["kind"] not in KINDS:
        return f"is of the unknown kind {row['kind']!r:.40}"
    if row["state"] not in (*STATES, DISSOLVED):
        return f"has the unknown state {row['state']!r:.40}"
    if row["id"] < 1:
        return "has a number below 1"
    for name in ("num_items", "executions", "attempts"):
        if not 0 <= row[name] <= _MOST:
            return f"has {row[name]:,} for {name}"
    if not _are_times(row["created"], row["updated"]):
        return "has a time that is none"
    if not isinstance(row["settings"], dict) or not _are_settings(row["settings"]):
        return "has settings that are none"
    if len(row["content"]) != CONTENT_BYTES:
        return "has a content key of a wrong length"
    if row["layout"] == []:
        return None  # no result is taken for it
    return layout_problem(row["kind"], row["layout"], row["num_items"])


def layout_problem(kind: str, layout: Any, num_items: int) -> str | None:
    """Return what is wrong with the description of a unit's result, if anything is."""
    if not isinstance(layout, list) or not all(isinstance(entry, dict) for entry in layout):
        return "has a layout that is none"
    if not all(_is_entry(kind, entry) for entry in layout):
        return "has a layout with impossible shapes"
    described = len(layout) if kind == "estimator" else sum(entry["rows"] for entry in layout)
    if described != num_items:
        return f"has a layout for {described:,} items, but {num_items:,} items"
    return None


def attempt_problem(row: Row) -> str | None:
    """Return what is wrong with a row of the table of attempts, if anything is."""
    if row["job"] is not None and not is_job_id(row["job"]):
        return f"has the impossible job {row['job']!r:.60}"
    if row["number"] < 1 or not row["tag"] or row["watched"] not in (0, 1):
        return "has an impossible number, tag or watch"
    if not _are_times(*(row[name] for name in ("started", "submitted", "finished"))):
        return "has a time that is none"
    usage = row["usage_seconds"]
    if not math.isfinite(row["ticks"]) or not (usage is None or 0 <= usage < _LATEST):
        return "has a time that is none"
    return None


def duplicate_problem(row: Row) -> str | None:
    """Return what is wrong with a row of the table of jobs that nobody waits for, if anything is."""
    if not is_job_id(row["job"]) or row["executed"] not in (0, 1) or not _are_times(row["noticed"]):
        return "has an impossible job or time"
    return None


def _is_entry(kind: str, entry: dict[str, Any]) -> bool:
    shape = entry.get("shape")
    if not isinstance(shape, list) or len(shape) > _MOST_AXES or not all(_is_count(length) for length in shape):
        return False
    if math.prod(shape) > _MOST:
        return False
    if kind == "estimator":
        return True
    registers = entry.get("registers")
    if not _is_count(entry.get("rows")) or not _is_count(entry.get("shots")) or not isinstance(registers, dict):
        return False
    fits = math.prod(shape) == entry["rows"] and entry["rows"] * entry["shots"] <= _MOST
    return fits and all(_is_count(bits) and bits <= _MOST_BITS for bits in registers.values())


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _are_settings(settings: dict[str, Any]) -> bool:
    shots, precision = settings.get("shots", 0), settings.get("precision", 0)
    return _is_count(shots) and isinstance(precision, int | float) and math.isfinite(precision)


def _are_times(*times: float | None) -> bool:
    return all(time is None or 0 <= time < _LATEST for time in times)
