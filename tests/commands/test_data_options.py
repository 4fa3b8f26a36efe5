"""Every command that reads a table reads it alike."""

import inspect

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from qiskit_qml_ext.cli import cli
from qiskit_qml_ext.commands.user_input import DATA_ARGUMENTS, data_options
from qiskit_qml_ext.datasets import load_dataset

READING = {"evaluate": ["evaluate"], "diagnose kernel": ["diagnose", "kernel", "angle"]}
QUICK = {
    "evaluate": ["--folds", "2", "--qubits", "1", "--feature-map", "angle"],
    "diagnose kernel": ["--qubits", "1", "--samples", "10", "--budget", "0.1"],
}


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def commands(group=cli, path=()):
    """Yield the path and every command below a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def parameters(command):
    return {parameter.name: parameter.to_info_dict() for parameter in command.params}


def test_all_commands_that_read_data_have_the_same_options_of_data():
    @click.command()
    @data_options
    def reference(**settings):
        pass

    expected = parameters(reference)
    found = [" ".join(path) for path, command in commands() if "data" in parameters(command)]
    assert sorted(found) == sorted(READING)
    for path, command in commands():
        if " ".join(path) in READING:
            own = parameters(command)
            assert {name: own.get(name) for name in expected} == expected


def test_there_is_an_option_for_every_argument_of_load_dataset():
    arguments = list(inspect.signature(load_dataset).parameters)
    assert list(DATA_ARGUMENTS) == arguments[1:]
    reading = [command for path, command in commands() if " ".join(path) in READING]
    assert len(reading) == len(READING)
    for command in reading:
        assert set(DATA_ARGUMENTS) <= set(parameters(command))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], 12)
    frame = pd.DataFrame({"a": rng.normal(size=24), "sex": ["m", "f"] * 12, "y": y})
    frame.to_csv(tmp_path / "data.csv")
    frame.drop(columns="sex").to_csv(tmp_path / "european.csv", sep=";", decimal=",", index=False, encoding="utf-16")
    frame.drop(columns="sex").assign(y=list("abc") * 8).to_csv(tmp_path / "three.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["data.csv", "--label", "y"], "--drop sex"),
        (["data.csv", "--label", "y", "--drop", "sex", "--keep", "sex"], "cannot be both kept and dropped"),
        (["data.csv", "--label", "y", "--separator", ";"], "name their separator with --separator"),
        (["data.csv", "--label", "y", "--separator", "xx"], "separator must be one character"),
        (["data.csv", "--label", "y", "--encoding", "utf-99"], "There is no text encoding 'utf-99'"),
        (
            ["data.csv", "--label", "a", "--drop", "sex", "--drop", "y", "--task", "classification"],
            "no feature besides",
        ),
        (["data.csv", "--label", "y", "--drop", "sex", "--na-values", "no"], "missing in 12 of 24 samples"),
        (["data.csv", "--label", "y", "--drop", "sex", "--classes", "no,maybe"], "has no class 'maybe'"),
        (["data.csv", "--label", "4", "--no-header"], "Column '2' of data.csv is not numeric"),
        (["european.csv", "--label", "y", "--decimal", "."], "Say how numbers are written with --decimal"),
        (["iris", "--separator", ";"], "separator says how a file of text is written"),
    ],
)
def test_every_option_of_data_reaches_the_data(folder, command, arguments, sentence):
    result = run(*READING[command], *arguments, *QUICK[command])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("evaluate", ["european.csv", "--label", "y"]),
        ("diagnose kernel", ["european.csv", "--label", "y"]),
        ("diagnose kernel", ["data.csv", "--label", "y", "--drop", "sex", "--keep", "Unnamed: 0"]),
        ("diagnose kernel", ["three.csv", "--label", "y", "--classes", 'a,"b"']),
    ],
)
@pytest.mark.slow
def test_both_commands_run_on_tables_of_all_kinds(folder, command, arguments):
    result = run(*READING[command], *arguments, *QUICK[command])
    assert result.exit_code == 0, result.output


def test_diagnosis_of_a_kernel_says_which_columns_are_left_out(folder):
    result = run(*READING["diagnose kernel"], "data.csv", "--label", "y", "--drop", "sex", *QUICK["diagnose kernel"])
    assert result.exit_code == 0, result.output
    assert "Note: Column 'Unnamed: 0' is left out" in result.stdout


@pytest.mark.parametrize("label", ["None", "NA"])
def test_classes_whose_names_have_a_comma_can_be_chosen(folder, label):
    pd.DataFrame({"a": np.arange(9) / 7, "y": [label, "b, c", "d"] * 3}).to_csv("data.csv", index=False)
    result = run("evaluate", "data.csv", "--label", "y", "--classes", f'"b, c",{label}', "--folds", "4")
    assert f"The class {label!r} of 'data' has only 3 samples, but 4 folds" in result.stderr
