"""Whatever the wall clock does, the same happens: it is written down for the reader and decides nothing."""

import ast
import itertools
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from qiskit.primitives import StatevectorSampler
from runtime_server.work import ones, rotation

import qiskit_qml_ext
from qiskit_qml_ext.cli import cli
from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy
from qiskit_qml_ext.primitives.journal.disk import moments
from qiskit_qml_ext.primitives.journal.disk.moments import Moment, moment
from qiskit_qml_ext.primitives.journal.disk.records import NewUnit
from qiskit_qml_ext.primitives.journal.run.progress import Waits

PACKAGE = Path(qiskit_qml_ext.__file__).parent
WALL_COLUMNS = {"started", "finished", "created", "updated", "noticed"}

# Where the wall clock is read, and what for. Whoever adds a place shows that nothing is decided there.
ALLOWED = {
    ("job_times.py", "_age"): "a quota's days are those of the calendar; set back, the clock only lets more jobs count",
    ("attempts.py", "note_submitted"): "a stamp for the reader",
    ("attempts.py", "adopt"): "a stamp for the reader",
    ("attempts.py", "add_duplicate"): "a stamp for the reader",
    ("results.py", "finish"): "a stamp for the reader",
    ("attempts.py", "come_to_nothing"): "a stamp for the reader",
    ("attempts.py", "end"): "a stamp for the reader",
    ("planning.py", "_insert"): "a stamp for the reader",
    ("claims.py", "take"): "a stamp for the reader",
    ("journal.py", "claim"): "a stamp for the reader, and may shorten the pause between submissions, never prolong it",
    ("journal.py", "rate_pause"): "may shorten the pause between submissions, never prolong it",
    (
        "schema.py",
        "check_file",
    ): "compared with the file's own stamps: a file that may be newer is looked through again",
    ("reconcile.py", "_date"): "the service's own time of a job, shown to the reader",
    ("describing.py", "_date"): "shown to the reader",
    ("jobs_list.py", "_ago"): "shown to the reader",
    ("jobs_list.py", "_date"): "shown to the reader",
}


class Clock:
    """A wall clock that a test may set."""

    def __init__(self):
        self.offset, self._time = 0.0, time.time

    def __call__(self):
        return self._time() + self.offset


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


@pytest.fixture
def ticks(monkeypatch):
    """The ticks of this start of the machine, as a list with the present one."""
    now = [1000.0]
    monkeypatch.setattr(moments, "_ticks", lambda: now[0])
    return now


def planned(journal, number):
    keys = [bytes([place]) * 16 for place in range(number)]
    places = journal.ensure_units(
        keys, lambda wanted: [NewUnit((keys[place],), "sampler", "device", {}, [], 1) for place in wanted], revive=True
    )
    return sorted(unit for unit, _ in places.values())


def claims(journal, units, *, per_minute=5):
    return [journal.claim(unit, owner="me", tag=f"t{unit}", calibration=None, per_minute=per_minute) for unit in units]


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_unit_follows_its_last_attempt_whatever_the_clock_says(path, clock, step):
    journal = Journal(path)
    (unit,) = planned(journal, 1)
    for number, offset in enumerate([0.0, step, 0.0, 2 * step]):
        clock.offset = offset
        assert journal.claim(unit, owner="me", tag=f"t{number}", calibration=None, per_minute=None)
        assert journal.submitted(unit, tag=f"t{number}", job=f"job {number}", session=None, owner="me")
        assert journal.units([unit])[0].job == f"job {number}"
        assert [attempt.tag for attempt in journal.attempts([unit])][-1] == f"t{number}"
        journal.retry(unit, owner="me", outcome="failed", reason="x")
    assert journal.units([unit])[0].job == "job 3"


def test_a_minute_later_the_next_submission_may_go_and_not_before(path, ticks, clock):
    journal = Journal(path)
    units = planned(journal, 7)
    assert all(claims(journal, units[:5]))
    assert not journal.claim(units[5], owner="me", tag="a", calibration=None, per_minute=5)
    assert journal.rate_pause(5) == pytest.approx(60, abs=1)
    ticks[0], clock.offset = ticks[0] + 40, 40
    assert journal.rate_pause(5) == pytest.approx(20, abs=1)
    assert journal.rate_pause(6) == journal.rate_pause(None) == 0
    ticks[0], clock.offset = ticks[0] + 20, 60
    assert claims(journal, units[5:]) == [True, True]


@pytest.mark.parametrize("step", [3600.0, -3600.0, 7200.0, -7200.0])
def test_step_of_the_clock_never_blocks_submissions(path, clock, step):
    journal = Journal(path)
    units = planned(journal, 6)
    assert all(claims(journal, units[:5]))
    clock.offset = step
    assert claims(journal, units[5:]) == [True]


@pytest.mark.parametrize("step", [-59.0, -20.0, 0.0])
def test_small_steps_back_let_no_more_submissions_through(path, clock, step):
    """A time server's correction must not make the service refuse: the ticks say that a minute has not passed."""
    journal = Journal(path)
    units = planned(journal, 6)
    assert all(claims(journal, units[:5]))
    clock.offset = step
    assert claims(journal, units[5:]) == [False]
    assert 0 < journal.rate_pause(5) <= 60


def test_after_a_start_of_the_machine_only_the_wall_clock_is_left(path, monkeypatch, clock):
    journal = Journal(path)
    units = planned(journal, 7)
    assert all(claims(journal, units[:5]))
    monkeypatch.setattr(moments, "boot_id", lambda: "the next start")
    assert claims(journal, units[5:6]) == [False]
    clock.offset = 61
    assert claims(journal, units[5:6]) == [True]


def test_sleep_of_the_machine_counts_as_time_for_the_service(ticks):
    before = moment()
    ticks[0] += 3600.0
    assert before.seconds_until(moment()) == 3600.0


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux's name for ticks that go on in sleep")
def test_ticks_are_those_that_go_on_while_the_machine_sleeps(monkeypatch):
    monkeypatch.setattr(time, "clock_gettime", {time.CLOCK_BOOTTIME: 5e6}.__getitem__)
    assert moment().ticks == 5e6


def test_moments_that_cannot_be_compared_say_so():
    assert Moment("a", 5.0).seconds_until(Moment("a", 7.5)) == 2.5
    assert Moment("a", 5.0).seconds_until(Moment("b", 7.5)) is None
    assert Moment("a", 5.0).seconds_until(Moment("a", 4.0)) is None  # a virtual machine that was set back
    assert moment().seconds_until(moment()) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("steps", [(0, 3600), (0, -3600), (3600, 0, -3600)], ids=str)
def test_work_on_a_service_is_the_same_under_every_clock(server, work, path, clock, monkeypatch, steps):
    """The clock jumps by an hour at every look; a job fails in between and is submitted again."""
    jumps = itertools.cycle(steps)
    monkeypatch.setattr(time, "time", lambda: clock() + next(jumps))
    server.fail_next(2)
    result, job = work(submissions_per_minute=100)
    counts = ones(result)
    assert (counts[0], counts[-1]) == (0, 100)
    assert server.executions() == 600
    assert job.report.submitted == 5  # two failed
    assert Counter(job["status"] for job in server.jobs()) == {"Completed": 3, "Failed": 2}
    again, job = work()
    assert np.array_equal(ones(again), counts)
    assert job.report.submitted == 0
    assert len(server.jobs()) == 5


def test_stamps_in_the_future_are_named_as_such(path, clock):
    clock.offset = 7200.0
    sampler = JournaledSampler(StatevectorSampler(), path)
    sampler.run([(rotation(), [0.0], 10)]).result(30)
    clock.offset = 0.0
    shown = CliRunner().invoke(cli, ["jobs", str(path)])
    assert shown.exit_code == 0
    assert "in the future; was the clock set back?" in shown.output
    clock.offset = 7200.0 + 3 * 3600
    assert " 3h " in CliRunner().invoke(cli, ["jobs", str(path)]).output


# Who reads the wall clock


def modules():
    return [
        *sorted((PACKAGE / "primitives" / "journal").rglob("*.py")),
        *sorted((PACKAGE / "commands").glob("jobs*.py")),
    ]


def wall_clock_readings(source):
    """Return the functions of a module that read the wall clock or make dates."""
    names = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime", "time.ctime"}
    names |= {f"{kind}.{name}" for kind in ("datetime", "date") for name in ("now", "utcnow", "today", "fromtimestamp")}
    found = set()

    def visit(node, function):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = node.name
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in names:
            found.add(function)
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found.add(f"from time import {', '.join(alias.name for alias in node.names)}")
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), None)
    return found


def decisions_by_wall_time(source):
    """Return the comparisons, orders and sortings by a column that holds wall time."""
    found = []
    for node in ast.walk(ast.parse(source)):
        sorts = isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "sorted",
            "sort",
            "min",
            "max",
        )
        if isinstance(node, ast.Compare) or sorts:
            parts = {child.attr for child in ast.walk(node) if isinstance(child, ast.Attribute)}
            parts |= {child.value for child in ast.walk(node) if isinstance(child, ast.Constant)}
            found += [ast.unparse(node)] if parts & WALL_COLUMNS else []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            columns = "|".join(WALL_COLUMNS)
            if re.search(rf"ORDER BY[^)]*\b({columns})\b|\b({columns})\b *[<>=]|[<>=] *\b({columns})\b", node.value):
                found.append(node.value)
    return found


def test_wall_clock_is_read_only_where_nothing_is_decided():
    sources = [(module.name, module.read_text()) for module in modules()]
    found = {(name, function) for name, source in sources for function in wall_clock_readings(source)}
    assert found == set(ALLOWED)
    assert [found for _, source in sources for found in decisions_by_wall_time(source)] == []


def test_guards_see_what_they_are_to_see():
    assert wall_clock_readings("import time\ndef late():\n    return time.time() > 5") == {"late"}
    assert wall_clock_readings("from datetime import datetime\nnow = datetime.now()") == {None}
    assert wall_clock_readings("import datetime\ndef f():\n    return datetime.datetime.now()") == {"f"}
    assert wall_clock_readings("from time import time") == {"from time import time"}
    assert wall_clock_readings("import time\nx = time.monotonic()") == set()
    assert decisions_by_wall_time("found = unit.started < now")
    assert decisions_by_wall_time("max(units, key=lambda unit: unit.finished)")
    assert decisions_by_wall_time("database.execute('SELECT * FROM attempts ORDER BY started')")
    assert decisions_by_wall_time("database.execute('SELECT * FROM units WHERE updated < ?')")
    assert not decisions_by_wall_time("change(database, UNITS, 'id = ?', [unit], updated=now)")


# What a user who waits is told


def test_run_that_waits_for_the_limit_on_submissions_says_so(server, work, capsys):
    job = work(submissions_per_minute=1, start=True)
    end = time.monotonic() + 120
    while not (job.report.waiting_for or "").startswith("the limit"):
        assert time.monotonic() < end
        time.sleep(0.01)
    said = r"the limit of 1 submission a minute, the next one in \d\d s(; 1 job on test_manila)?"
    assert re.fullmatch(said, job.report.waiting_for)
    job.cancel()
    with pytest.raises(Exception, match="stopped"):
        job.result(30)
    assert job.report.waiting_for is None
    assert capsys.readouterr().err == ""  # no terminal


def test_bar_shows_what_a_run_waits_for(path, capsys):
    policy = Policy(max_executions=20, submissions_per_minute=1)
    sampler = JournaledSampler(StatevectorSampler(), path, policy=policy, progress=True)
    job = sampler.run([(rotation(), [[0.0], [1.0], [2.0], [3.0]], 10)])
    with pytest.raises(TimeoutError):
        job.result(1.5)
    job.cancel()
    with pytest.raises(Exception, match="stopped"):
        job.result(30)
    assert "; waiting for the limit of 1 submission a minute, the next one in " in capsys.readouterr().err


def test_all_reasons_for_waiting_are_named():
    waits = Waits()
    assert waits.text() == "a change in the journal"
    waits.other(3, "process 7 on lab")
    waits.other(4, "process 7 on lab")
    waits.other(5, "process 8 on lab")
    waits.rate(5, 12.2)
    waits.rate(5, 0.0)
    assert waits.text() == (
        "units 3, 4 with process 7 on lab; unit 5 with process 8 on lab; "
        "the limit of 5 submissions a minute, the next one in 13 s"
    )
    waits.clear()
    assert waits.text() == "a change in the journal"
