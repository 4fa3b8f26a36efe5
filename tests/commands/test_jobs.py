"""``qiskit-qml-ext jobs``, and an evaluation that is killed and run again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import qiskit_ibm_runtime
from runtime_server.client import Sampler
from runtime_server.facts import copied
from runtime_server.harness import TOKEN
from runtime_server.work import ANGLES, QUICK, isa_rotation, ones

from qiskit_qml_ext.evaluation import evaluate
from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives import Journal, JournaledSampler, Policy, connect
from tests.commands.journals import jobs


@pytest.fixture
def start(server, path):
    def start(file=path):
        backend = server.service().backend("test_manila")
        policy = Policy(**QUICK, max_executions=200)
        return JournaledSampler(Sampler(mode=backend), file, policy=policy).run(
            [(isa_rotation(backend), ANGLES[:, None], 100)]
        )

    return start


@pytest.fixture
def stopped(server, start):
    """A run that was stopped when all of its three jobs were in the queue."""
    server.set_hold(True)
    job = start()
    server.wait_until(lambda: len(server.jobs()) == 3)
    time.sleep(0.1)
    job.cancel()
    with pytest.raises(RunIncompleteError, match="stopped"):
        job.result(30)
    return server


def test_list_shows_each_unit_with_its_job(stopped, path):
    output = jobs(path)
    assert re.sub(r" +\d+s", "", output) == re.sub(r" +\d+s", "", jobs(path, "list"))
    for job in stopped.jobs():
        assert job["id"] in output
    assert "3 units: 3 submitted." in output
    assert "No unit is done.\n3 units: 3 submitted." in jobs(path, "list", "--state", "done")


def test_resume_fetches_results_and_the_program_then_needs_nothing(stopped, path, start):
    assert "Fetched 0 results" in jobs(path, "resume")
    stopped.set_hold(False)
    stopped.wait_until(lambda: stopped.executions() == 600)
    output = jobs(path, "resume", "--wait")
    assert "Fetched 3 results.\n3 units: 3 done." in output
    assert start().result(30)[0].data.meas.shape == (6,)
    assert len(stopped.jobs()) == 3


def test_show_names_job_tag_and_time(stopped, path):
    output = jobs(path, "show", "2")
    assert stopped.jobs()[1]["id"] in output
    assert "2 circuits, 200 executions" in output
    assert "no unit 9. Units are 1 to 3" in jobs(path, "show", "9", code=2)


def test_cancel_takes_jobs_back_and_the_program_submits_them_again(stopped, path, start):
    assert "Say which" in jobs(path, "cancel", code=2)
    output = jobs(path, "cancel", "--all", "--yes")
    assert output.count("is planned again") == 3
    assert all(f"Job {job['id']} cancelled." in output for job in stopped.jobs())
    assert {job["status"] for job in stopped.jobs()} == {"Cancelled"}
    stopped.set_hold(False)
    start().result(30)
    assert stopped.executions() == 600


def test_cancel_of_a_finished_job_keeps_its_result(stopped, path):
    stopped.set_hold(False)
    stopped.wait_until(lambda: stopped.executions() == 600)
    assert "is finished already: 'resume' fetches" in jobs(path, "cancel", "--unit", "1", "--yes")
    assert "Fetched 3 results" in jobs(path, "resume")
    assert "There is nothing to cancel" in jobs(path, "cancel", "--all", "--yes")


def test_list_looks_for_jobs_that_nobody_waits_for_while_submissions_are_watched(server, start, path, monkeypatch):
    start().result(30)
    late = server.submit_again(0)
    server.wait_until(lambda: server.executions() == 800)
    assert f"Job {late} is one that nobody waits for; it was executed." in jobs(path)
    assert "nobody waits for" not in jobs(path)
    assert f"{late} (executed; ask the service not to charge it)" in jobs(path, "show", "1")
    assert f"Executed by the service without being asked: {late}." in jobs(path, "cost")
    server.fault("GET", "/backends", times=100, status=401)
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    monkeypatch.setenv("QISKIT_IBM_URL", "http://127.0.0.1:9")
    output = jobs(path)
    assert "The service may still make jobs of 3 submissions; it could not be asked. The IBM account" in output
    assert output.rstrip().endswith("or set QISKIT_IBM_TOKEN.")  # the advice is whole
    assert "3 units: 3 done." in output


def test_jobs_that_the_file_does_not_know_are_taken_over_or_disowned(server, start, path, monkeypatch):
    copy = copied(path)
    start().result(30)
    assert "There is nothing" in jobs(copy, "cancel", "--all", "--yes")
    assert "Disowned 3 jobs" in jobs(copy, "disown", "--yes")
    assert "The file knows all jobs" in jobs(copy, "disown")
    output = jobs(copy, "cost", "--price", "60")
    assert "Submitted with another copy of this journal" in output
    # The service charges two seconds a job.
    assert "These 3 jobs are not among the executions above; they took: 6.0 s of processor time." in output
    assert "At 60 a minute: 6.00 so far, these jobs included." in output
    with monkeypatch.context() as patch:
        patch.setattr(qiskit_ibm_runtime, "QiskitRuntimeService", None)
        output = jobs(copy, "cost", "--price", "60")
    assert "they took: processor time unknown for 3 jobs. The service could not be asked." in output
    assert "At 60 a minute: 0.00 so far, without what is unknown of 3 jobs." in output
    result = start(copy).result(30)
    assert ones(result).tolist()[0] == 0
    assert server.executions() == 600
    assert "Submitted with another copy" not in jobs(copy, "cost")


def test_resume_of_a_file_that_is_behind_does_not_advise_to_run_the_program_first(server, start, path):
    server.set_hold(True)
    job = start()
    server.wait_until(lambda: len(server.jobs()) == 1)
    job.cancel()
    with pytest.raises(RunIncompleteError, match="stopped"):
        job.result(30)
    copy = copied(path)
    server.set_hold(False)
    backend = server.service().backend("test_manila")
    policy = Policy(**QUICK, max_executions=200)
    sampler = JournaledSampler(Sampler(mode=backend), path, policy=policy)
    sampler.run([(isa_rotation(backend), [[0.123]], 100)]).result(30)
    for unit in Journal(copy).units():
        Journal(copy).reset(unit.id, outcome="cancelled", reason="x")
    output = jobs(copy, "resume")
    assert "1 job of this journal that the file does not know" in output
    assert "Run your program again to submit" not in output
    assert "Do that before you run your program again" in output


def test_failed_jobs_are_counted_apart(server, start, path):
    server.fail_next(1)
    start().result(30)
    output = jobs(path, "cost")
    assert "3 units, 6 circuits, 600 executions, 6.0 s" in output
    assert re.search(r"Failed or cancelled: \w+\.\nThis job is not among the executions above; it took: ", output)


def test_export_holds_counts_and_is_private(server, start, path, tmp_path):
    start().result(30)
    file = tmp_path / "all.json"
    assert str(file) in jobs(path, "export", str(file))
    content = json.loads(file.read_text())
    assert content["units"][0]["results"][0]["meas"][0] == {"0": 100}
    assert content["units"][2]["results"][0]["meas"][1] == {"1": 100}
    assert file.stat().st_mode & 0o077 == 0
    assert "does not exist" in jobs(path, "export", str(tmp_path / "no" / "x.json"), code=2)


def test_cost_counts_executions_and_the_price(server, start, path):
    start().result(30)
    output = jobs(path, "cost", "--price", "60")
    assert "3 units, 6 circuits, 600 executions, 6.0 s" in output  # the service charges two seconds a job
    assert "6.00 so far" in output


def test_problems_with_the_file_are_one_sentence(tmp_path):
    assert "There is no journal" in jobs(tmp_path / "none", code=2)
    (tmp_path / "text").write_text("no database at all " * 50)
    assert "damaged or not a journal" in jobs(tmp_path / "text", code=2)
    Journal(tmp_path / "empty").close()
    assert "The journal is empty." in jobs(tmp_path / "empty")
    assert "There is no state 'x'" in jobs(tmp_path / "empty", "list", "--state", "x", code=2)


@pytest.mark.slow
def test_evaluation_that_is_killed_goes_on_from_its_journal(tmp_path):
    """Killed with some units done; the second run finishes and agrees with one that was not disturbed."""
    arguments = [sys.executable, "-m", "qiskit_qml_ext.cli", "evaluate", "iris", "--classes", "setosa,versicolor"]
    arguments += ["--target", "aer", "--shots", "64", "--qubits", "2", "--folds", "2", "--max-samples", "20"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def run(name, kill_at=None):
        journal = tmp_path / f"{name}.journal"
        command = [*arguments, "--json", str(tmp_path / f"{name}.json"), "--journal", str(journal), "--quiet"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while process.poll() is None:
            time.sleep(0.01)
            if kill_at is not None and _done(journal) >= kill_at:
                process.send_signal(signal.SIGKILL)
        stderr = process.stderr.read().decode()
        process.stderr.close()
        return process.wait(), stderr

    assert run("whole") == (0, "")
    units = _done(tmp_path / "whole.journal")
    assert units >= 3
    assert run("killed", kill_at=2)[0] == -signal.SIGKILL
    assert run("killed") == (0, "")
    assert _done(tmp_path / "killed.journal") == units
    whole, killed = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "killed"))
    assert whole["verdict"] == killed["verdict"]
    assert [model["scores"] for model in whole["models"]] == [model["scores"] for model in killed["models"]]


def _done(journal):
    if not journal.exists():
        return 0
    with Journal(journal) as opened:
        return sum(unit.state == "done" for unit in opened.units())


@pytest.mark.slow
def test_no_file_of_an_evaluation_on_the_service_holds_the_token(server, path, tmp_path):
    connection = connect(server.service(), backend="test_manila", shots=20, journal=path, policy=Policy(**QUICK))
    settings = {"max_samples": 12, "folds": 2, "max_qubits": 2, "bandwidths": [0.5], "C_values": [1.0]}
    with connection:
        result = evaluate("iris", feature_map="angle", target=connection, **settings)
    assert result["quantum"].failure is None
    assert server.jobs(), "the evaluation must have run on the service"
    result.report(tmp_path / "report.html")
    (tmp_path / "result.json").write_text(json.dumps(result.to_dict()))
    written = [item for item in tmp_path.iterdir() if item.is_file()]
    assert {"report.html", "result.json", path.name} <= {item.name for item in written}
    for item in written:
        assert TOKEN.encode() not in item.read_bytes(), item
