"""A journal's file that is behind the service: copies, restored backups, late submissions, and what the service lists.

Six circuits of 100 shots go out in units of two: three jobs, 600 executions. The ledger of the service says what would
have been paid for.
"""

import json
import shutil
import time
import warnings
from datetime import datetime, timezone
from types import SimpleNamespace

import numpy as np
import pytest
from runtime_server.facts import assert_result, copied
from runtime_server.store import Store
from runtime_server.work import ANGLES, ones

from qiskit_qml_ext.exceptions import (
    DuplicateExecutionWarning,
    JournalBehindError,
    JournalBehindWarning,
    RunIncompleteError,
)
from qiskit_qml_ext.primitives.journal import Journal, disown, reconcile, resume, watched
from qiskit_qml_ext.primitives.journal.disk import moments
from qiskit_qml_ext.primitives.journal.disk.rows import ATTEMPTS, remove
from qiskit_qml_ext.primitives.journal.service.account import runtime_jobs
from qiskit_qml_ext.primitives.journal.service.services import RuntimeService
from tests.primitives.journal.run.copies import agree_on_no_older, let_submissions_meet


@pytest.fixture
def backups(path, monkeypatch):
    """Copies of the journal's file, made after each step of a run: ("plan", 1), ("submitted", 1), …"""
    made = {}
    for name, step in (("ensure_units", "plan"), ("submitted", "submitted"), ("finish", "finish")):
        original = getattr(Journal, name)

        def copying(self, *arguments, original=original, step=step, **settings):
            result = original(self, *arguments, **settings)
            if self.path == path.resolve():
                number = sum(key[0] == step for key in made) + 1
                made[step, number] = self.backup(path.with_name(f"{step}{number}.journal"))
            return result

        monkeypatch.setattr(Journal, name, copying)
    return made


def idle(server):
    server.wait_until(lambda: not any(job["status"] in ("Queued", "Running") for job in server.jobs()))


def listings(server):
    return server.requests("GET", "/jobs")


# Copies and backups


AGES = [("plan", 1), ("submitted", 1), ("submitted", 2), ("finish", 1), ("finish", 2), ("finish", 3)]


@pytest.mark.parametrize(
    ("age", "how"), [*((age, "copied") for age in AGES), (AGES[0], "put back"), (AGES[3], "put back")], ids=str
)
def test_restored_backup_of_any_age_pays_for_nothing_again(server, ask, backups, path, age, how):
    first, _ = ask(path)
    backup = backups[age]
    with Journal(backup) as journal:
        units = journal.units()
        known = sum(unit.job is not None for unit in units)
        for unit in units:  # the processes of then are gone
            journal.release(unit.owner or "")
    if how == "put back":
        for item in path.parent.glob("run.journal*"):
            item.unlink()
        shutil.copy(backup, path)
        backup = path
    result, job = ask(backup)
    assert_result(result, server)
    assert len(server.jobs()) == 3
    assert job.report.submitted == 0
    assert len(job.report.adopted) == 3 - known
    assert job.report.duplicates == []
    assert np.array_equal(result[0].data.meas.array, first[0].data.meas.array)


def test_journal_that_is_lost_but_for_a_copy_made_before_any_work_finds_all_jobs(server, ask, path):
    copy = copied(path)
    ask(path)
    result, job = ask(copy)
    assert_result(result, server)
    assert len(job.report.adopted) == 3


def test_copy_taken_while_jobs_wait_shares_them_with_the_original(server, ask, backups, path):
    server.set_hold(True)
    original = ask(path, start=True)
    server.wait_until(lambda: ("submitted", 3) in backups)
    with Journal(backups["submitted", 3]) as journal:
        journal.release(journal.units()[0].owner)  # it works on the original
    copy = ask(backups["submitted", 3], start=True)
    time.sleep(0.5)
    server.set_hold(False)
    assert_result(original.result(60), server)
    assert_result(copy.result(60), server)
    assert len(server.jobs()) == 3
    assert original.report.duplicates == copy.report.duplicates == []


def test_copies_used_one_after_the_other_take_over_each_others_work(server, ask, path):
    copy = copied(path)
    ask(path, ANGLES[:4])
    result, job = ask(copy)
    assert_result(result, server)
    assert len(job.report.adopted) == 2
    assert job.report.submitted == 1
    result, job = ask(path)
    assert_result(result, server)
    assert len(job.report.adopted) == 1
    assert job.report.submitted == 0


def test_of_two_copies_that_submit_the_same_at_once_the_younger_takes_its_jobs_back(server, ask, path, monkeypatch):
    """The worst case: each has looked for the other's jobs before either submits."""
    copy = copied(path)
    server.set_hold(True)
    let_submissions_meet(monkeypatch)
    jobs = [ask(name, start=True) for name in (path, copy)]
    server.wait_until(lambda: sum(job["status"] == "Cancelled" for job in server.jobs()) == 3)
    server.set_hold(False)
    results = [job.result(60) for job in jobs]
    assert_result(results[0], server)
    assert np.array_equal(results[0][0].data.meas.array, results[1][0].data.meas.array)
    assert sum(item.executed for job in jobs for item in job.report.duplicates) == 0


def test_what_two_copies_execute_both_is_reported_by_both(server, ask, path, monkeypatch):
    copy = copied(path)
    let_submissions_meet(monkeypatch)
    agree_on_no_older(monkeypatch)
    jobs = [ask(name, start=True) for name in (path, copy)]
    for job in jobs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DuplicateExecutionWarning)
            assert_result(job.result(60), server, executions=server.executions())
    idle(server)
    executed = set(server.executed_jobs())
    assert server.executions() == 1200
    for name in (path, copy):
        with pytest.warns(DuplicateExecutionWarning, match=r"3 jobs.*another copy of the journal"):
            ask(name)
        with Journal(name) as journal:
            mine = {unit.job for unit in journal.units()}
            assert {item.job for item in journal.duplicates() if item.executed} == executed - mine


def test_unit_halved_by_the_run_that_was_lost_is_halved_again(server, ask, backups, path):
    server.store.set("execution_limit", 200)
    ask(path, max_executions=600)
    jobs = len(server.jobs())
    result, job = ask(backups["plan", 1], max_executions=600)
    assert_result(result, server)
    assert len(server.jobs()) == jobs
    assert job.report.submitted == 0


def test_budget_is_asked_for_what_is_left_only(server, ask, backups, path):
    ask(path, ANGLES[:4])
    approved = []
    for angles in (ANGLES[:4], ANGLES):
        result, _ = ask(backups["plan", 1], angles, approve=lambda work: approved.append(sum(n for _, n in work)))
    assert_result(result, server)
    assert approved == [0, 200]


def test_budget_is_asked_for_all_while_the_service_cannot_be_asked(server, ask, backups, path):
    ask(path)
    server.fault("GET", "/jobs", times=1, replace="<html>")
    approved = []
    result, _ = ask(backups["plan", 1], approve=lambda work: approved.append(sum(n for _, n in work)))
    assert_result(result, server)
    assert approved == [600]


# Jobs for which there is no place


@pytest.fixture
def behind(ask, path, server):
    """A copy of a journal's file from before any of its work, which the service has done in three jobs."""
    copy = copied(path)
    ask(path)
    return copy


def test_jobs_that_match_no_work_stop_a_run_before_it_pays(server, ask, path, behind):
    with pytest.raises(JournalBehindError, match=r"has 2 jobs .*All of them were submitted with .*newest.*disown"):
        ask(behind, max_executions=300)  # cut otherwise than before, but for a half of a half
    third = path.with_name("third.journal")
    shutil.copy(path, third)
    ask(third, [0.1, 0.2])
    with pytest.raises(JournalBehindError, match=r"has 1 job .*It was submitted with another copy of it.* disown"):
        ask(path, [0.3])
    assert len(server.jobs()) == 4


def test_run_that_has_nothing_to_submit_only_warns_of_jobs_that_match_no_work(server, ask, path, behind):
    ask(path, [0.1, 0.2])
    with pytest.warns(JournalBehindWarning, match=r"has 1 job of this journal.*are the same work"):
        result, job = ask(behind)
    assert_result(result, server, executions=800)
    assert len(job.report.unknown) == 1


def test_disowned_jobs_stay_on_record_and_are_taken_over_when_they_are_wanted(server, ask, behind):
    with pytest.raises(JournalBehindError):
        ask(behind, [0.1, 0.2])
    with Journal(behind) as journal:
        assert len(disown(journal, server.service())) == 3
        assert disown(journal, server.service()) == []
        assert [item.executed for item in journal.duplicates()] == [True] * 3
    ask(behind, [0.1, 0.2])
    result, job = ask(behind)
    assert_result(result, server, executions=800)
    assert job.report.submitted == 0
    assert job.report.duplicates == []
    assert Journal(behind).duplicates() == []


def test_jobs_that_failed_or_were_cancelled_elsewhere_are_no_loss(server, ask, path):
    copy = copied(path)
    server.fail_next(3)
    with pytest.raises(RunIncompleteError):
        ask(path, max_retries=0)
    result, job = ask(copy)
    assert_result(result, server)
    assert job.report.submitted == 3
    assert job.report.duplicates == [] or not any(item.executed for item in job.report.duplicates)


def test_resume_takes_over_what_the_file_does_not_know(server, ask, backups, path):
    ask(path)
    with Journal(backups["plan", 1]) as journal:
        done = resume(journal, server.service())
        assert (done.adopted, done.fetched, done.unknown) == (3, 3, 0)
        assert [unit.state for unit in journal.units()] == ["done"] * 3


def test_jobs_of_others_and_tags_that_look_like_ours_are_left_alone(server, ask, path):
    ask(path)
    tags = server.jobs()[0]["tags"]
    foreign = [
        ["qmlx-0123456789", *(tag.replace(tags[0], "qmlx-0123456789") for tag in tags[1:])],
        [tags[0]],
        [tags[0], "qmlx", f"{tags[0]}-", f"{tags[0]}-c12", "c" * 20, "ü" * 50],
        [tags[1]],
    ]
    for item in foreign:
        server.submit_again(tags=json.dumps(item))
    idle(server)
    result, job = ask(path, np.concatenate([ANGLES, [0.5]]))
    assert job.report.submitted == 1
    assert job.report.duplicates == []
    assert Journal(path).duplicates() == []
    assert ones(result)[5] == 100


# What arrives late


def test_submission_that_arrives_after_the_last_result_is_reported_by_the_next_run(server, ask, path):
    ask(path)
    late = server.submit_again()
    idle(server)
    with pytest.warns(DuplicateExecutionWarning, match=rf"executed 1 job .*{late}"):
        result, job = ask(path)
    assert_result(result, server, executions=800)
    assert [(item.job, item.executed) for item in job.report.duplicates] == [(late, True)]


def test_submission_that_arrives_late_is_cancelled_while_it_waits(server, ask, path):
    ask(path)
    server.set_hold(True)
    late = server.submit_again()
    _, job = ask(path)
    assert [(item.job, item.executed) for item in job.report.duplicates] == [(late, False)]
    server.set_hold(False)
    assert server.executions() == 600


def test_watch_ends_when_the_jobs_were_listed_long_after_the_submissions(server, ask, path):
    ask(path)
    assert watched(Journal(path)) == 3
    ask(path, watch_seconds=0.0)
    assert watched(Journal(path)) == 0
    before = listings(server)
    ask(path)
    assert listings(server) == before


def test_watch_begins_anew_after_a_restart_of_the_machine(server, ask, path, monkeypatch):
    ask(path)
    monkeypatch.setattr(moments, "boot_id", lambda: "another start")
    ask(path, watch_seconds=0.0)  # ticks of before say nothing
    assert watched(Journal(path)) == 3
    ask(path, watch_seconds=0.0)
    assert watched(Journal(path)) == 0


def test_finished_work_whose_submissions_are_watched_is_there_without_the_service(server, ask, path):
    ask(path)
    server.fault("GET", "/jobs", times=1000, status=401)
    began = time.monotonic()
    result, _ = ask(path)
    assert_result(result, server)
    server.kill()
    result, _ = ask(path)
    assert_result(result, server)
    assert time.monotonic() - began < 40
    assert watched(Journal(path)) == 3


def test_process_that_was_suspended_in_its_submission_reports_its_job(server, ask, path, monkeypatch):
    """Another process takes the unit over, submits it and has its result before the answer comes."""
    original = RuntimeService.submit

    def submit(self, *arguments, **settings):
        monkeypatch.setattr(RuntimeService, "submit", original)
        job = original(self, *arguments, **settings)
        main, server.store = server.store, Store(server.folder)  # one object for each thread
        server.store.write("UPDATE jobs SET tags = '[]' WHERE id = ?", job.job_id())  # not listed yet
        with Journal(path) as journal:
            (unit,) = [unit for unit in journal.units() if unit.state == "submitting"]
            journal.take_over(unit.id, owner="other", gone=unit.owner)
        server.submit_again(tags=json.dumps(settings["tags"]))
        with Journal(path) as journal:
            journal.submitted(unit.id, tag=settings["tags"][-1], job=server.jobs()[-1]["id"], session=None)
            journal.release("other")
        idle(server)
        server.store.write("UPDATE jobs SET tags = ? WHERE id = ?", json.dumps(settings["tags"]), job.job_id())
        server.store = main
        return job

    monkeypatch.setattr(RuntimeService, "submit", submit)
    with pytest.warns(DuplicateExecutionWarning, match=r"executed 1 job"):
        result, _ = ask(path)
    assert_result(result, server, executions=800)
    (duplicates,) = Journal(path).duplicates()
    assert duplicates.job == server.jobs()[0]["id"]


# What the service answers


@pytest.mark.parametrize(
    "fault",
    [{"status": 503}, {"drop": True}, {"truncate": 0.5}, {"replace": "<html>"}, {"replace": "{}"}],
    ids=["503", "dropped", "truncated", "page", "other"],
)
def test_nothing_is_submitted_before_the_jobs_could_be_listed(server, ask, behind, fault):
    server.fault("GET", "/jobs", times=2, **fault)
    result, job = ask(behind)
    assert_result(result, server)
    assert job.report.submitted == 0


def test_thousand_jobs_of_a_journal_are_listed_in_a_few_answers(server, ask, backups, path):
    ask(path)
    tags = json.dumps(server.jobs()[0]["tags"][:1])
    for number in range(1000):
        server.submit_again(tags=tags, status="Completed", params="{}", created=time.time() - number)
    with Journal(backups["plan", 1]) as journal:
        before, began = listings(server), time.monotonic()
        assert len(reconcile(journal, server.service())) == 0
        assert listings(server) - before == 6
        assert len([unit for unit in journal.units() if unit.job is not None]) == 3
        assert time.monotonic() - began < 60


def test_submission_to_another_instance_is_not_sent_again(server, ask, path, monkeypatch):
    server.fault("POST", "/jobs", times=1, after=True, drop=True)
    job = ask(path, start=True, settle_seconds=1e6)
    server.wait_until(lambda: len(server.jobs()) == 1)
    job.cancel()
    with pytest.raises(RunIncompleteError):
        job.result(60)
    monkeypatch.setattr(RuntimeService, "places", property(lambda self: ("ffff",)))
    server.store.write("UPDATE jobs SET tags = '[]'")
    with pytest.raises(RunIncompleteError, match=r"another instance of the service.*cancel --unit 1"):
        ask(path)
    assert len(server.jobs()) == 3


def test_limit_on_pending_jobs_is_waited_out(server, ask, path):
    words = "You have reached the maximum number of pending jobs"
    body = {"errors": [{"code": 3458, "message": words}]}
    server.fault("POST", "/jobs", times=3, status=400, body=body)
    result, job = ask(path, patience_seconds=100)
    assert_result(result, server)
    assert len(server.jobs()) == 3
    assert job.report.submitted == 3


def test_refusal_for_now_has_an_end_where_none_of_this_work_is_pending(server, ask, path):
    body = {"errors": [{"code": 3458, "message": "You have reached the maximum number of pending jobs"}]}
    server.fault("POST", "/jobs", times=1000, status=400, body=body)
    with pytest.raises(RunIncompleteError, match=r"took no job for .*maximum number of pending jobs.*Nothing is lost"):
        ask(path, patience_seconds=1.0)
    assert server.executions() == 0


def test_tags_are_short_and_say_whose_work_it_is(server, ask, path):
    ask(path)
    journal = Journal(path)
    for job, unit in zip(server.jobs(), journal.units(), strict=True):
        assert job["tags"][:2] == [journal.tag, f"{journal.tag}-c{unit.content.hex()}"]
        assert job["tags"][2] == unit.tag
        assert unit.tag.startswith(f"{journal.tag}-{journal.lineage}-")
        assert max(map(len, job["tags"])) <= 40


def test_copy_of_a_file_has_another_lineage_and_knows_the_former_one(path):
    first = Journal(path)
    first.close()
    copy = copied(path)
    second = Journal(copy)
    assert second.tag == first.tag
    assert second.lineage != first.lineage
    assert second.former_lineages == (first.lineage,)
    assert Journal(path).lineage == first.lineage
    assert Journal(copy).lineage == second.lineage


class ListedService:
    """Lists jobs page by page like the client; one more is submitted and one deleted between two pages."""

    def __init__(self, jobs):
        self.jobs_left = list(jobs)
        self.asked = []

    def jobs(self, *, limit, skip, job_tags, instance, descending):
        assert not descending
        self.asked.append((limit, skip, job_tags, instance))
        page = self.jobs_left[skip : skip + limit]
        if len(self.asked) == 1:
            del self.jobs_left[3]
            self.jobs_left.append(listed_job("new", 9_999))
        return page


def listed_job(name, seconds, tags=("mine",)):
    created = datetime.fromtimestamp(seconds, timezone.utc)
    return SimpleNamespace(job_id=lambda: name, tags=list(tags), creation_date=created)


def test_listing_is_complete_though_jobs_come_and_go_between_its_pages():
    jobs = [listed_job(f"job{number}", 1000 + number) for number in range(450)]
    jobs.insert(7, listed_job("other", 1006.5, tags=["mine too"]))
    service = ListedService(jobs)
    found = [job.job_id() for job in runtime_jobs(service, "mine", "crn")]
    assert found == [f"job{number}" for number in range(450)] + ["new"]
    assert service.asked == [(200, skip, ["mine"], "crn") for skip in (0, 199, 398)]


def test_jobs_are_listed_on_the_instance_of_the_backend(server, backend, ask, path, monkeypatch):
    asked = []
    original = type(backend.service).jobs

    def jobs(self, **settings):
        asked.append(settings["instance"])
        return original(self, **settings)

    monkeypatch.setattr(type(backend.service), "jobs", jobs)
    ask(path)
    assert set(asked) == {backend._instance}
    assert backend._instance.startswith("crn:")


def test_threads_that_take_over_the_same_job_report_nothing(server, ask, behind):
    jobs = [ask(behind, start=True) for _ in range(3)]
    for job in jobs:
        assert_result(job.result(60), server)
        assert job.report.duplicates == []
    assert Journal(behind).duplicates() == []


def test_job_of_a_result_whose_attempt_was_lost_to_damage_is_not_reported(server, ask, path):
    ask(path)
    with Journal(path) as journal, journal._transaction() as database:
        remove(database, ATTEMPTS, "unit = ?", [2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(path)
    units = Journal(path).units()
    assert [unit.job for unit in units] == [job["id"] for job in server.jobs()]
    assert Journal(path).duplicates() == []
