"""Which process has a claim, whether it lives, and what becomes of claims whose process is gone, silent or unseen."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from together import until

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal import Journal, cancel, resume
from qiskit_qml_ext.primitives.journal.disk.records import PLANNED, SUBMITTED, SUBMITTING, NewUnit
from qiskit_qml_ext.primitives.journal.disk.rows import OWNERS, insert
from qiskit_qml_ext.primitives.journal.run.heartbeat import Heartbeat
from qiskit_qml_ext.primitives.journal.store import ownership
from qiskit_qml_ext.primitives.journal.store.ownership import Life, Liveness, Risk, is_dead, life_of, name_of, new_owner

ROOT = Path(__file__).parents[4]
needs_proc = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="processes are seen through /proc")


def parts(owner=None):
    return dict(
        zip(("host", "boot", "namespace", "pid", "start", "unique"), (owner or new_owner()).rsplit(":", 5), strict=True)
    )


def owner_with(**changes):
    return ":".join({**parts(), **changes}.values())


def owner_of(child):
    """Return the name that a child process would give to its claims."""
    start = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
    return owner_with(pid=str(child.pid), start=start)


@contextmanager
def sleeping():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def unit_of(journal, owner, *, job=None):
    """Plan a unit and claim it."""
    key = os.urandom(16)
    places = journal.ensure_units(
        [key], lambda _: [NewUnit((key,), "sampler", "device", {"shots": 1}, [], 1)], revive=True
    )
    unit = places[key][0]
    assert journal.claim(unit, owner=owner, tag=f"tag-{unit}", calibration=None, per_minute=None)
    if job is not None:
        journal.submitted(unit, tag=f"tag-{unit}", job=job, session=None, owner=owner)
    return unit


def state_of(journal, unit):
    return journal.units([unit])[0].state


# What can be seen of a process


@needs_proc
def test_living_suspended_killed_and_reaped_processes_are_told_apart():
    with sleeping() as child:
        owner = owner_of(child)
        assert life_of(owner) is Life.LIVES
        child.send_signal(signal.SIGSTOP)
        until(lambda: life_of(owner) is Life.SUSPENDED)
        child.kill()
        until(lambda: life_of(owner) is Life.DEAD)  # a zombie: nobody has waited for it yet
        child.wait()
        assert life_of(owner) is Life.DEAD


@needs_proc
def test_process_whose_first_thread_has_ended_lives():
    """Such a process shows as a zombie while its other threads go on."""
    code = (
        "import ctypes, threading, time; threading.Thread(target=lambda: time.sleep(60)).start();"
        "print('ready', flush=True); ctypes.CDLL(None).syscall(60, 0)"  # exit of this thread only, on x86-64
    )
    if os.uname().machine != "x86_64":
        code = code.replace("syscall(60", "syscall(93")
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        stat = Path(f"/proc/{child.pid}/stat")
        until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        assert life_of(owner_of(child)) is Life.LIVES
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@needs_proc
def test_number_that_another_process_has_now_is_not_the_owner():
    assert life_of(owner_with(start="1")) is Life.DEAD
    assert life_of(owner_with(pid="1", start="999999999999")) is Life.DEAD  # another user's process, if we are not root


@pytest.mark.parametrize(
    "damage",
    [
        {"boot": "another start of the machine"},
        {"namespace": "1"},
        {"namespace": "?"},
        {"start": "?"},
        {"start": "soon"},
        {"pid": "0"},
        {"pid": "-1"},
        {"pid": "²"},
        {"pid": "٣"},
        {"pid": "9" * 5000},
        {"pid": str(2**31)},
        {"pid": ""},
        {"pid": "1 2"},
    ],
    ids=lambda damage: ascii(damage)[:40],
)
def test_owner_that_cannot_be_judged_is_never_declared_dead(damage):
    assert life_of(owner_with(**damage)) is not Life.DEAD or damage == {"pid": str(2**31)}


@pytest.mark.parametrize("owner", ["", "me", ":::::", "a:b:c", "::::::::", "\x00:\x00:\x00:\x00:\x00:\x00"])
def test_damaged_owner_is_never_declared_dead_and_has_a_name(owner):
    assert not is_dead(owner)
    assert name_of(owner)


def test_owners_have_names_for_the_reader():
    assert name_of("lab:7:boot:4026.1:77:5:ab") == "process 77 on lab:7"
    assert name_of("me") == "an unknown process"


@needs_proc
def test_processes_that_may_not_be_looked_at_are_left_alone(monkeypatch):
    """/proc mounted with hidepid shows no other user's process; a security module may forbid to ask at all."""

    def forbidden(*_):
        raise PermissionError

    with sleeping() as child, monkeypatch.context() as patched:
        owner = owner_of(child)
        patched.setattr(ownership, "_state_and_start", lambda pid: ("?", "?"))
        assert life_of(owner) is Life.UNSEEN
        patched.setattr(os, "kill", forbidden)
        assert life_of(owner) is Life.UNSEEN
        patched.undo()


_LOOK_AROUND = """
import os, sys
from qiskit_qml_ext.primitives.journal.store.ownership import life_of, new_owner
print(life_of(sys.argv[1]).name, flush=True)
for _ in range(20):  # numbers here and numbers outside mean different processes
    own = new_owner()
    read, write = os.pipe()
    if not os.fork():
        os.write(write, life_of(own).name.encode())
        os._exit(0)
    os.wait()
    print(os.read(read, 20).decode(), flush=True)
"""


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("mount_proc", [True, False])
def test_living_owner_in_another_container_is_never_dead_though_host_name_and_number_are_the_same(mount_proc):
    """A container without a /proc of its own sees other processes under the numbers of its own."""
    command = ["unshare", "--pid", "--fork", *(["--mount-proc"] if mount_proc else [])]
    command[1:1] = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("namespaces of processes are not permitted here")
    done = subprocess.run(
        [*command, sys.executable, "-c", _LOOK_AROUND, new_owner()],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    outside, *siblings = done.stdout.split()
    assert outside == "UNSEEN"
    assert siblings == ["LIVES" if mount_proc else "UNSEEN"] * 20


# How long a silence is


class Beating:
    """Owners' heartbeats and a clock, both set by the test."""

    def __init__(self, monkeypatch):
        self.beat, self.now = 1, 1000.0
        monkeypatch.setattr(ownership.time, "monotonic", lambda: self.now)

    def beat_of(self, owner):
        return self.beat


def test_unseen_owner_is_gone_after_a_lease_of_silence_and_not_while_it_beats(monkeypatch):
    beats = Beating(monkeypatch)
    liveness, owner = Liveness(beats), owner_with(boot="elsewhere")
    for _ in range(100):  # beating every 30 s, looked at every 10 s
        assert not liveness.is_gone(owner)
        beats.now += 10
        beats.beat += beats.now % 30 == 0
    silent = 0
    while not liveness.is_gone(owner):
        beats.now += 10
        silent += 10
    assert 90 <= silent <= 120  # the last sign was up to 30 s before


def test_observer_that_was_suspended_has_not_watched_meanwhile(monkeypatch):
    """Both may have been suspended, as all containers of a machine are: then nobody is gone."""
    beats = Beating(monkeypatch)
    liveness, owner = Liveness(beats), owner_with(boot="elsewhere")
    assert not liveness.is_gone(owner)
    beats.now += 3600
    assert not liveness.is_gone(owner)
    beats.now += 2
    beats.beat += 1
    assert not liveness.is_gone(owner)


@needs_proc
def test_silent_process_that_is_seen_to_live_keeps_what_would_run_twice(monkeypatch):
    beats = Beating(monkeypatch)
    with sleeping() as child:
        liveness, owner = Liveness(beats), owner_of(child)
        for _ in range(20):
            assert not liveness.is_gone(owner)
            beats.now += 30
        assert not liveness.is_gone(owner, Risk.DUPLICATE)
        assert liveness.is_gone(owner, Risk.NONE)
        assert "which lives but gave no sign of life for" in liveness.describe(owner)
        child.send_signal(signal.SIGSTOP)
        until(lambda: life_of(owner) is Life.SUSPENDED)
        assert not liveness.is_gone(owner, Risk.SECOND_RUN)
        assert liveness.is_gone(owner, Risk.DUPLICATE)
        assert liveness.describe(owner) == f"{name_of(owner)}, which is suspended: let it go on or end it"


# Claims that nobody has any more


def test_owners_that_work_no_more_are_forgotten_and_those_with_claims_are_not(path):
    journal = Journal(path)
    dead, unseen, idle = owner_with(start="1"), owner_with(boot="elsewhere"), owner_with(boot="elsewhere", pid="9")
    unit_of(journal, unseen)
    unit_of(journal, dead)
    with journal._transaction() as database:
        insert(database, OWNERS, name=idle, beat=7)
        insert(database, OWNERS, name=owner_with(pid="2", start="1"), beat=7)
    me = new_owner()
    unit_of(journal, me)
    names = {row[0] for row in sqlite3.connect(path).execute("SELECT name FROM owners")}
    assert names == {dead, unseen, me}  # the dead one's unit is still to be taken over


def test_damaged_count_of_heartbeats_begins_anew(path):
    journal, me = Journal(path), new_owner()
    journal.beat(me)
    journal.beat(me)
    with journal._transaction() as database:
        database.execute("UPDATE owners SET beat = 99")
    assert journal.beat_of(me) is None
    journal.beat(me)
    assert journal.beat_of(me) == 1


def test_owner_that_lost_its_unit_can_write_nothing_about_it_but_a_result(path):
    journal = Journal(path)
    unit = unit_of(journal, "old")
    assert journal.take_over(unit, owner="new", gone="old")
    assert not journal.owns(unit, "old")
    assert not journal.submitted(unit, tag=f"tag-{unit}", job="late", session=None, owner="old")
    journal.retry(unit, owner="old", outcome="failed", reason="late")
    journal.fail(unit, owner="old", outcome="failed", reason="late")
    journal.split(unit, [], owner="old", reason="late")
    journal.release("old")
    assert not journal.take_over(unit, owner="third", gone="old")
    (found,) = journal.units([unit])
    assert (found.state, found.owner, found.job, found.reason) == (SUBMITTING, "new", None, None)


def test_first_result_of_a_unit_counts_for_everybody(path):
    journal = Journal(path)
    unit = unit_of(journal, "old")
    journal.take_over(unit, owner="new", gone="old")
    journal.retry(unit, owner="new", outcome="gone", reason="The process ended.")
    journal.claim(unit, owner="new", tag="second", calibration=None, per_minute=None)
    assert journal.finish(unit, tag=f"tag-{unit}", arrays=b"first", metadata={}, usage_seconds=None)
    assert not journal.finish(unit, tag="second", arrays=b"later", metadata={}, usage_seconds=None)
    assert journal.results(unit) == (b"first", {})
    assert [attempt.outcome for attempt in journal.attempts([unit])] == ["done", "late"]
    assert not journal.finish(unit, tag=f"tag-{unit}", arrays=b"again", metadata={}, usage_seconds=None)
    assert [attempt.outcome for attempt in journal.attempts([unit])] == ["done", "late"]
    journal.retry(unit, owner="new", outcome="failed", reason="late")
    assert state_of(journal, unit) == "done"


def test_result_put_right_by_another_run_meanwhile_is_not_dropped(path):
    journal = Journal(path)
    unit = unit_of(journal, "me", job="job")
    journal.finish(unit, tag=f"tag-{unit}", arrays=b"sound", metadata={"a": float("nan")}, usage_seconds=None)
    journal.forget_result(unit)  # what this run saw was none
    journal.forget_result(unit, arrays=b"damaged")
    assert state_of(journal, unit) == "done"
    journal.forget_result(unit, arrays=b"sound")
    assert state_of(journal, unit) == SUBMITTED


# The heartbeat


@pytest.fixture
def short_lease(monkeypatch):
    monkeypatch.setattr(ownership, "LEASE_SECONDS", 0.4)


def test_heart_goes_on_when_the_journal_was_locked_and_says_so_meanwhile(path, short_lease):
    journal, owner = Journal(path, timeout=0.01), new_owner()
    unit = unit_of(journal, owner)
    heartbeat = Heartbeat(journal, owner)
    heartbeat.start()
    until(lambda: journal.beat_of(owner) >= 2)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    until(lambda: heartbeat.problem() is not None)
    assert "is locked by another program" in heartbeat.problem()
    other.execute("ROLLBACK")
    other.close()
    before = journal.beat_of(owner)
    until(lambda: heartbeat.problem() is None)
    until(lambda: journal.beat_of(owner) > before)
    heartbeat.stop()
    assert journal.beat_of(owner) is None
    assert journal.units([unit])[0].owner is None


def test_claims_that_cannot_be_given_up_at_the_end_are_given_up_as_soon_as_possible(path, short_lease):
    journal, owner = Journal(path, timeout=0.01), new_owner()
    unit = unit_of(journal, owner)
    heartbeat = Heartbeat(journal, owner)
    heartbeat.start()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    heartbeat.stop()
    assert is_dead(owner)  # for this process, at once
    other.execute("ROLLBACK")
    other.close()
    until(lambda: journal.units([unit])[0].owner is None)


def test_heart_of_a_closed_journal_stops(path, short_lease):
    journal = Journal(path)
    heartbeat = Heartbeat(journal, new_owner())
    heartbeat.start()
    journal.close()
    heartbeat.stop()
    with pytest.raises(JournalError):
        journal.units()
    assert not heartbeat._thread.join(5)
    assert not heartbeat._thread.is_alive()


# The user's word


def test_cancelling_looks_for_a_sign_of_life_of_a_process_that_it_cannot_see(path, monkeypatch):
    monkeypatch.setattr(ownership, "LEASE_SECONDS", 1.0)
    journal, unseen = Journal(path), owner_with(boot="elsewhere", pid="77", host="lab")
    unit = unit_of(journal, unseen)
    heartbeat = Heartbeat(journal, unseen)
    heartbeat.start()
    (found,) = journal.units([unit])
    assert cancel(journal, Jobless(), found) == (
        f"Unit {unit} is being worked on by process 77 on lab. Stop that program first."
    )
    heartbeat._stopped.set()  # it dies without a word
    heartbeat._thread.join()
    assert "is planned again" in cancel(journal, Jobless(), found)
    assert state_of(journal, unit) == PLANNED


def test_cancelling_leaves_a_unit_alone_that_another_run_took_up_meanwhile(path):
    journal = Journal(path)
    unit = unit_of(journal, owner_with(start="1"))
    (seen,) = journal.units([unit])
    assert journal.take_over(unit, owner="me", gone=seen.owner)
    assert "was changed by another program meanwhile" in cancel(journal, Jobless(), seen)
    assert journal.units([unit])[0].owner == "me"
    journal.split(unit, [], owner="me", reason="too large")
    assert not journal.reset(unit, outcome="cancelled", reason="x")  # it has no items any more
    assert journal.units() == []


def test_resuming_names_the_process_that_works_on_a_unit_and_follows_it_when_it_was_silent_for_a_lease(
    path, monkeypatch
):
    monkeypatch.setattr(ownership, "LEASE_SECONDS", 0.3)
    journal, unseen = Journal(path), owner_with(boot="elsewhere", pid="77", host="lab")
    unit = unit_of(journal, unseen)
    liveness = Liveness(journal)
    assert resume(journal, Jobless(), liveness=liveness).busy == (
        f"Unit {unit} is being worked on by process 77 on lab.",
    )
    until(lambda: resume(journal, Jobless(), liveness=liveness).busy == ())
    assert journal.units([unit])[0].owner is None


class Jobless:
    """An account without jobs."""

    def jobs(self, **_):
        return []
