"""Estimate kernels while the estimating process and the service are killed at random, and count what was executed."""

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from runtime_server.harness import RuntimeServer

PAIRS_PER_UNIT = 2
SHOTS = 50


@dataclass
class Outcome:
    """What a campaign of kills came to.

    ``estimations`` kernels of ``units`` units were completed; ``executed`` jobs ran. ``cancelled`` twins, made by the
    client's own retry, were caught in the queue; ``reported`` ones ran and were reported; ``unreported`` jobs ran
    without being needed or reported, and must be 0.
    """

    client_kills: int = 0
    server_kills: int = 0
    estimations: int = 0
    units: int = 0
    executed: int = 0
    cancelled: int = 0
    reported: int = 0
    unreported: int = 0
    seconds: float = 0.0


def campaign(folder, *, kills, samples=16, seed=0, server_share=0.25, longest_life=2.5, job_seconds=0.1, log=print):
    """Kill until ``kills`` kills are done and the estimation under way is complete.

    The caller's process should have no threads: the estimating processes are its forks.
    """
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    rng = np.random.default_rng(seed)
    outcome, began = Outcome(), time.monotonic()
    with RuntimeServer(Path(folder) / "server", [FakeManilaV2]) as server:
        server.store.set("job_seconds", job_seconds)
        os.environ.update(server.environment)
        while outcome.client_kills + outcome.server_kills < kills:
            data = rng.uniform(0, 3, (samples, 2))
            journal = Path(folder) / f"{outcome.estimations}.journal"
            answer = Path(folder) / f"{outcome.estimations}.npy"
            before = set(server.executed_jobs())
            while not answer.exists():
                left = kills - outcome.client_kills - outcome.server_kills
                _one_life(server, rng, data, journal, answer, outcome, left, server_share, longest_life)
            _settle(server)
            _check(server, data, journal, answer, before, outcome)
            outcome.estimations += 1
            log(f"{time.monotonic() - began:.0f} s: {outcome}")
    outcome.seconds = time.monotonic() - began
    return outcome


def _one_life(server, rng, data, journal, answer, outcome, left, server_share, longest_life):
    """Let a process work for a while, then kill it or the service; without kills left, let it finish."""
    if rng.uniform() < 0.3:  # the service answers 500 after it accepted, or says nothing at all
        server.fault("POST", "/jobs", after=True, **({"status": 500} if rng.uniform() < 0.5 else {"drop": True}))
    child = _fork(data, journal, answer)
    end = time.monotonic() + (rng.uniform(0.05, longest_life) if left > 0 else 120)
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return None
        time.sleep(0.005)
    assert left > 0, "an undisturbed process did not finish in 120 s"
    if rng.uniform() < server_share:
        server.kill()
        outcome.server_kills += 1
        time.sleep(rng.uniform(0, 0.5))
        server.start(wait_for_worker=False)
        if left > 1 and rng.uniform() < 0.5:
            return _end(child, rng, longest_life, outcome)
    else:
        outcome.client_kills += 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _end(child, rng, longest_life, outcome):
    """Let a process that survived the service's restart go on for a while, to the end if it gets there."""
    end = time.monotonic() + rng.uniform(0.5, 2 * longest_life)
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.005)
    outcome.client_kills += 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _fork(data, journal, answer):
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        log = os.open(journal.with_suffix(".log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        estimate(data, journal, answer)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)
    return None


def estimate(data, journal, answer):
    """Estimate a kernel matrix through the journal, as a user's program would."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    from qiskit_qml_ext.circuits import ZZFeatureMap
    from qiskit_qml_ext.kernels import FidelityKernel
    from qiskit_qml_ext.primitives import Policy, connect

    policy = Policy(poll_seconds=0.02, settle_seconds=0.5, submissions_per_minute=10_000)
    connection = connect(
        QiskitRuntimeService().backend("test_manila"),
        shots=SHOTS,
        journal=journal,
        policy=policy,
        max_executions_per_job=PAIRS_PER_UNIT * SHOTS,
    )
    matrix = FidelityKernel(ZZFeatureMap(), connection=connection).evaluate(data)
    part = answer.with_suffix(".part.npy")
    np.save(part, matrix)
    os.replace(part, answer)


def _settle(server):
    """Wait until the service has nothing left to run."""
    server.wait_for_worker()
    server.wait_until(lambda: not [job for job in server.jobs() if job["status"] in ("Queued", "Running")])
    server.store.write("DELETE FROM faults")


def _check(server, data, journal, answer, before, outcome):
    from qiskit_qml_ext.circuits import ZZFeatureMap
    from qiskit_qml_ext.kernels import FidelityKernel
    from qiskit_qml_ext.primitives import Journal

    matrix, exact = np.load(answer), FidelityKernel(ZZFeatureMap()).evaluate(data)
    assert np.all(np.abs(matrix - exact) < 6 * np.sqrt(0.25 / SHOTS)), "a wrong kernel matrix"
    with Journal(journal) as opened:
        units, surplus = opened.units(), opened.surplus()
    assert {unit.state for unit in units} == {"done"}
    executed = Counter(job for job in server.executed_jobs() if job not in before)
    assert not executed or max(executed.values()) == 1, "the service itself ran a job twice"
    needed = {unit.job for unit in units}
    missing = needed - set(executed)
    assert not missing, f"jobs {missing} have results but were not executed"
    reported = {item.job for item in surplus if item.executed}
    outcome.units += len(units)
    outcome.executed += len(executed)
    outcome.cancelled += sum(not item.executed for item in surplus)
    outcome.reported += len(reported & set(executed))
    outcome.unreported += len(set(executed) - needed - reported)
