"""Copies of a journal: made on purpose while runs go on, and by a kill that leaves the main file alone."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal import Journal, check_journal
from tests.primitives.journal.damage import put, run_program

from .test_file_damage import KEYS, plan


def test_copy_has_everything_is_private_and_is_one_file(files, path, tmp_path):
    put(path, files["early"], files["late"])
    old = os.umask(0)
    try:
        with Journal(path) as journal:
            target = journal.backup(tmp_path / "copy")
    finally:
        os.umask(old)
    assert target == tmp_path / "copy"
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(item.name for item in tmp_path.iterdir()) == ["copy", "run.journal"]
    assert check_journal(target).is_sound
    outcome = run_program(target)
    assert outcome.right
    assert outcome.submitted == 0


def test_copy_made_while_others_write_is_of_one_moment(path, tmp_path):
    with Journal(path) as journal:
        plan(journal)
        ended = threading.Event()

        def write():
            with Journal(path) as other:
                for unit in range(1, len(KEYS) + 1):
                    other.claim(unit, owner="me", tag=f"t{unit}", calibration=None, per_minute=None)
                    other.submitted(unit, tag=f"t{unit}", job=f"job{unit}", session=None)
            ended.set()

        thread = threading.Thread(target=write)
        thread.start()
        copies = 0
        while not ended.is_set() or copies < 2:
            target = journal.backup(tmp_path / f"copy{copies}")
            assert check_journal(target).is_sound
            copies += 1
        thread.join()
        target = journal.backup(tmp_path / "last")
    with Journal(target) as copy:
        assert [unit.job for unit in copy.units()] == [f"job{unit}" for unit in range(1, len(KEYS) + 1)]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("run.journal", "is the journal itself"),
        ("link", "is the journal itself"),
        ("there", "exists already"),
        ("taken", "exists already"),
        ("nowhere/copy", "cannot be written: No such file or directory"),
        (".", "is a folder|exists already"),
        ("", "is empty"),
    ],
)
def test_copy_never_replaces_anything(path, tmp_path, monkeypatch, name, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "there").write_text("mine")
    (tmp_path / "taken-wal").write_text("mine")
    with Journal(path) as journal, pytest.raises(JournalError, match=sentence):
        journal.backup(name)
    assert (tmp_path / "there").read_text() == "mine"
    assert not [item.name for item in tmp_path.iterdir() if item.name.endswith(".part")]


def test_disk_that_fills_during_the_copy_leaves_nothing(path, tmp_path, monkeypatch):
    from qiskit_qml_ext.primitives.journal.disk import backup

    def full(*arguments):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(backup, "_copied", full)
    with Journal(path) as journal, pytest.raises(JournalError, match=r"could not be copied.*disk is full"):
        journal.backup(tmp_path / "copy")
    assert [item.name for item in tmp_path.iterdir()] == ["run.journal"]


KILLED = """
import os, signal, sqlite3, sys
from qiskit_qml_ext.primitives.journal import Journal
from qiskit_qml_ext.primitives.journal.disk.records import NewUnit
path, with_reader = sys.argv[1], sys.argv[2] == "True"
keys = [bytes([number]) * 16 for number in range(20)]
journal = Journal(path)
if with_reader:
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM units").fetchone()
places = journal.ensure_units(
    keys, lambda places: [NewUnit((keys[place],), "sampler", "t", {}, [], 1) for place in places], revive=True)
for unit in sorted(unit for unit, _ in places.values()):
    journal.claim(unit, owner="me", tag=f"t{unit}", calibration=None, per_minute=None)
    journal.submitted(unit, tag=f"t{unit}", job=f"job{unit}", session=None)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("with_reader", [False, True])
def test_file_alone_has_everything_after_a_kill_unless_a_reader_kept_it_back(path, tmp_path, with_reader):
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(with_reader)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    shutil.copy(path, tmp_path / "alone")
    with Journal(tmp_path / "alone") as copy:
        # What a reader that began before keeps back stands in FILE-wal only: a copy needs both files, or `backup`.
        assert len(copy.units()) == (0 if with_reader else 20)
    with Journal(path) as journal:
        assert [unit.job for unit in journal.units()] == [f"job{unit}" for unit in range(1, 21)]


def test_what_a_reader_kept_back_goes_on_with_the_next_step_after_it_ends(path, tmp_path):
    with Journal(path) as journal:
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM units").fetchone()
            plan(journal)
        journal.claim(1, owner="me", tag="t1", calibration=None, per_minute=None)
        shutil.copy(path, tmp_path / "alone")
    with Journal(tmp_path / "alone") as copy:
        assert [unit.state for unit in copy.units()] == ["submitting"] + ["planned"] * 19
