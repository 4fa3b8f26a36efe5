"""Journals that are behind the service: files copied without their log, backups put back, two copies at once."""

import pytest
from runtime_server.facts import (
    assert_paid_once,
    assert_paid_once_or_reported,
    assert_right,
    backup,
    copy_file,
    is_refusal,
    remove,
    reported,
)

ONE_AT_A_TIME = {"max_pending": 1}


def assert_went_on_or_stopped(server, answer, *journals):
    """The copy brought the right counts and nothing was paid twice in silence, or it stopped and said why."""
    if is_refusal(answer):
        server.settle()
        assert server.executions() <= 600, "it stopped, but not before it paid twice"
    else:
        assert_right(answer)
        assert_paid_once_or_reported(server, *journals)


@pytest.mark.parametrize("with_log", [False, True], ids=["file", "file and log"])
@pytest.mark.parametrize("done", [200, 600])
def test_copy_of_a_killed_runs_file_does_not_pay_again(server, start, path, tmp_path, with_log, done):
    server.store.set("job_seconds", 0.3)
    child = start(settings=ONE_AT_A_TIME)
    server.wait_until(lambda: server.executions() >= done)
    child.kill()
    copy = copy_file(path, tmp_path / "elsewhere.journal", with_log=with_log)
    remove(path)
    assert_went_on_or_stopped(server, start(journal=copy).result(), copy)


def test_file_alone_is_worth_copying_after_each_result(server, start, path, tmp_path):
    """What a run fetched is in the file itself: of a copy of it only the unit under way is asked for again."""
    server.store.set("job_seconds", 0.4)
    child = start(settings=ONE_AT_A_TIME)
    server.wait_until(lambda: server.executions() >= 400)
    server.wait_until(lambda: len(server.jobs()) == 3)  # by now the second result is written
    child.kill()
    copy = copy_file(path, tmp_path / "elsewhere.journal", with_log=False)
    answer = start(journal=copy).result()
    assert_right(answer)
    assert answer["submitted"] <= 1
    assert_paid_once(server)


@pytest.mark.parametrize("when", ["planned", "partly done"])
def test_older_backup_put_back_does_not_pay_again(server, start, path, tmp_path, when):
    server.set_hold(when == "planned")
    server.store.set("job_seconds", 0.3)
    child = start(settings=ONE_AT_A_TIME)
    if when == "planned":
        server.wait_until(lambda: len(server.jobs()) == 1)
    else:
        server.wait_until(lambda: len(server.jobs()) == 2)
    saved = backup(path, tmp_path / "saved")
    server.set_hold(False)
    assert_right(child.result())
    remove(path)
    backup(saved, path)
    assert_went_on_or_stopped(server, start().result(), path)


def test_backup_from_before_a_second_request_does_not_pay_that_again(server, start, path, tmp_path):
    assert_right(start(angles=2).result(), angles=2)
    saved = backup(path, tmp_path / "saved")
    first = start().result()
    assert_right(first)
    paid = server.executions()
    remove(path)
    backup(saved, path)
    answer = start().result()
    server.settle()
    if is_refusal(answer):
        assert server.executions() == paid
    else:
        assert_right(answer)
        assert server.executions() == paid + server.executions_of(reported(path))


def test_copy_run_after_the_original_does_not_pay_again(server, start, path, tmp_path):
    server.set_hold(True)
    child = start(settings=ONE_AT_A_TIME)
    server.wait_until(lambda: len(server.jobs()) == 1)
    copy = backup(path, tmp_path / "copy.journal")
    server.set_hold(False)
    assert_right(child.result())
    assert_went_on_or_stopped(server, start(journal=copy).result(), path, copy)


def test_two_copies_side_by_side_pay_once_or_report_or_stop(server, start, path, tmp_path):
    assert_right(start(angles=2).result(), angles=2)
    copy = backup(path, tmp_path / "copy.journal")
    server.store.set("job_seconds", 0.2)
    children = [start(), start(journal=copy)]
    answers = [child.result() for child in children]
    if all(is_refusal(answer) for answer in answers):
        answers = [start().result()]  # one of them can go on alone
    answers = [answer for answer in answers if not is_refusal(answer)]
    assert answers
    for answer in answers:
        assert_right(answer)
    server.settle()
    for journal in (path, copy):  # what the other did meanwhile is seen at the next run at the latest
        again = start(journal=journal).result()
        if not is_refusal(again):
            assert_right(again)
    server.settle()
    beyond = server.executions() - 600
    assert server.executions_of(reported(path, copy)) >= beyond
