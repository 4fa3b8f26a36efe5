"""``qiskit-qml-ext jobs`` where no account is needed: simulators' journals, help, columns, prices."""

import re
from types import SimpleNamespace

import pytest
import qiskit_ibm_runtime
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from runtime_server.work import rotation

from qiskit_qml_ext.commands import jobs as jobs_command
from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator
from tests.commands.journals import change, jobs, make

COMMANDS = sorted(jobs_command.command.commands)


@pytest.fixture(autouse=True)
def no_account(monkeypatch):
    def refuse(*arguments, **settings):
        raise ValueError("There is no account here.")

    monkeypatch.setattr(qiskit_ibm_runtime, "QiskitRuntimeService", refuse)


@pytest.fixture
def path(path):
    return make(path)


@pytest.fixture
def interrupted(path):
    """A journal whose units are being run by a process that is no more."""
    change(path, "DELETE FROM results", "DELETE FROM attempts")
    jobs(path, "repair")
    assert "2 submitting" in jobs(path)
    return path


def test_work_of_this_machine_is_left_to_the_program_without_asking_for_an_account(interrupted):
    output = jobs(interrupted, "resume")
    assert "Units 1, 2 were being run on this machine by a program that ended, and no service has the" in output
    assert "run your program again, which runs this work again." in output
    assert "ccount" not in output


def test_work_of_this_machine_is_cancelled_without_an_account(interrupted):
    assert jobs(interrupted, "cancel", "--all", "--yes").count("is planned again") == 2
    assert "2 units: 2 planned." in jobs(interrupted)


@pytest.mark.parametrize("damage", ["DELETE FROM units WHERE id = 2", "DELETE FROM attempts WHERE unit = 2"])
def test_list_of_a_repaired_simulators_journal_suspects_no_service(path, damage):
    change(path, damage)
    jobs(path, "repair")
    output = jobs(path)
    assert "service may still make" not in output
    assert "ccount" not in output


@pytest.mark.parametrize("name", COMMANDS)
def test_help_needs_no_file_and_no_sound_one(tmp_path, name):
    (tmp_path / "text").write_text("no database at all " * 50)
    for file in (tmp_path / "nothing", tmp_path / "text"):
        assert f"jobs JOURNAL {name}" in jobs(file, name, "--help")
    assert f"jobs JOURNAL {name}" in jobs(name, "--help")


def test_usage_and_short_help_are_not_cut():
    output = jobs("--help")
    assert "[COMMAND]\n" in output
    assert "..." not in output
    assert all(len(line) <= 80 for line in output.splitlines())


def test_list_has_80_columns_and_whole_ids_and_keeps_targets_apart(path):
    with Journal(path) as journal:
        estimator = JournaledEstimator(StatevectorEstimator(), journal)
        circuit = rotation().remove_final_measurements(inplace=False)
        estimator.run([(circuit, SparsePauliOp("Z"), [[0.4]], 0.05)]).result(30)
        ids = [unit.job for unit in journal.units()]
    assert [len(job) for job in ids] == [36, 36, 36]  # of Qiskit's own primitives; the longest that are usual
    lines = jobs(path).splitlines()
    assert max(map(len, lines)) <= 80
    for job in ids:
        assert sum(line.endswith(f"  {job}") for line in lines) == 1
    assert [line for line in lines if line.endswith(":")] == [
        "sampler on StatevectorSampler:", "estimator on StatevectorEstimator:",
    ]  # fmt: skip


def test_list_of_a_state_that_no_unit_has_says_so(path):
    assert jobs(path, "list", "--state", "submitting") == "No unit is submitting.\n2 units: 2 done.\n"


def test_cost_of_a_simulator_claims_no_measured_time(path):
    output = jobs(path, "cost")
    assert "Done: 2 units, 3 circuits, 30 executions, no processor time of a service.\nLeft: 0 units" in output


@pytest.mark.parametrize("price", ["nan", "inf", "-3"])
def test_price_that_cannot_be_meant_is_refused(path, price):
    assert "must be a number of at least 0" in jobs(path, "cost", "--price", price, code=2)


def test_cancelling_what_is_done_asks_nothing(path):
    output = jobs(path, "cancel", "--unit", "1")
    assert "Unit 1 is done." in output
    assert "?" not in output


def test_file_that_cannot_be_a_journal_is_named_for_what_it_is(tmp_path):
    assert "is empty. Name a file" in jobs("", "list", code=2)
    assert "is a folder" in jobs(tmp_path, "list", code=2)
    assert "There is no journal" in jobs(tmp_path / "nothing", "list", code=2)


def test_advice_to_wait_names_program_and_file_so_that_it_can_be_pasted(path, tmp_path, monkeypatch):
    import shlex

    from qiskit_qml_ext.primitives import journal as package
    from qiskit_qml_ext.primitives.journal import Resumed

    spaced = tmp_path / "my run.journal"
    path.rename(spaced)
    monkeypatch.setattr(qiskit_ibm_runtime, "QiskitRuntimeService", SimpleNamespace)
    monkeypatch.setattr(package, "local_units", lambda journal: set())
    change(spaced, "DELETE FROM results", "DELETE FROM attempts")
    jobs(spaced, "repair")
    monkeypatch.setattr(package, "resume", lambda *a, **k: Resumed(0, 2, 0, 0, busy=("Unit 1 is being worked on.",)))
    (advice,) = re.findall(r"'qiskit-qml-ext (.*) --wait' finds", jobs(spaced, "resume"))
    assert shlex.split(advice) == ["jobs", str(spaced), "resume"]
