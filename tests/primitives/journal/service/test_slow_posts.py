"""Submissions that take effect long after they were sent, when their client is dead or has given them up."""

import os
import subprocess
import sys

import pytest
from runtime_server.facts import assert_paid_once, assert_paid_once_or_reported, assert_right, reported

SLOW = {"settle_seconds": 0.5}


def test_killed_submission_that_arrives_within_the_time_to_settle_is_taken_over(server, start):
    server.slow_post(1.2)
    child = start()
    server.wait_until(lambda: server.requests("POST", "/jobs"))
    child.kill()
    answer = start(settings={"settle_seconds": 3.0}).result()
    assert_right(answer)
    assert_paid_once(server)


def test_killed_submission_that_arrives_after_the_last_result_is_reported_by_the_next_run(server, start, path):
    server.slow_post(None)
    child = start()
    server.wait_until(lambda: server.requests("POST", "/jobs"))
    child.kill()
    first = start(settings=SLOW).result()
    assert_right(first)
    server.open_gate()
    server.settle()
    (late,) = set(server.executed_jobs()) - {job["id"] for job in server.jobs()[:3]}
    second = start(settings=SLOW).result()
    assert_right(second)
    assert second["counts"] == first["counts"]
    assert second["submitted"] == 0
    assert_paid_once_or_reported(server, path)
    assert late in reported(path)
    assert late in second["duplicates"]
    assert any(kind == "DuplicateExecutionWarning" and late in words for kind, words in second["warnings"])


def test_late_submission_that_still_waits_is_cancelled_by_the_next_run(server, start, path):
    server.slow_post(None)
    child = start()
    server.wait_until(lambda: server.requests("POST", "/jobs"))
    child.kill()
    assert_right(start(settings=SLOW).result())
    server.set_hold(True)
    server.open_gate()
    server.wait_until(lambda: len(server.jobs()) == 4)
    assert_right(start(settings=SLOW).result())
    server.set_hold(False)
    assert_paid_once(server)


def test_submission_that_the_gateway_gave_up_and_that_arrives_later_is_paid_once_or_reported(server, start, path):
    server.store.set("job_seconds", 0.3)
    server.late_post(0.8)
    assert_right(start().result())
    server.settle()
    assert_right(start().result())
    assert_paid_once_or_reported(server, path)


def test_submission_over_a_broken_line_that_arrives_after_the_run_is_reported(server, start, path):
    server.late_post(None, drop=True)
    assert_right(start(settings=SLOW).result())
    server.open_gate()
    server.settle()
    assert server.executions() == 800
    assert_right(start(settings=SLOW).result())
    assert_paid_once_or_reported(server, path)


@pytest.mark.slow
def test_listing_a_journal_looks_for_late_submissions(server, start, path):
    server.late_post(None, drop=True)
    assert_right(start(settings=SLOW).result())
    server.open_gate()
    server.settle()
    late = server.executed_jobs()[-1]
    environment = {**os.environ, **server.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", "from qiskit_qml_ext.cli import main; main()", "jobs", str(path)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert late in done.stdout + done.stderr
    assert late in reported(path)


def test_slow_answers_to_a_living_client_change_nothing(server, start):
    server.slow_post(1.0, times=3)
    assert_right(start(settings={"settle_seconds": 0.1}).result())
    assert_paid_once(server)
