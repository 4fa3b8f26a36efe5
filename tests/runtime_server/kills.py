"""Estimate kernels while processes, service, clocks and files are disturbed at random, and count what was executed."""

import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from runtime_server import clock
from runtime_server.facts import backup, copy_file, remove
from runtime_server.harness import RuntimeServer

PAIRS_PER_UNIT = 2
SHOTS = 50
HOUR = 3600.0
LEASE = 1.0
_LONG = 300.0  # seconds for what must come to an end, on a busy machine
_USUAL_START = 1.0  # seconds from the start of a process to its first question; lives are longer where it takes longer
_REFUSED = 3  # the exit status of a run that stopped with an error of the package
_MOST_ERRORS = 4  # of one estimation; then it is given up and what it lacks is lost


@dataclass
class Outcome:
    """What a campaign of kills came to.

    Of the ``estimations`` kernels of ``units`` units, ``lost`` units have no result or a wrong one. ``executed`` jobs
    ran. ``cancelled`` duplicates were caught in the queue; ``reported`` ones ran without need and were reported;
    ``unreported`` jobs ran without being needed or reported. ``lost`` and ``unreported`` must be 0. A journal was
    ``restored`` from an older copy so many times, and ``refused`` of these to go on; ``errors`` are runs that ended
    with any other error of the package, after which the same was run again.
    """

    client_kills: int = 0
    server_kills: int = 0
    slow_posts: int = 0
    late_posts: int = 0
    clock_steps: int = 0
    suspensions: int = 0
    restored: int = 0
    refused: int = 0
    errors: int = 0
    estimations: int = 0
    units: int = 0
    executed: int = 0
    cancelled: int = 0
    reported: int = 0
    lost: int = 0
    unreported: int = 0
    seconds: float = 0.0

    @property
    def kills(self):
        """Kills of either side."""
        return self.client_kills + self.server_kills


def campaign(folder, *, kills, log=print, **settings):
    """Kill until ``kills`` kills are done and the estimation under way is complete.

    The caller's process should have no threads: the estimating processes are its forks. What it was able to import
    before is what they need not import again.
    """
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    clock.install()
    with RuntimeServer(Path(folder) / "server", [FakeManilaV2]) as server:
        os.environ.update(server.environment)
        run = Campaign(server, Path(folder), kills, **settings)
        began = time.monotonic()
        while run.outcome.kills < kills:
            run.estimation()
            run.outcome.seconds = round(time.monotonic() - began, 1)
            log(f"{run.outcome}", flush=True)
    return run.outcome


class Campaign:
    """One campaign; see :func:`campaign`.

    Args:
        server: The service.
        folder: Where the journals lie.
        kills: How many kills there shall be.
        samples: Samples of each kernel.
        seed: Of all that is random.
        server_share: The share of kills that the service suffers.
        longest_life: The longest time to a kill, in seconds.
        job_seconds: What a job takes.
        calm: Only kills and dropped answers: no slow submissions, clock steps, suspensions and old copies.
    """

    def __init__(
        self,
        server,
        folder,
        kills,
        *,
        samples=16,
        seed=0,
        server_share=0.25,
        longest_life=2.5,
        job_seconds=0.1,
        calm=False,
    ):
        self.server, self.folder, self.kills = server, folder, kills
        self.samples, self.server_share, self.longest_life, self.calm = samples, server_share, longest_life, calm
        self.rng = np.random.default_rng(seed)
        self.outcome = Outcome()
        self.slowness = 1.0
        self.wall = folder / "clock"
        server.store.set("job_seconds", job_seconds)

    def estimation(self):
        """Estimate one kernel, whatever happens, and check what came of it."""
        number = self.outcome.estimations
        self.data = self.rng.uniform(0, 3, (self.samples, 2))
        self.journal, self.answer = self.folder / f"{number}.journal", self.folder / f"{number}.npy"
        self.saved, self.aside, self.is_old = self.folder / "saved", self.folder / "aside", False
        remove(self.saved)
        before, errors = set(self.server.executed_jobs()), self.outcome.errors
        while not self.answer.exists() and self.outcome.errors < errors + _MOST_ERRORS:
            self._life()
        self._settle()
        first = np.load(self.answer) if self.answer.exists() else None
        self._calm_run()  # what arrives late is found by the next run at the latest
        self._settle()
        self._check(first, before)
        self.outcome.estimations += 1

    def _life(self):
        """Let processes work for a while, then kill them or the service; without kills left, let them finish."""
        left = self.kills - self.outcome.kills
        children = [self._fork()]
        if self.rng.uniform() < 0.7:
            self._wait_for_work(children[0])
        now = time.monotonic()
        end = now + (self.rng.uniform(0.05, self.longest_life) * max(1.0, self.slowness) if left > 0 else _LONG)
        events = self._events(now, end) if left > 0 else []
        while events or time.monotonic() < end:
            children = [child for child in children if not self._has_ended(child)]
            if not children:
                return
            if events and time.monotonic() >= events[0][0]:
                happens = events.pop(0)[1]
                happens(children)
            time.sleep(0.005)
        if left <= 0:
            self.outcome.errors += 1
            self._kill(children)
            return
        if self.rng.uniform() < self.server_share:
            self._kill_server(children, left)
        else:
            self.outcome.client_kills += 1
        self._kill(children)
        if not self.calm and not self.answer.exists() and self.rng.uniform() < 0.3:
            self._put_back()

    def _wait_for_work(self, child):
        """Wait until a process has begun to ask the service, so that a busy machine does not kill beginners only."""

        def asked():
            return self.server.requests("GET", "/backends/test_manila/configuration")

        before, began = asked(), time.monotonic()
        self.server.wait_until(lambda: asked() > before or not _lives(child), _LONG)
        self.slowness = min(3.0, (time.monotonic() - began) / _USUAL_START)

    def _events(self, now, end):
        """Choose what happens in a life, as pairs of a time and something to do with the processes."""

        def at(earliest=now):
            return self.rng.uniform(earliest, max(end, earliest))

        events = [(at(), self._spoil_answer)] if self.rng.uniform() < 0.3 else []
        if self.calm:
            return events
        for share, happens in (
            (0.2, self._slow_post),
            (0.1, self._late_post),
            (0.25, self._step_clock),
            (0.15, self._back_up),
        ):
            if self.rng.uniform() < share:
                events.append((at(), happens))
        if self.rng.uniform() < 0.15:
            begin = at()
            events.append((begin, self._suspend))
            events.append((begin + self.rng.uniform(1.2, 2.0) * LEASE, self._go_on))
        return sorted(events, key=lambda event: event[0])

    def _spoil_answer(self, children):
        answer = {"status": 500} if self.rng.uniform() < 0.5 else {"drop": True}
        self.server.fault("POST", "/jobs", after=True, **answer)

    def _slow_post(self, children):
        self.outcome.slow_posts += 1
        self.server.slow_post(self.rng.uniform(0.3, 4.0))

    def _late_post(self, children):
        self.outcome.late_posts += 1
        self.server.late_post(self.rng.uniform(0.3, 4.0), **({"drop": True} if self.rng.uniform() < 0.5 else {}))

    def _step_clock(self, children):
        self.outcome.clock_steps += 1
        clock.step(self.wall, self.rng.choice([-HOUR, 0.0, HOUR]))

    def _back_up(self, children):
        if self.journal.exists() and not self.is_old:
            backup(self.journal, self.saved)

    def _suspend(self, children):
        self.outcome.suspensions += 1
        os.kill(children[0], signal.SIGSTOP)
        children.append(self._fork())

    def _go_on(self, children):
        for child in children:
            os.kill(child, signal.SIGCONT)

    def _put_back(self):
        """Put an older copy in the journal's place, or take its log away; the true one is kept aside."""
        if self.is_old or not self.journal.exists():
            return
        copy_file(self.journal, self.aside, with_log=True)
        if self.saved.exists() and self.rng.uniform() < 0.5:
            remove(self.journal)
            backup(self.saved, self.journal)
        else:
            for ending in ("-wal", "-shm"):
                Path(f"{self.journal}{ending}").unlink(missing_ok=True)
        self.is_old = True
        self.outcome.restored += 1

    def _kill_server(self, children, left):
        self.server.kill()
        self.outcome.server_kills += 1
        time.sleep(self.rng.uniform(0, 0.5))
        self.server.start(wait_for_worker=False)
        if left > 1 and self.rng.uniform() < 0.5:  # the process survives it and goes on for a while
            end = time.monotonic() + self.rng.uniform(0.5, 2 * self.longest_life)
            while time.monotonic() < end:
                children[:] = [child for child in children if not self._has_ended(child)]
                if not children:
                    return
                time.sleep(0.005)
            self.outcome.client_kills += 1

    def _kill(self, children):
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def _has_ended(self, child):
        """Tell whether a process has ended; if it ended with an error, do what its user would do."""
        ended, status = os.waitpid(child, os.WNOHANG)
        if not ended:
            return False
        if status and not self.answer.exists():
            self._after_error(os.waitstatus_to_exitcode(status))
        return True

    def _after_error(self, code):
        if (
            self.is_old and code == _REFUSED
        ):  # it noticed that it is behind the service: the user looks for the newer file
            self.outcome.refused += 1
            copy_file(self.aside, self.journal, with_log=True)
            self.is_old = False
        else:
            self.outcome.errors += 1

    def _calm_run(self):
        """Run the same again, undisturbed."""
        self.answer.unlink(missing_ok=True)
        for _ in range(2):
            child, end = self._fork(), time.monotonic() + _LONG
            while time.monotonic() < end:
                if self._has_ended(child):
                    break
                time.sleep(0.01)
            else:
                self._kill([child])
                self.outcome.errors += 1
            if self.answer.exists():
                return

    def _fork(self):
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            log = os.open(self.journal.with_suffix(".log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            clock.follow(self.wall)
            estimate(self.data, self.journal, self.answer)
            code = 0
        except BaseException:
            code = _explain()
        finally:
            os._exit(code)
        return None

    def _settle(self):
        """Wait until the service has nothing left to run."""
        self.server.wait_for_worker(_LONG)
        self.server.store.write("DELETE FROM faults")
        self.server.settle(_LONG)
        self.server.store.write("DELETE FROM requests WHERE ended IS NOT NULL")

    def _check(self, first, before):
        units, duplicates = _read(self.journal)
        executed = Counter(job for job in self.server.executed_jobs() if job not in before)
        assert not executed or max(executed.values()) == 1, "the service itself ran a job twice"
        needed = {unit.job for unit in units if unit.state == "done"}
        assert needed <= set(executed), f"jobs {needed - set(executed)} have results but were not executed"
        ran = {item.job for item in duplicates if item.executed}
        self.outcome.units += self.samples * (self.samples - 1) // 2 // PAIRS_PER_UNIT
        self.outcome.executed += len(executed)
        self.outcome.cancelled += sum(not item.executed for item in duplicates)
        self.outcome.reported += len(ran & set(executed))
        unreported = sorted(set(executed) - needed - ran)
        self.outcome.unreported += len(unreported)
        lost = self._lost(first)
        self.outcome.lost += lost
        if lost or unreported:
            told = {"journal": str(self.journal), "lost": lost, "unreported": unreported}
            print(json.dumps(told), flush=True)

    def _lost(self, first):
        """Count the units without a result, with a wrong one, or with one that changed."""
        from qiskit_qml_ext.circuits import ZZFeatureMap
        from qiskit_qml_ext.kernels import FidelityKernel

        rows, columns = np.triu_indices(self.samples, 1)
        if not self.answer.exists():
            done = sum(unit.state == "done" for unit in _read(self.journal)[0])
            return len(rows) // PAIRS_PER_UNIT - done
        matrix, exact = np.load(self.answer), FidelityKernel(ZZFeatureMap()).evaluate(self.data)
        # Six standard deviations, and three counts more where the distribution is far from normal.
        wrong = np.abs(matrix - exact) > 6 * np.sqrt(exact * np.abs(1 - exact) / SHOTS) + 3 / SHOTS
        if first is not None:
            wrong |= matrix != first
        return -(-int(np.count_nonzero(wrong[rows, columns])) // PAIRS_PER_UNIT)


def estimate(data, journal, answer):
    """Estimate a kernel matrix through the journal, as a user's program would."""
    from runtime_server.tasks import policy, set_lease

    from qiskit_qml_ext.circuits import ZZFeatureMap
    from qiskit_qml_ext.kernels import FidelityKernel
    from qiskit_qml_ext.primitives import connect

    set_lease(LEASE)
    connection = connect(
        _device(),
        shots=SHOTS,
        journal=journal,
        policy=policy(settle_seconds=0.5, submissions_per_minute=10_000),
        max_executions_per_job=PAIRS_PER_UNIT * SHOTS,
    )
    matrix = FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(data)
    part = answer.with_suffix(f".{os.getpid()}.npy")
    np.save(part, matrix)
    os.replace(part, answer)


def _lives(child):
    """Tell whether a child has not ended yet, and leave its end to be waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _explain():
    """Print the exception under way and return an exit status for it."""
    import sys
    import traceback

    from qiskit_qml_ext.exceptions import JournalError, RunIncompleteError

    traceback.print_exc()
    sys.stderr.flush()
    return _REFUSED if isinstance(sys.exc_info()[1], (JournalError, RunIncompleteError)) else 1


def _device():
    """Return the device; the client itself gives up at once where the service is away when it starts."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    end = time.monotonic() + _LONG
    while True:
        try:
            return QiskitRuntimeService().backend("test_manila")
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _read(journal):
    from qiskit_qml_ext.primitives import Journal

    if not journal.exists():
        return [], []
    with Journal(journal) as opened:
        return opened.units(), opened.duplicates()
