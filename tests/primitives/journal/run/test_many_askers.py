"""Threads, processes and tasks of an event loop that ask one journal for the same work at once."""

import pytest
from runtime_server.facts import assert_paid_once, assert_right


@pytest.mark.parametrize("task", ["threads", "loop"])
def test_askers_in_one_process_share_the_work(server, start, task):
    server.store.set("job_seconds", 0.1)
    answer = start(task, number=6).result()
    assert_right(answer)
    assert answer["all"] == [answer["counts"]] * 6
    assert_paid_once(server)


def test_processes_share_the_work(server, start):
    server.store.set("job_seconds", 0.2)
    answers = [child.result() for child in [start() for _ in range(4)]]
    for answer in answers:
        assert_right(answer)
        assert answer["counts"] == answers[0]["counts"]
    assert sum(answer["submitted"] for answer in answers) == 3
    assert_paid_once(server)


def test_threads_that_ask_one_connection_for_one_kernel_share_it(server, start):
    answer = start("kernel", number=6).result()
    assert answer["error"] is None
    assert answer["all"] == [answer["all"][0]] * 6
    assert_paid_once(server, asked=6 * 100)  # four samples are six pairs


def test_processes_that_overlap_in_part_pay_each_item_once(server, start):
    """The 0 and the half turn of two angles are two of the six."""
    server.store.set("job_seconds", 0.2)
    children = [start(), start(angles=2), start(angles=11)]
    for child, angles in zip(children, (6, 2, 11), strict=True):
        assert_right(child.result(), angles=angles)
    assert_paid_once(server, asked=11 * 100)  # every angle of six is one of eleven
