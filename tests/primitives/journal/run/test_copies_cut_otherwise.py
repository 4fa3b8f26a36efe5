"""Two copies of a journal at once whose programs cut the same work differently, and what listing jobs costs.

Six circuits of 100 shots: in units of two by one program, of three by the other. The first units of neither are units
of the other, nor halves of one.
"""

import json
import logging
import time
import warnings
from datetime import datetime, timezone
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from runtime_server.facts import copied
from runtime_server.work import ANGLES, ones

from qiskit_qml_ext.commands.jobs import command
from qiskit_qml_ext.exceptions import (
    DuplicateExecutionWarning,
    JournalBehindError,
    JournalBehindWarning,
    RunIncompleteError,
)
from qiskit_qml_ext.primitives.journal import Journal, disown, reconcile
from qiskit_qml_ext.primitives.journal.service import account
from qiskit_qml_ext.primitives.journal.service.account import runtime_jobs
from qiskit_qml_ext.primitives.journal.store import listings
from tests.primitives.journal.run.copies import agree_on_no_older, let_submissions_meet


@pytest.fixture
def ask(ask):
    def start(journal, per_unit=2, *, angles=ANGLES, **settings):
        settings = {"max_executions": 100 * per_unit, "max_pending": 1, **settings}
        return ask(journal, angles, start=True, **settings)

    return start


@pytest.fixture
def copies(path):
    """A new journal and a copy of it, each opened."""
    with Journal(copied(path)) as second, Journal(path) as first:
        yield first, second


@pytest.fixture
def meeting(monkeypatch):
    """Lets two programs submit their first jobs at once."""
    let_submissions_meet(monkeypatch, first=1)


def outcomes(jobs):
    found = []
    for job in jobs:
        try:
            found.append(job.result(60))
        except JournalBehindError as error:
            found.append(error)
    return found


def cost(journal):
    return CliRunner().invoke(command, [str(journal.path), "cost"]).output


def test_of_two_copies_that_cut_the_same_differently_the_younger_takes_its_job_back_and_stops(
    server, ask, copies, meeting
):
    server.set_hold(True)
    jobs = [ask(journal, per_unit) for journal, per_unit in zip(copies, (2, 3), strict=True)]
    server.wait_until(lambda: sum(job["status"] == "Cancelled" for job in server.jobs()) == 1)
    server.set_hold(False)
    found = outcomes(jobs)
    errors = [error for error in found if isinstance(error, JournalBehindError)]
    (result,) = [result for result in found if not isinstance(result, JournalBehindError)]
    assert len(errors) == 1
    assert np.all(np.abs(ones(result) - 100 * np.sin(ANGLES / 2) ** 2) <= 30)
    server.settle()
    assert server.executions() == 600


def test_copies_that_cut_the_same_differently_stop_before_their_next_jobs_and_count_what_the_other_paid(
    server, ask, copies, meeting, monkeypatch
):
    agree_on_no_older(monkeypatch)
    jobs = [ask(journal, per_unit) for journal, per_unit in zip(copies, (2, 3), strict=True)]
    found = outcomes(jobs)
    server.settle()
    assert all(isinstance(error, JournalBehindError) for error in found)
    assert server.executions() == 500, "each had submitted one job when it saw the other's"
    ids = server.executed_jobs()
    for journal, job in zip(copies, jobs, strict=True):
        (mine,) = [unit.job for unit in journal.units() if unit.job]
        others = [name for name in ids if name != mine]
        assert job.report.unknown == others
        assert journal.unknown() == others
        assert f"Submitted by a copy of this journal, or with this file before it lost work, and not counted above: " \
               f"{others[0]}" in cost(journal)  # fmt: skip


def test_jobs_of_a_copy_are_counted_as_its_own_until_they_are_disowned(server, ask, copies):
    first, second = copies
    ask(first).result(60)
    with pytest.raises(JournalBehindError):
        ask(second, 3).result(60)
    assert len(second.unknown()) == 2  # the third is the half of a half
    disown(second, server.service())
    assert second.unknown() == []
    assert "Submitted by a copy" not in cost(second)
    assert cost(second).count("Submitted with another copy of this journal") == 1


def test_sound_copy_whose_original_went_on_is_not_said_to_have_lost_work(server, ask, copies):
    first, second = copies
    ask(first).result(60)
    with pytest.raises(JournalBehindError) as caught:
        ask(second, 3).result(60)
    words = str(caught.value)
    assert "All of them were submitted with the file that this one is a copy of" in words
    assert "Either another copy of the journal was or is in use, or this file is older than its own work" in words
    assert "so the file lost work" not in words


def test_run_that_submitted_is_not_said_to_have_had_nothing_to_submit(server, ask, copies, monkeypatch):
    monkeypatch.setattr(listings, "_SHARE", 0.0)  # reconciles a moment after another
    first, second = copies
    server.set_hold(True)
    job = ask(first, 6)
    server.wait_until(lambda: len(server.jobs()) == 1)
    tags = server.jobs()[0]["tags"]
    stray = [tags[0], f"{tags[0]}-c{'1' * 20}", f"{tags[0]}-{second.lineage}-0000-1-abcdef"]
    server.submit_again(tags=json.dumps(stray))
    server.set_hold(False)
    with pytest.warns(JournalBehindWarning) as caught:
        job.result(60)
    assert job.report.submitted == 1
    assert "had nothing to submit" not in str(caught[0].message)
    assert "paid twice" in str(caught[0].message)


# What listing costs


def test_jobs_are_listed_about_once_for_each_submission(server, ask, path):
    with Journal(path) as journal:
        ask(journal, 1, max_pending=3).result(60)
    assert len(server.jobs()) == 6
    assert server.requests("GET", "/jobs") <= 6 + 2 + 2  # two for the run, and two more for pauses of the machine


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}, {"delay": 30}], ids=["503", "dropped", "silent"])
def test_finished_work_waits_three_seconds_at_most_for_the_service_and_says_so(server, ask, path, fault, caplog):
    with Journal(path) as journal:
        ask(journal).result(60)
    server.fault("GET", "/jobs", times=1000, **fault)
    began = time.monotonic()
    with Journal(path) as journal, caplog.at_level(logging.WARNING):
        job = ask(journal)
        assert ones(job.result(60))[-1] == 100
    assert time.monotonic() - began < 8
    assert job.report.unlisted
    assert "could not be listed" in caplog.text


class Listed:
    """Lists jobs page by page, like the client."""

    def __init__(self, number):
        self.asked = []
        date = [datetime.fromtimestamp(1000 + place, timezone.utc) for place in range(number)]
        self.all = [
            SimpleNamespace(job_id=lambda name=f"job{place}": name, tags=["mine"], creation_date=date[place])
            for place in range(number)
        ]

    def jobs(self, *, limit, skip, job_tags, instance, descending):
        self.asked.append((skip, descending))
        return (self.all[::-1] if descending else self.all)[skip : skip + limit]


def test_only_the_newest_jobs_of_a_long_list_are_listed_where_the_others_are_accounted_for():
    service = Listed(1000)
    known = {f"job{place}" for place in range(700)}
    found = [job.job_id() for job in runtime_jobs(service, "mine", None, known)]
    assert found[-300:] == [f"job{place}" for place in range(700, 1000)]
    assert service.asked == [(0, True), (199, True)]


def test_disowned_work_is_taken_over_though_it_is_older_than_what_is_listed(server, ask, copies, monkeypatch):
    first, second = copies
    ask(first).result(60)
    reconcile(second, server.service())
    disown(second, server.service())
    monkeypatch.setattr(account, "_PAGE", 2)
    ask(second, angles=[0.1, 0.2]).result(60)
    job = ask(second)
    job.result(60)
    assert job.report.submitted == 0
    server.settle()
    assert server.executions() == 800


# Jobs that vanish


def test_job_deleted_while_it_is_waited_for_is_lost_and_the_others_go_on(server, ask, path):
    server.set_hold(True)
    with Journal(path) as journal:
        job = ask(journal, max_pending=3)
        server.wait_until(lambda: len(server.jobs()) == 3)
        time.sleep(0.3)
        gone = server.jobs()[1]["id"]
        server.store.write("DELETE FROM jobs WHERE id = ?", gone)
        server.set_hold(False)
        with pytest.raises(RunIncompleteError, match=rf"1 of 3 units.*service does not know the job {gone}"):
            job.result(60)
        assert [unit.state for unit in journal.units()] == ["done", "lost", "done"]
    assert server.executions() == 400


def test_errors_that_are_answers_are_not_called_silence(server, ask, path):
    server.set_hold(True)
    with Journal(path) as journal:
        job = ask(journal, 6)
        server.wait_until(lambda: len(server.jobs()) == 1)
        body = {"errors": [{"code": 4711, "message": "An answer that nobody knows."}]}
        server.fault("GET", f"/jobs/{server.jobs()[0]['id']}", times=1000, status=418, body=body)
        with pytest.raises(
            RunIncompleteError, match=r"questions to the service in a row ended in errors.*nobody knows"
        ):
            job.result(60)


# What the user is told to do


def test_copies_that_executed_the_same_ask_for_no_refund(server, ask, copies, meeting, monkeypatch):
    agree_on_no_older(monkeypatch)
    jobs = [ask(journal, 6) for journal in copies]
    for job in jobs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DuplicateExecutionWarning)
            job.result(60)
    server.settle()
    assert server.executions() == 1200
    for journal in copies:
        with Journal(journal.path) as again, pytest.warns(DuplicateExecutionWarning) as caught:
            ask(again, 6).result(60)
        words = str(caught[0].message)
        assert "count each pair once" in words
        assert "support" not in words


def test_job_that_ran_too_long_is_not_said_to_do_better_when_run_again(server, ask, path):
    server.fail_next(1, reason="Error code 1305; Job ran longer than the maximum execution time.", code=1305)
    with (
        Journal(path) as journal,
        pytest.raises(RunIncompleteError, match=r"use fewer shots.*before the next") as caught,
    ):
        ask(journal, 1, angles=[0.5]).result(60)
    assert "Run the same again" not in str(caught.value)


def test_job_that_a_copy_took_back_is_waited_for_no_more_where_there_is_another(server, ask, copies):
    server.set_hold(True)
    first, second = copies
    original = ask(first, 6)
    server.wait_until(lambda: len(server.jobs()) == 1)
    job = ask(second, 6)
    server.wait_until(lambda: any(unit.job for unit in second.units()))
    tags = server.jobs()[0]["tags"]
    other = server.submit_again(tags=json.dumps([*tags[:2], f"{tags[0]}-abcd-0000-1-abcdef"]))
    server.store.write("UPDATE jobs SET status = 'Cancelled' WHERE id != ?", other)
    server.set_hold(False)
    assert ones(job.result(60))[-1] == 100
    assert ones(original.result(60))[-1] == 100
    server.settle()
    assert server.executions() == 600
