"""What must hold whatever went wrong, as facts of the service's ledger, and ways to copy journals."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
from runtime_server.tasks import SHOTS
from runtime_server.work import ones

from qiskit_qml_ext.exceptions import JournalError, RunIncompleteError
from qiskit_qml_ext.primitives.journal import Journal

_REFUSALS = (JournalError.__name__, RunIncompleteError.__name__)


def assert_right(answer, angles=6):
    """The counts are those of the angles: 0 and half a turn are certain, the others lie within six deviations."""
    assert answer["error"] is None, answer["error"]
    counts, chances = np.array(answer["counts"]), np.sin(np.linspace(0, np.pi, angles) / 2) ** 2
    assert counts.shape == (angles,)
    assert np.all(np.abs(counts - SHOTS * chances) <= 6 * np.sqrt(SHOTS * chances * (1 - chances)) + 1e-9), counts


def assert_result(result, server, *, executions=600):
    """The counts of a result are those of the angles, and the service executed exactly what was needed."""
    assert_right({"error": None, "counts": ones(result)})
    assert server.executions() == executions


def assert_paid_once(server, asked=600):
    """The service executed what was asked for, and nothing else."""
    server.settle()
    assert server.executions() == asked


def assert_paid_once_or_reported(server, *journals, asked=600):
    """What was executed beyond the need is exactly what the journals report as duplicates."""
    server.settle()
    beyond = server.executions() - asked
    assert beyond >= 0, "results that nobody executed"
    assert server.executions_of(reported(*journals)) == beyond, f"{beyond} executions too many"


def is_refusal(answer):
    """Tell whether a run stopped with an error of the journal that speaks of jobs which the file does not know."""
    if answer["error"] is None:
        return False
    kind, words = answer["error"]
    assert kind in _REFUSALS, answer["error"]
    assert any(word in words for word in ("behind", "older", "copy", "backup", "does not know")), words
    return True


def reported(*journals):
    """Return the jobs that journals report as executed without need."""
    jobs = set()
    for path in journals:
        with Journal(path) as journal:
            jobs |= {item.job for item in journal.duplicates() if item.executed}
    return jobs


def copy_file(source, target, *, with_log):
    """Copy a journal's file as it lies on the disk, with what belongs to it or without."""
    source, target = Path(source), Path(target)
    remove(target)
    shutil.copy(source, target)
    for ending in ("-wal", "-shm") if with_log else ():
        if Path(f"{source}{ending}").exists():
            shutil.copy(f"{source}{ending}", f"{target}{ending}")
    return target


def copied(path):
    """Return a copy of a journal that nobody has open; it is made if there is none."""
    Journal(path).close()
    return copy_file(path, path.with_name("copy.journal"), with_log=False)


def backup(source, target):
    """Copy a journal with SQLite's own backup, sound even while others write."""
    remove(target)
    with sqlite3.connect(source) as reading, sqlite3.connect(target) as writing:
        reading.backup(writing)
    reading.close()
    writing.close()
    return Path(target)


def remove(journal):
    """Remove a journal with what belongs to it."""
    for ending in ("", "-wal", "-shm"):
        Path(f"{journal}{ending}").unlink(missing_ok=True)
