"""Refusals for now: too many jobs wait, the device is paused, the service is away for a while."""

import pytest
from runtime_server.facts import assert_paid_once, assert_right

OLDER = (
    "You have reached the limit of 1 pending jobs. Please wait for a job to complete or cancel one before submitting "
    "anything new."
)


@pytest.mark.parametrize("message", [None, OLDER, "Maximum pending jobs."], ids=["usual", "older", "short"])
def test_maximum_of_pending_jobs_is_waited_for(server, start, message):
    server.limit_pending(1, message)
    server.store.set("job_seconds", 0.2)
    answer = start().result()
    assert_right(answer)
    assert answer["submitted"] == 3
    assert_paid_once(server)
    assert len(server.jobs()) == 3, "a refusal for now is no reason to cut units"


def test_maximum_of_pending_jobs_taken_up_by_others_is_waited_for(server, start, tmp_path):
    """The jobs of another program fill the account for a while."""
    server.limit_pending(1)
    server.set_hold(True)
    other = start(journal=tmp_path / "other.journal", angles=2)
    server.wait_until(lambda: len(server.jobs()) == 1)
    child = start()
    server.wait_until(lambda: server.requests("POST", "/jobs") >= 6 or not child.lives())  # it asks again and again
    server.set_hold(False)
    assert_right(other.result(), angles=2)
    assert_right(child.result())
    assert_paid_once(server, asked=800)


def test_paused_device_is_waited_for(server, start):
    server.pause("test_manila")
    child = start()
    server.wait_until(lambda: len(server.jobs()) == 3)
    server.pause()
    assert_right(child.result())
    assert_paid_once(server)


@pytest.mark.slow
def test_whole_service_away_for_a_while_costs_nothing(server, start):
    server.store.set("job_seconds", 0.3)
    child = start()
    server.wait_until(lambda: server.jobs())
    server.outage(4.0)
    assert_right(child.result(120))
    assert_paid_once(server)


@pytest.mark.parametrize(
    "names",
    [("0012", "1e5", "-7"), ("d1b7c8.A_b-C", "None", "x" * 120), ("CAFE", "cafe", "Cafe")],
    ids=["like numbers", "odd", "differ in case"],
)
def test_ids_of_jobs_are_taken_as_they_are(server, start, path, names):
    server.name_next(*names)
    server.store.set("job_seconds", 0.2)
    child = start()
    server.wait_until(lambda: server.executions() >= 200)
    child.kill()
    assert_right(start().result())
    assert_paid_once(server)
    assert sorted(server.executed_jobs()) == sorted(names)
