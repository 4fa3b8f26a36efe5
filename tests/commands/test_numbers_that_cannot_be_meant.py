"""Numbers on the command line that no run can mean are refused before anything runs, and named."""

import pytest
from click.testing import CliRunner

from qiskit_qml_ext.cli import cli


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["diagnose", "ansatz", "real-amplitudes", "--qubits", "0"], "--qubits"),
        (["diagnose", "ansatz", "real-amplitudes", "--budget", "-1"], "--budget"),
        (["diagnose", "ansatz", "real-amplitudes", "--reps", "0"], "--reps"),
        (["diagnose", "ansatz", "real-amplitudes", "--layers-per-qubit", "0"], "--layers-per-qubit"),
        (["diagnose", "ansatz", "real-amplitudes", "--samples", "1"], "--samples"),
        (["diagnose", "ansatz", "real-amplitudes", "--seed", "-1"], "--seed"),
        (["diagnose", "ansatz", "real-amplitudes", "--price-per-minute", "-1"], "--price-per-minute"),
        (["diagnose", "ansatz", "real-amplitudes", "--price-per-minute", "1"], "--target"),
        (["diagnose", "ansatz", "real-amplitudes", "--reps", "1", "--layers-per-qubit", "1"], "not both"),
        (["diagnose", "kernel", "zz", "iris", "--qubits", "0"], "--qubits"),
        (["diagnose", "kernel", "zz", "iris", "--qubits", "9"], "--qubits asks for 9"),
        (["diagnose", "kernel", "zz", "iris", "--bandwidth", "0"], "--bandwidth"),
        (["evaluate", "iris", "--qubits", "0"], "--qubits"),
        (["evaluate", "iris", "--qubits", "9"], "--qubits"),
        (["evaluate", "iris", "--shots", "0"], "--shots"),
        (["evaluate", "iris", "--repeats", "0"], "--repeats"),
        (["evaluate", "iris", "--max-samples", "0"], "--max-samples"),
        (["evaluate", "iris", "--jobs", "0"], "--jobs"),
        (["evaluate", "iris", "--journal", "run.sqlite"], "journal keeps jobs"),
    ],
)
def test_it_is_refused_by_name(arguments, named, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert named in result.stderr
    assert not list(tmp_path.iterdir())
