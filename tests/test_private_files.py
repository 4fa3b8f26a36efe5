"""Files that only their owner can read, whatever stood at their place before."""

import os
import stat

import pytest

from qiskit_qml_ext.private_files import check_different, check_writable, write_private


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_one_in_place_of_an_open_empty_one_are_private(tmp_path):
    empty = tmp_path / "empty.html"
    empty.touch(mode=0o644)
    for path in (empty, tmp_path / "new.html"):
        assert write_private(path, "text") == path
        assert mode(path) == 0o600
        assert path.read_text() == "text"


@pytest.mark.parametrize("is_there", [False, True], ids=["dangling", "to a file"])
def test_a_link_stays_and_the_file_it_points_to_is_written(tmp_path, is_there):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "report.html", tmp_path / "report.html"
    if is_there:
        real.write_text("old")
    link.symlink_to(real)
    assert write_private(link, "new") == real
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert mode(real) == 0o600
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["elsewhere", "report.html", "report.html"]


def test_what_is_no_file_is_refused_and_left_alone(tmp_path):
    pipe, circle = tmp_path / "pipe", tmp_path / "circle"
    os.mkfifo(pipe)
    circle.symlink_to(circle)
    for path, words in (
        (pipe, "a device or a pipe"),
        ("/dev/null", "a device or a pipe"),
        (circle, "cannot be the name of a file"),
        ("~nobody-of-this-name/report.html", "cannot be the name of a file"),
        (tmp_path, "is a folder"),
        ("", "empty"),
        (tmp_path / "no" / "report.html", "does not exist"),
        ("x\0y", "cannot be the name of a file"),
        (tmp_path / ("x" * 1000), "cannot be the name of a file"),
    ):
        with pytest.raises(ValueError, match=words):
            check_writable(path)
        if path != "/dev/null":  # were it not refused, a test of root's would replace it
            with pytest.raises(ValueError, match=words):
                write_private(path, "text")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_one_file_under_two_names_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "there.html"
    there.write_text("data")
    (tmp_path / "link").symlink_to(there)
    (tmp_path / "dangling").symlink_to(tmp_path / "new.html")
    (tmp_path / "folder").symlink_to(tmp_path)
    os.link(there, tmp_path / "hard")
    for one, other in (
        ("x.html", "x.html"),
        ("x.html", "./x.html"),
        ("x.html", str(tmp_path / "x.html")),
        ("x.html", "X.HTML"),
        ("x.html", "folder/../" + tmp_path.name + "/x.html"),
        ("x.html", "folder/x.html"),
        ("there.html", "link"),
        ("there.html", "hard"),
        ("new.html", "dangling"),
    ):
        for files in ({"--report": one, "--json": other}, {"--json": one, "--report": None, "--journal": other}):
            with pytest.raises(ValueError, match=r"name the same file.*one would replace the other"):
                check_different(files)
    with pytest.raises(ValueError, match=r"--report and --journal name the same file"):
        check_different({"--report": "run.journal-wal", "--journal": "run.journal"})
    check_different({"--report": "a.html", "--json": "a.json", "--journal": None, "DATA": "a.csv"})
