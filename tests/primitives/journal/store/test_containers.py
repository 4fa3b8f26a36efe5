"""Processes in two PID namespaces with the same host name, as containers of one image have them, share a journal."""

import pytest
from runtime_server.facts import assert_paid_once, assert_right
from runtime_server.nursery import Nursery, container

COMMAND, WHY_NOT = container()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMMAND is None, reason=f"This machine allows no new PID namespaces: {WHY_NOT}"),
]


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    """Two containers, each with a process that starts others."""
    with (
        Nursery(tmp_path_factory.mktemp("first"), COMMAND) as first,
        Nursery(tmp_path_factory.mktemp("second"), COMMAND) as second,
    ):
        yield first, second


@pytest.fixture
def inside(boxes, server, path):
    """Starts a process in one of the containers."""

    def begin(box, **spec):
        return boxes[box].start("sample", server, journal=path, **spec)

    yield begin
    for box in boxes:
        box.clear()


def test_owner_that_lives_in_another_container_keeps_its_claim(server, inside):
    server.slow_post(None)
    first = inside(0)
    server.wait_until(lambda: server.requests("POST", "/jobs"))
    second = inside(1, settings={"settle_seconds": 0.2})
    server.open_gate_after(400)  # the second has done the two units that are left
    for child in (first, second):
        assert_right(child.result())
    assert_paid_once(server)
    assert len(server.jobs()) == 3


def test_owner_that_died_in_another_container_is_followed_after_its_lease(server, inside):
    server.set_hold(True)
    first = inside(0, lease=1.0)
    server.wait_until(lambda: len(server.jobs()) == 3)
    first.kill()
    server.set_hold(False)
    answer = inside(1, lease=1.0).result(30)
    assert_right(answer)
    assert answer["submitted"] == 0
    assert_paid_once(server)


def test_living_owner_whose_number_belongs_to_another_process_here_keeps_its_claim(server, inside, start):
    """From outside the owner's number in its container means another process, or none."""
    server.slow_post(None)
    first = inside(0)
    server.wait_until(lambda: server.requests("POST", "/jobs"))
    second = start(settings={"settle_seconds": 0.2})
    server.open_gate_after(400)  # the second has done the two units that are left
    for child in (first, second):
        assert_right(child.result())
    assert_paid_once(server)
    assert len(server.jobs()) == 3
