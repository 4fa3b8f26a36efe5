"""No command writes two results to one file, or a result over its data, and it says so before it works."""

import os

import pytest
from click.testing import CliRunner

from qiskit_qml_ext.cli import cli

EVALUATE = ["evaluate", "DATA", "--label", "y"]
KERNEL = ["diagnose", "kernel", "angle", "DATA", "--label", "y"]
ANSATZ = ["diagnose", "ansatz", "real-amplitudes"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("a,b,y\n" + "".join(f"{i},{i * i % 7},{i % 2}\n" for i in range(30)))
    (tmp_path / "link.csv").symlink_to("data.csv")
    return tmp_path


@pytest.fixture(autouse=True)
def no_work(monkeypatch):
    """The work itself would end the test."""

    def refuse(*args, **kwargs):
        raise AssertionError("the work began")

    for place in (
        "qiskit_qml_ext.evaluation.plan_evaluation",
        "qiskit_qml_ext.diagnostics.diagnosis.diagnose",
        "qiskit_qml_ext.datasets.load_dataset",
    ):
        monkeypatch.setattr(place, refuse)


@pytest.mark.parametrize("command", [EVALUATE, KERNEL, ANSATZ], ids=["evaluate", "kernel", "ansatz"])
@pytest.mark.parametrize("other", ["x", "./x", "X", "{folder}/x"])
def test_report_and_json_are_different_files(folder, command, other):
    arguments = [word.replace("DATA", "data.csv") for word in command]
    done = CliRunner().invoke(cli, [*arguments, "--report", "x", "--json", other.format(folder=folder)])
    assert done.exit_code != 0
    assert "--report and --json name the same file" in done.output
    assert sorted(os.listdir(folder)) == ["data.csv", "link.csv"]


@pytest.mark.parametrize("command", [EVALUATE, KERNEL], ids=["evaluate", "kernel"])
@pytest.mark.parametrize("option", ["--report", "--json"])
@pytest.mark.parametrize(
    ("data", "output"), [("data.csv", "link.csv"), ("link.csv", "data.csv"), ("data.csv", "./data.csv")]
)
def test_the_data_are_not_replaced_by_a_result(folder, command, option, data, output):
    arguments = [word.replace("DATA", data) for word in command]
    before = (folder / "data.csv").read_text()
    done = CliRunner().invoke(cli, [*arguments, option, output])
    assert f"{option} and DATA name the same file" in done.output
    assert (folder / "data.csv").read_text() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--journal", "r", "--report", "r"], "--report and --journal name the same file"),
        (["--journal", "r", "--json", "./r"], "--json and --journal name the same file"),
        (["--journal", "r", "--json", "r-wal"], "--json and --journal name the same file"),
        (["--journal", "data.csv"], "--journal and DATA name the same file"),
        (["--journal", "."], "--journal: . is a folder"),
        (["--journal", ""], "--journal: The name of a file is empty"),
        (["--journal", "no/r"], "--journal: The folder"),
        (["--report", "/dev/null"], "--report: /dev/null is not a file on a disk"),
        (["--json", "."], "--json: . is a folder"),
    ],
)
def test_files_of_evaluate_are_checked_before_anything_runs(folder, options, words):
    done = CliRunner().invoke(cli, ["evaluate", "data.csv", "--label", "y", *options])
    assert words in done.output
    assert "the work began" not in repr(done.exception)
    assert sorted(os.listdir(folder)) == ["data.csv", "link.csv"]
