"""What an account may use: named, or read from what the service says, of which nothing is believed that cannot be."""

import math

import pytest

from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives import Quota, connect
from qiskit_qml_ext.primitives.pricing import OPEN_PLAN, Spending, Spent, TimeLimit
from qiskit_qml_ext.primitives.pricing.quota import InstanceUsage, seconds_or_none


def test_open_plan_is_ten_minutes_in_28_days_three_hours_a_job_and_no_sessions():
    assert (OPEN_PLAN.max_seconds, OPEN_PLAN.window_seconds) == (10 * 60, 28 * 24 * 3600)
    assert (OPEN_PLAN.max_job_seconds, OPEN_PLAN.has_sessions) == (3 * 3600, False)
    assert str(OPEN_PLAN) == "the Open Plan has 600 s of processor time in 28 days"


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -1, True, "12", [3], {}])
def test_no_time_is_made_of_what_is_none(value):
    assert seconds_or_none(value) is None
    assert InstanceUsage.of({"usage_remaining_seconds": value}).remaining_seconds is None


@pytest.mark.parametrize("answer", [None, "600", [], {}, {"usage_consumed_seconds": 3}])
def test_an_answer_that_does_not_say_what_is_left_limits_nothing(answer):
    usage = InstanceUsage.of(answer)
    assert usage.remaining_seconds is None
    assert Spending(asks_service=True).limits_now(usage) == ()


def test_what_is_left_is_read_or_reckoned():
    assert InstanceUsage.of({"usage_limit_seconds": 600, "usage_consumed_seconds": 90}).remaining_seconds == 510
    assert InstanceUsage.of({"usage_limit_seconds": 600, "usage_consumed_seconds": 900}).remaining_seconds == 0
    assert InstanceUsage.of({"usage_remaining_seconds": 7.5}).remaining_seconds == 7.5
    assert InstanceUsage.of({"usage_remaining_seconds": 7.5, "usage_limit_reached": True}).remaining_seconds == 0


def test_a_limit_adds_up_what_was_used_what_is_reserved_and_what_is_wanted():
    limit = TimeLimit(10.0, "max_qpu_seconds is 10.0 s")
    limit.refuse(Spent(4.0, 3.0, 2), 3.0)
    words = (
        r"predicted to take 3\.1 s of processor time, 10\.1 s together with 4\.0 s that finished jobs of this journal "
        r"took and 3\.0 s reserved for 2 jobs whose time is not known yet, but max_qpu_seconds is 10\.0 s\."
    )
    with pytest.raises(BudgetExceededError, match=words):
        limit.refuse(Spent(4.0, 3.0, 2), 3.1)
    TimeLimit(10.0, "", counts_used=False).refuse(Spent(400.0, 3.0, 2), 7.0)  # the service took the used ones off
    assert limit.room(Spent(4.0, 3.0, 2), 3.0).endswith("took or will take 7.0 s of it, 3.0 s are left.")
    assert "not enough for all of this" in limit.room(Spent(4.0, 3.0, 2), 3.1)


def test_a_job_longer_than_a_plan_allows_is_refused_whatever_else_is_left():
    spending = Spending(quota=OPEN_PLAN)
    spending.refuse_job(10_800.0)
    with pytest.raises(BudgetExceededError, match=r"a job of the Open Plan may take 10,800 s.*max_executions_per_job"):
        spending.refuse_job(10_801.0)
    with pytest.raises(BudgetExceededError, match="reports no durations"):
        spending.refuse_job(None)


def test_settings_that_cannot_hold_are_refused_when_connecting(tmp_path):
    journal = tmp_path / "run.journal"
    for settings in ({"max_qpu_seconds": 60}, {"quota": "open"}, {"quota": Quota("mine", 60.0)}):
        with pytest.raises(ValueError, match="they need one"):
            connect("fake_manila", **settings)
        connect("fake_manila", journal=journal, **settings)
    with pytest.raises(ValueError, match=r"The Open Plan has no sessions\. Use mode=.job"):
        connect("fake_manila", journal=journal, quota="open", mode="session")
    with pytest.raises(ValueError, match="quota='service' means nothing for fake_manila"):
        connect("fake_manila", journal=journal, quota="service")
    with pytest.raises(ValueError, match="quota must be"):
        connect("fake_manila", journal=journal, quota="premium")
    with pytest.raises(TypeError, match=r"quota must be 'open', 'service', a Quota or None, but 3 \(int\) came"):
        connect("fake_manila", journal=journal, quota=3)
    for name, value in (("max_seconds", -1.0), ("window_days", math.nan), ("max_job_seconds", "ten")):
        with pytest.raises((ValueError, TypeError), match=name):
            Quota(**{"name": "mine", "max_seconds": 60.0, name: value})
    with pytest.raises(TypeError, match="name must be a text"):
        Quota("", 60.0)
