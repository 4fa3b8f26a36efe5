"""Which copy of a journal a file is: a label in the tags of its jobs.

A file that is not where it was made (other device, other inode) is a copy, was moved or was restored; it gets a new
label, so that the jobs of copies can be told apart. It is a label only, for device numbers may change without reason
and be the same on two machines: nothing is submitted or left out because of it.
"""

import sqlite3
import uuid
from pathlib import Path

from qiskit_qml_ext.primitives.journal.places import file_identity
from qiskit_qml_ext.primitives.journal.rows import ABOUT, change, insert, read

_MOST_FORMER = 20


def new_lineage() -> str:
    """Return a label that copies of a file do not share, most likely."""
    return uuid.uuid4().hex[:4]


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
