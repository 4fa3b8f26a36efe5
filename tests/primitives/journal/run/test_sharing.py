"""Processes, threads and tasks that ask for the same work through one journal share it."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from qiskit.primitives import StatevectorSampler
from runtime_server.work import ones, rotation
from together import until

from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy
from qiskit_qml_ext.primitives.journal.store import ownership

TESTS = Path(__file__).parents[3]
ANGLES = np.linspace(0, np.pi, 8)[:, None]

# Four processes ask for one kernel on Aer, a pair a unit; each writes down what it executes where it executes it. The
# one that begins first is killed at its first pair. All are forks of one process that has imported everything.
_FOUR_PROCESSES = """
import json, os, signal, sys, time
from pathlib import Path
import numpy as np
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer.primitives import SamplerV2
from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import connect

folder = Path(sys.argv[1])
data = np.random.default_rng(0).uniform(0, 3, (5, 2))
run = SamplerV2.run

def work(name):
    def counting(self, pubs, **settings):
        pubs = list(pubs)
        with open(folder / f"{name}.executed", "a") as log:
            log.write(f"{sum(SamplerPub.coerce(pub, 1).size for pub in pubs)}\\n")
        time.sleep(0.1)
        return run(self, pubs, **settings)

    SamplerV2.run = counting
    connection = connect("aer", shots=50, journal=folder / "run.journal", max_executions_per_job=50)
    matrix = FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(data)
    answer = {"matrix": matrix.tolist(), "executions": connection.usage.shots}
    (folder / f"{name}.json").write_text(json.dumps(answer))

def fork(name):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(name)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)

children = [fork(name) for name in range(4)]
begun = []
while not begun:
    time.sleep(0.01)
    begun = [name for name in range(4) if (folder / f"{name}.executed").exists()]
victim = begun[0]
os.kill(children[victim], signal.SIGKILL)
began = time.monotonic()
codes = [os.waitpid(child, 0)[1] for child in children]
print(json.dumps({"victim": victim, "seconds": time.monotonic() - began, "codes": codes}))
"""


def environment():
    return {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_processes_that_ask_for_one_kernel_at_once_run_every_pair_once(path):
    """One is killed in the middle: the others take over what it had begun, at once."""
    done = subprocess.run(
        [sys.executable, "-c", _FOUR_PROCESSES, str(path.parent)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    victim = outcome["victim"]
    others = [name for name in range(4) if name != victim]
    assert [outcome["codes"][name] for name in [victim, *others]] == [signal.SIGKILL, 0, 0, 0], done.stderr
    assert outcome["seconds"] < ownership.LEASE_SECONDS  # nobody waited for one
    answers = [json.loads((path.parent / f"{name}.json").read_text()) for name in others]
    assert answers[0]["matrix"] == answers[1]["matrix"] == answers[2]["matrix"]
    assert np.asarray(answers[0]["matrix"]).shape == (5, 5)
    with Journal(path) as journal:
        units, attempts = journal.units(), journal.attempts()
    assert {unit.state for unit in units} == {"done"}
    assert len(units) == 10  # the pairs of five samples
    logs = {name: path.parent / f"{name}.executed" for name in range(4)}
    executed = {name: sum(map(int, log.read_text().split())) for name, log in logs.items() if log.exists()}
    killed_at = executed.pop(victim)
    assert killed_at <= 2
    assert sum(executed.values()) + killed_at <= 10 + 1  # what the killed one was at, was run again
    assert sum(executed.values()) + killed_at <= len(attempts) <= 10 + 1
    assert sum(answer["executions"] for answer in answers) == 50 * sum(executed.values())  # each reports its own


class Slow(StatevectorSampler):
    """A sampler that takes its time, counts, and may be held."""

    def __init__(self, seconds=0.05):
        super().__init__()
        self.circuits, self.seconds, self.go = 0, seconds, threading.Event()
        self.go.set()

    def journal_content(self):
        return {}  # neither how long it takes nor what it counted

    def run(self, pubs, *, shots=None):
        pubs = list(pubs)
        assert self.go.wait(60)
        time.sleep(self.seconds)
        self.circuits += sum(np.size(pub.parameter_values.as_array()) for pub in pubs)
        return super().run(pubs, shots=shots)


def ask(inner, path, **settings):
    sampler = JournaledSampler(inner, Journal(path), policy=Policy(max_executions=100, **settings))
    return sampler.run([(rotation(), ANGLES, 100)])


def test_threads_with_journals_of_their_own_share_the_work(path):
    inner = Slow()
    results = [None] * 4

    def work(place):
        results[place] = ask(inner, path).result(60)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inner.circuits == len(ANGLES)
    for result in results:
        assert np.array_equal(result[0].data.meas.array, results[0][0].data.meas.array)


def test_tasks_of_asyncio_share_the_work(path):
    inner = Slow()

    async def main():
        jobs = [ask(inner, path) for _ in range(3)]
        return await asyncio.gather(*(asyncio.to_thread(job.result, 60) for job in jobs))

    results = asyncio.run(main())
    assert inner.circuits == len(ANGLES)
    assert all(np.array_equal(ones(result), ones(results[0])) for result in results)


def test_run_whose_result_comes_second_returns_the_first(path, monkeypatch):
    """Two runs at one unit, because one was taken for gone, must not return different counts."""
    angles = np.full((3, 1), np.pi / 2)

    def ask_once(inner, where):
        return JournaledSampler(inner, where).run([(rotation(), angles, 100)]).result(30)[0].data.meas.array

    theirs = ask_once(StatevectorSampler(), path.with_name("other.journal"))
    arrays, metadata = Journal(path.with_name("other.journal")).results(1)
    finish = Journal.finish

    def second(self, unit, **settings):
        finish(self, unit, **{**settings, "arrays": arrays, "metadata": metadata})
        return finish(self, unit, **settings)

    monkeypatch.setattr(Journal, "finish", second)
    assert np.array_equal(ask_once(StatevectorSampler(), path), theirs)
    monkeypatch.undo()
    assert np.array_equal(ask_once(StatevectorSampler(), path), theirs)


def test_run_that_waits_says_for_whom_and_rests(path):
    inner = Slow(seconds=0.0)
    inner.go.clear()
    first = ask(inner, path)
    until(lambda: any(unit.owner for unit in Journal(path).units()))
    second = ask(Slow(), path)
    until(lambda: second.report.waiting_for)
    assert second.report.waiting_for == "unit 1 with another run of this process"
    used, began = cpu(), time.monotonic()
    time.sleep(2)
    assert cpu() - used < 0.05 * (time.monotonic() - began) + 0.02  # two runs, one of them at work
    inner.go.set()
    assert np.array_equal(ones(second.result(60)), ones(first.result(60)))
    assert second.report.waiting_for is None
    assert second.report.submitted + first.report.submitted == len(ANGLES)


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def test_run_that_lost_a_unit_before_the_request_left_does_not_submit_it(server, work, path, monkeypatch):
    """It was suspended between its claim and the request; who took over may be about to submit the same."""
    claim, lost = Journal.claim, []

    def losing(self, unit, *, owner, **settings):
        claimed = claim(self, unit, owner=owner, **settings)
        if claimed and not lost:
            lost.append(unit)
            assert self.take_over(unit, owner="somebody else", gone=owner)
        return claimed

    monkeypatch.setattr(Journal, "claim", losing)
    job = work(start=True)
    until(lambda: [unit.state for unit in Journal(path).units()].count("done") == 2)
    until(lambda: job.report.waiting_for == f"unit {lost[0]} with an unknown process")
    assert len(server.jobs()) == 2
    Journal(path).release("somebody else")
    counts = ones(job.result(60))
    assert (counts[0], counts[-1]) == (0, 100)
    assert server.executions() == 600
    assert job.report.duplicates == []


def test_simulation_that_was_taken_over_is_not_reported_as_a_job_of_the_service(path, monkeypatch):
    """Another container saw no sign of life while Aer let no thread run; a simulation more costs nothing."""
    submitted, lost = Journal.submitted, []

    def losing(self, unit, *, owner=None, **settings):
        if not lost:
            lost.append(unit)
            assert self.take_over(unit, owner="somebody else", gone=owner)
            self.retry(unit, owner="somebody else", outcome="gone", reason="The process ended.")
        return submitted(self, unit, owner=owner, **settings)

    monkeypatch.setattr(Journal, "submitted", losing)
    job = ask(StatevectorSampler(), path)
    assert ones(job.result(30))[-1] == 100
    assert lost
    assert job.report.duplicates == []


@pytest.mark.parametrize("state", ["running", "suspended"])
def test_simulation_of_a_silent_process_that_is_seen_to_live_is_not_run_again(path, monkeypatch, state):
    """Aer lets no other thread run while it simulates, so there is no sign of life for as long as that takes."""
    monkeypatch.setattr(ownership, "LEASE_SECONDS", 0.2)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        start_ticks = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        parts = ownership.new_owner().rsplit(":", 5)
        owner = ":".join([*parts[:3], str(child.pid), start_ticks, "0"])
        if state == "suspended":
            child.send_signal(signal.SIGSTOP)
        inner = Slow()
        sampler = JournaledSampler(inner, Journal(path))
        journal = Journal(path)
        job = _planned_elsewhere(journal, sampler, owner)
        until(lambda: job.report.waiting_for)
        time.sleep(1)
        assert inner.circuits == 0
        expected = {"running": "which lives but gave no sign of life", "suspended": "which is suspended"}[state]
        until(lambda: expected in (job.report.waiting_for or ""))
        child.kill()
        child.wait()
        job.result(30)
        assert inner.circuits == len(ANGLES)
    finally:
        child.kill()
        child.wait()


def _planned_elsewhere(journal, sampler, owner):
    """Start a run whose only unit another process has claimed just before."""
    original = Journal.ensure_units

    def claiming(self, *arguments, **settings):
        places = original(self, *arguments, **settings)
        for unit in {unit for unit, _ in places.values()}:
            journal.claim(unit, owner=owner, tag=f"theirs-{unit}", calibration=None, per_minute=None)
        return places

    Journal.ensure_units = claiming
    try:
        return sampler.run([(rotation(), ANGLES, 100)])
    finally:
        Journal.ensure_units = original
