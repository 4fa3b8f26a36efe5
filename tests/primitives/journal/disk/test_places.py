"""Where a journal may lie, and what is said where it may not."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal import Journal

from .test_file_damage import plan


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (".", "is a folder"),
        ("..", "is a folder"),
        ("new/", "names a folder"),
        ("nowhere/run.journal", "cannot be created: No such file"),
        ("run\0journal", "cannot be created: .*null"),
        ("x" * 300, "cannot be created: File name too long"),
        ("/".join(["x" * 200] * 30), "cannot be created: File name too long"),
        ("~nobody-of-this-name/run.journal", "cannot be created"),
        ("file/run.journal", "cannot be created: Not a directory"),
        ("loop", "cannot be created"),
        ("pipe", "device or a pipe"),
        ("/dev/null", "device or a pipe"),
    ],
)
def test_path_that_cannot_be_a_journal_is_refused_in_words(tmp_path, monkeypatch, name, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(os.listdir())
    with pytest.raises(JournalError, match=sentence):
        Journal(name)
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("path", [None, 3, True, ["run.journal"]])
def test_what_is_no_path_is_a_type_error_in_words(path):
    with pytest.raises(TypeError, match=r"must be the path of a file.*but .* came"):
        Journal(path)


def test_folder_is_refused(tmp_path):
    with pytest.raises(JournalError, match=r"is a folder, but a journal is a file. Name a file in it"):
        Journal(tmp_path)


@pytest.mark.parametrize("name", ["with space.journal", "q?mode=memory", "a#b", "50%25", "ünï.journal", ":memory:"])
def test_names_that_mean_something_elsewhere_are_plain_names_here(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with Journal(name) as journal:
        plan(journal)
    with Journal(tmp_path / name) as journal:
        assert len(journal.units()) == 20
    assert os.listdir() == [name]


def test_dangling_link_makes_a_private_file_at_its_end(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    old = os.umask(0)
    try:
        with Journal(tmp_path / "link") as journal:
            plan(journal)
            names = sorted(item.name for item in tmp_path.iterdir())
            assert names == ["link", "target", "target-shm", "target-wal"]
            assert all(item.stat().st_mode & 0o777 == 0o600 for item in tmp_path.iterdir())
    finally:
        os.umask(old)


def test_empty_file_that_others_may_read_becomes_private(path):
    path.touch(mode=0o644)
    path.chmod(0o644)
    Journal(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def own_folder():
    """A folder of a user who may not write everywhere, which root may."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_written_is_named(own_folder, what):
    path = own_folder / "run.journal"
    Journal(path).close()
    (path if what == "file" else own_folder).chmod(0o400 if what == "file" else 0o500)
    with pytest.raises(JournalError, match=r"cannot be written.*folder must be writable"), Journal(path) as journal:
        plan(journal)


def test_database_that_may_not_be_written_is_named(path, monkeypatch):
    import sqlite3

    from qiskit_qml_ext.primitives.journal.disk import schema

    Journal(path).close()
    real = schema.connected
    monkeypatch.setattr(schema, "connected", lambda place, timeout, mode="rw": real(place, timeout, mode="ro"))
    with pytest.raises(JournalError, match=r"cannot be written: attempt to write a readonly database"):
        plan(Journal(path))
    monkeypatch.undo()
    assert "disk of the journal" in str(schema.explained(sqlite3.OperationalError("disk I/O error"), path))


@pytest.mark.parametrize("how", ["deleted", "replaced", "folder deleted"])
def test_file_that_vanishes_while_it_is_open_is_noticed(tmp_path, how):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "run.journal"
    with Journal(path) as journal:
        plan(journal)
        if how == "deleted":
            path.unlink()
        elif how == "replaced":
            shutil.copy(path, folder / "copy")
            (folder / "copy").replace(path)
        else:
            shutil.rmtree(folder)
        for step in (lambda: journal.units(), lambda: journal.beat("me"), lambda: plan(journal)):
            with pytest.raises(
                JournalError, match=r"was (moved or deleted|replaced by another file) while it was in use"
            ):
                step()
