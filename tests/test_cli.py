"""The command line as its users meet it: help, results, files, and one sentence for bad input."""

import json
import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from qiskit_qml_ext import __version__
from qiskit_qml_ext.cli import cli

QUICK = ["--folds", "2", "--qubits", "1", "--max-samples", "20"]


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def process(*arguments, **options):
    command = [sys.executable, "-m", "qiskit_qml_ext.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], 12)
    frame = pd.DataFrame({"a": rng.normal(size=24) + 3 * (y == "yes"), "b": rng.normal(size=24), "y": y})
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.assign(text=list("abcdefghijkl" * 2)).to_csv(tmp_path / "text.csv", index=False)
    frame.assign(y="no").to_csv(tmp_path / "one.csv", index=False)
    frame.assign(y=[None, *y[1:]]).to_csv(tmp_path / "missing.csv", index=False)
    frame.iloc[10:].to_csv(tmp_path / "few.csv", index=False)
    return tmp_path


@pytest.mark.slow
def test_result_goes_to_standard_output_and_files_are_private(folder):
    page, document = folder / "out.html", folder / "out.json"
    result = run(
        "evaluate", folder / "data.csv", "--label", "y", "--target", "aer", "--shots", "32", *QUICK,
        "--report", page, "--json", document,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "data: 20 samples, 2 features, 2 classes" in result.stdout
    assert "Quantum kernel SVM" in result.stdout
    assert "%|" not in result.output  # no progress bar when piped
    assert "Runs on aer: up to" in result.stderr
    assert f"Wrote {page}" in result.stderr
    for path in (page, document):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(document.read_text(encoding="utf-8"))
    assert content["verdict"]["sentence"] in " ".join(result.stdout.split())
    assert content["settings"]["shots"] == 32


@pytest.mark.slow
def test_quiet_prints_the_result_only(folder):
    result = run("evaluate", folder / "data.csv", "--label", "y", "--target", "aer", "--shots", "8", *QUICK, "--quiet")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "Quantum kernel SVM" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no.csv"], "There is no file 'no.csv'"),
        (["brest_cancer"], "Did you mean 'breast_cancer'?"),
        (["data.csv"], "Which column of data.csv is the label? Name it with --label; there are: 'a', 'b', 'y'."),
        (["data.csv", "--label", "z"], "data.csv has no column 'z'. Its columns are: 'a', 'b', 'y'."),
        (["text.csv", "--label", "y"], "Column 'text' of text.csv is not numeric (for example 'a')."),
        (["one.csv", "--label", "y"], "has only one class ('no')"),
        (["few.csv", "--label", "y"], "The class 'no' of 'few' has only 2 samples, but 5 folds need at least 5"),
        (["missing.csv", "--label", "y"], "The label 'y' is missing in 1 of 24 samples (row 1)."),
        (["digits", "--qubits", "6", "--target", "fake_manila"], "6 qubits were asked for, but fake_manila has 5."),
        (["iris", "--feature-map", "foo"], "There is no feature map 'foo'. Choose one of: "),
        (["iris", "--feature-map", "heisenburg"], "There is no feature map 'heisenburg'. Did you mean 'heisenberg'?"),
        (["iris", "--target", "fake_nowhere"], "There is no target 'fake_nowhere'."),
        (["iris", "--classes", "setosa"], "At least two different classes"),
        (["iris", "--classes", "setosa,rosa"], "'iris' has no class 'rosa'."),
        (["iris", "--folds", "x"], "'x' is not a valid integer"),
        (["iris", "--folds", "1"], "'--folds': 1 is not in the range x>=2"),
        (["iris", "--jobs", "0"], "--jobs must be at least 1"),
        (["iris", "--scoring", "best"], "there is no score 'best'."),
        (["iris", "--report", "nowhere/out.html"], "does not exist. Create it first."),
        (["iris", "--model", "quantum"], "'quantum' is not one of 'kernel', 'variational', 'both'."),
        (["iris", "--model", "both", "--shots", "9"], "On exact it would take up to about"),
        (["iris", "--nonsense"], "No such option"),
        ([], "Missing argument 'DATA'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(folder, monkeypatch, arguments, sentence):
    monkeypatch.chdir(folder)
    result = run("evaluate", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_bad_input_in_a_real_process_prints_nothing_else(folder):
    result = process("evaluate", folder / "text.csv", "--label", "y")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: Column 'text'")
    assert result.stderr.count("\n") == 1


def test_help_and_version():
    assert f"qiskit-qml-ext {__version__}" in run("--version").output
    for arguments in ([], ["--help"], ["-h"]):
        result = run(*arguments)
        assert result.exit_code == 0
        assert "evaluate" in result.output
    text = run("evaluate", "--help").output
    for option in ("--label", "--model", "--target", "--report", "--json", "--quiet", "--max-samples"):
        assert option in text
    assert "qiskit-qml-ext evaluate breast_cancer" in text
    assert run("evalute").exit_code == 2


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom qiskit_qml_ext.cli import main\n"
        "try:\n    main(['evaluate', '--help'])\nexcept SystemExit as e:\n    assert e.code == 0\n"
        "heavy = {'qiskit', 'sklearn', 'numpy', 'pandas', 'matplotlib'} & set(sys.modules)\nassert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals differ on Windows")
def test_interrupt_ends_with_one_line_and_code_130():
    command = [sys.executable, "-m", "qiskit_qml_ext.cli", "evaluate", "digits", "--target", "aer"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # where the tests themselves run in the background, interrupts are ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        # The announcement of what will run is the sign that the work has begun.
        assert "Runs on aer" in running.stderr.readline()
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert output == ""
    assert errors.strip() == "Interrupted."


@pytest.mark.slow
def test_output_cut_short_by_its_reader_is_no_error(folder):
    arguments = ["evaluate", folder / "data.csv", "--label", "y", *QUICK]
    command = [sys.executable, "-m", "qiskit_qml_ext.cli", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        running.stdout.close()
        errors = running.stderr.read()
        running.wait(timeout=60)
    assert "Traceback" not in errors
