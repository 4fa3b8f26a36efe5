"""Wall clocks that step while a run goes on, clocks that differ, and processes that are suspended past their lease."""

import pytest
from runtime_server import clock
from runtime_server.facts import (
    assert_paid_once,
    assert_paid_once_or_reported,
    assert_right,
    copy_file,
    is_refusal,
    remove,
)

HOUR = 3600.0
STATUS = "/backends/test_manila/status"  # what the client asks for between the claim and the submission


@pytest.fixture
def wall(tmp_path):
    """The file that a process's wall clock follows."""
    return tmp_path / "clock"


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_failed_job_is_tried_again_across_a_step(server, start, path, wall, step):
    """The unit follows its newest job, whatever the clock said when it was submitted."""
    server.set_hold(True)
    server.fail_next(2)
    child = start(clock_file=wall, settings={"max_pending": 1})
    server.wait_until(lambda: len(server.jobs()) == 1)
    clock.step(wall, step)
    server.set_hold(False)
    assert_right(child.result())
    assert_paid_once(server)
    assert_right(start(clock_file=wall).result())
    assert_paid_once(server)


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_dropped_answer_is_found_across_a_step(server, start, path, wall, step):
    server.store.set("job_seconds", 0.3)
    server.fault("POST", "/jobs", after=True, drop=True)
    child = start(clock_file=wall, settings={"settle_seconds": 2.0})
    server.wait_until(lambda: server.jobs())
    clock.step(wall, step)
    assert_right(child.result())
    assert_paid_once_or_reported(server, path)


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_run_killed_before_a_step_is_taken_up_after_it(server, start, path, wall, step):
    server.store.set("job_seconds", 0.3)
    child = start(clock_file=wall)
    server.wait_until(lambda: server.executions() >= 200)
    child.kill()
    clock.step(wall, step)
    assert_right(start(clock_file=wall).result())
    assert_paid_once(server)


def test_rate_is_counted_by_honest_minutes(server, start, wall):
    """The first run lived more than a minute ago, but its wall clock was an hour ahead."""
    clock.step(wall, HOUR)
    assert_right(start(clock_file=wall, life=-70.0, settings={"submissions_per_minute": 3}).result())
    answer = start(angles=5, settings={"submissions_per_minute": 3}).result(40)
    assert_right(answer, angles=5)
    assert 0 < answer["submitted"] <= 3


def test_process_whose_clock_is_an_hour_ahead_does_not_take_what_another_is_submitting(server, start, path, wall):
    server.slow_post(None)
    first = start()
    server.wait_until(lambda: server.requests("POST", "/jobs"))
    clock.step(wall, HOUR)
    second = start(clock_file=wall, settings={"settle_seconds": 0.2})
    server.open_gate_after(400)  # the second has done the two units that are left
    answers = [first.result(), second.result()]
    for answer in answers:
        assert_right(answer)
    assert_paid_once(server)
    assert len(server.jobs()) == 3


@pytest.mark.parametrize("offset", [-HOUR, HOUR])
def test_twins_are_found_by_a_service_whose_clock_differs(server, start, path, offset):
    """The service's own retry of a lost request arrives when the run has moved on."""
    server.set_clock(offset)
    server.store.set("job_seconds", 0.4)
    server.late_post(0.7)
    assert_right(start().result())
    server.settle()
    assert_right(start().result())
    assert_paid_once_or_reported(server, path)


@pytest.mark.parametrize("offset", [-HOUR, HOUR])
def test_copy_of_a_journal_is_noticed_on_a_service_whose_clock_differs(server, start, path, offset):
    server.set_clock(offset)
    server.store.set("job_seconds", 0.3)
    child = start(settings={"max_pending": 1})
    server.wait_until(lambda: len(server.jobs()) == 2)
    child.kill()
    copy = copy_file(path, path.with_suffix(".copy"), with_log=False)
    remove(path)
    answer = start(journal=copy).result()
    if not is_refusal(answer):
        assert_right(answer)
        assert_paid_once_or_reported(server, copy)


def test_process_suspended_before_its_submission_and_awake_after_a_takeover_is_paid_once_or_reported(
    server, start, path
):
    server.fault("GET", STATUS, delay=0.5)
    first = start(lease=0.6)
    server.wait_until(lambda: server.requests("GET", STATUS))
    first.suspend(path)
    second = start(lease=0.6, settings={"settle_seconds": 0.3}).result()
    assert_right(second)
    first.go_on()
    answer = first.result()
    assert_right(answer)
    assert answer["counts"] == second["counts"]
    server.settle()
    assert_right(start().result())
    assert_paid_once_or_reported(server, path)


def test_process_suspended_while_it_waits_and_awake_after_a_takeover_changes_nothing(server, start, path):
    server.set_hold(True)
    first = start(lease=0.6)
    server.wait_until(lambda: len(server.jobs()) == 3)
    first.suspend(path)
    second = start(lease=0.6)
    server.wait_until(lambda: server.requests("GET", f"/jobs/{server.jobs()[0]['id']}") > 3)
    server.set_hold(False)
    answer = second.result()
    assert_right(answer)
    first.go_on()
    assert first.result()["counts"] == answer["counts"]
    assert_paid_once(server)


def test_suspended_process_does_not_hold_up_others_for_longer_than_its_lease(server, start, path, wall):
    """Not even when the clock goes back by an hour meanwhile."""
    server.set_hold(True)
    first = start(lease=1.0, clock_file=wall)
    server.wait_until(lambda: len(server.jobs()) == 3)
    first.suspend(path)
    clock.step(wall, -HOUR)
    server.set_hold(False)
    assert_right(start(lease=1.0, clock_file=wall).result(30))
    assert_paid_once(server)
