"""The instruments themselves: processes with clocks that step, and a service with a mind of its own."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from runtime_server import clock
from runtime_server.facts import assert_paid_once, assert_right

TESTS = Path(__file__).parents[3]


def test_stepped_clock_moves_all_wall_clocks_and_leaves_the_monotonic_one_alone(tmp_path):
    code = """
import sys; sys.path.insert(0, sys.argv[2])
from runtime_server import clock
import time, datetime
from datetime import date, datetime as early
from time import time as own
clock.install()
from datetime import datetime as late
assert early is late
true, steady = time.time(), time.monotonic()
clock.follow(sys.argv[1])
clock.step(sys.argv[1], -3600)
shown = [time.time(), own(), time.time_ns() / 1e9, time.clock_gettime(time.CLOCK_REALTIME), early.now().timestamp(),
         datetime.datetime.now(datetime.timezone.utc).timestamp(), time.mktime(time.localtime())]
assert all(abs(true - 3600 - number) < 2 for number in shown), shown
assert 0 <= time.monotonic() - steady < 2
now = early.now()
assert isinstance(now, early) and isinstance(now, date)
assert (now - datetime.timedelta(1)).year > 2000 and early.fromisoformat(now.isoformat()) == now
assert not isinstance(date(2020, 1, 1), early)
clock.step(sys.argv[1], 0)
assert abs(time.time() - true) < 2
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "clock"), str(TESTS)], check=True)


def test_a_job_is_made_although_its_client_was_killed_while_it_waited_for_the_answer(server, start):
    server.slow_post(1.0)
    child = start()
    server.wait_until(lambda: server.requests("POST", "/jobs"))
    assert not server.jobs()
    child.kill()
    server.settle()
    assert len(server.jobs()) == 1
    assert server.executions() == 200


def test_service_has_its_own_clock(server, start):
    server.set_clock(-3600)
    assert_right(start().result())
    assert all(abs(job["created"] + 3600 - time.time()) < 60 for job in server.jobs())
    assert_paid_once(server)


@pytest.mark.parametrize("offset", [-3600, 3600])
def test_client_with_a_wrong_clock_can_talk_to_the_service(server, start, tmp_path, offset):
    clock.step(tmp_path / "clock", offset)
    assert_right(start(clock_file=tmp_path / "clock").result())
    assert_paid_once(server)
