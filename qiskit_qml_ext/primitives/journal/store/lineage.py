"""Which copy of a journal a file is: a label in the tags of its jobs.

A file that is not where it was made (other device, other inode) is a copy, was moved or was restored; it gets a new
label, so that the jobs of copies can be told apart. It is a label only, for device numbers may change without reason
and be the same on two machines: nothing is submitted or left out because of it.
"""

import sqlite3
import uuid
from collections.abc import Iterable
from pathlib import Path

from qiskit_qml_ext.primitives.journal.disk.places import file_identity
from qiskit_qml_ext.primitives.journal.disk.queries import read_chunks
from qiskit_qml_ext.primitives.journal.disk.rows import ABOUT, ATTEMPTS, DUPLICATES, change, insert, read

_MOST_FORMER = 20
_MOST_UNKNOWN = 1000
_UNKNOWN = "unknown"


def new_lineage() -> str:
    """Return a label that copies of a file do not share, most likely."""
    return uuid.uuid4().hex[:4]


def note_unknown(database: sqlite3.Connection, jobs: Iterable[str]) -> None:
    """Write down jobs of the journal that match no work of this file: a copy made them."""
    about = {row["name"]: row["value"] for row in read(database, ABOUT)}
    known = about.get(_UNKNOWN, "").split()
    new = [job for job in jobs if job not in known]
    if _UNKNOWN not in about and new:
        insert(database, ABOUT, name=_UNKNOWN, value="")
    if new:
        change(database, ABOUT, "name = ?", [_UNKNOWN], value=" ".join([*known, *new][-_MOST_UNKNOWN:]))


def unknown(database: sqlite3.Connection) -> list[str]:
    """Return the jobs that were written down as matching no work, except for those that have a place now."""
    noted = [job for row in read(database, ABOUT, "name = ?", [_UNKNOWN]) for job in row["value"].split()]
    placed = {row["job"] for table in (ATTEMPTS, DUPLICATES) for row in read_chunks(database, table, "job", noted)}
    return [job for job in noted if job not in placed]


def is_elsewhere(database: sqlite3.Connection, path: Path) -> bool:
    """Tell whether a file is not the one that its label was made for."""
    return {row["name"]: row["value"] for row in read(database, ABOUT)}["file"] != file_identity(path)


def give_new_lineage(database: sqlite3.Connection, path: Path) -> None:
    """Label a file anew, unless another process has just done so; the former label stays on record."""
    if not is_elsewhere(database, path):
        return
    about = {row["name"]: row["value"] for row in read(database, ABOUT)}
    former = [*about.get("former", "").split(), about["lineage"]][-_MOST_FORMER:]
    if "former" not in about:
        insert(database, ABOUT, name="former", value="")
    values = {"former": " ".join(former), "lineage": new_lineage(), "file": file_identity(path)}
    for name, value in values.items():
        change(database, ABOUT, "name = ?", [name], value=value)
