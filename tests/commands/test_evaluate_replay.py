"""``qiskit-qml-ext evaluate --replay``: an evaluation from a data set."""

import json

import pytest
from click.testing import CliRunner

from qiskit_qml_ext.cli import cli
from tests.commands.journals import jobs

SETTINGS = ["--qubits", "2", "--folds", "2", "--max-samples", "16", "--quiet"]


def evaluated(*arguments, code=0):
    """Return what ``qiskit-qml-ext evaluate iris`` prints; its exit code must be the one given."""
    done = CliRunner().invoke(cli, ["evaluate", "iris", *SETTINGS, *map(str, arguments)])
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of an evaluation, beside its results."""
    folder = tmp_path_factory.mktemp("measured")
    journal, document = folder / "run.sqlite", folder / "first.json"
    evaluated("--target", "aer", "--shots", 64, "--journal", journal, "--json", document)
    jobs(journal, "dataset", str(folder / "data"))
    return folder


def test_replayed_evaluation_has_the_same_scores_runs_nothing_and_says_so(folder, tmp_path):
    output = evaluated("--replay", folder / "data", "--json", tmp_path / "second.json")
    first, second = (json.loads(file.read_text()) for file in (folder / "first.json", tmp_path / "second.json"))
    assert "Nothing ran for this: the shots are those of a data set" in " ".join(output.split())
    for one, other in zip(first["models"], second["models"], strict=True):
        assert one["scores"] == other["scores"]
        assert not other["shots"]
    assert sum(model["shots"] or 0 for model in first["models"]) > 0
    assert first["verdict"] == second["verdict"]


def test_what_was_not_measured_is_not_simulated(folder):
    output = evaluated("--replay", folder / "data", "--seed", 1)
    assert "ReplayIncompleteError: The data set" in " ".join(output.split())


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--replay", "DATA", "--shots", "64"], "--shots is for new runs, but --replay runs nothing"),
        (["--replay", "DATA", "--target", "aer"], "--target is for new runs"),
        (["--replay", "DATA", "--journal", "new.sqlite"], "--journal is for new runs"),
        (["--series", "1"], "--series chooses among the series of a data set"),
    ],
)
def test_options_of_new_runs_are_refused_beside_a_replay(folder, arguments, error):
    named = [str(folder / "data") if one == "DATA" else one for one in arguments]
    assert error in " ".join(evaluated(*named, code=2).split())


def test_a_series_that_is_not_there_is_a_clear_error(folder):
    assert "series" in evaluated("--replay", folder / "data", "--series", "7", code=2)
