"""A process that kills itself at a chosen stage of a run, and one that goes on from there."""

import json
import os
import signal
from pathlib import Path

import numpy as np
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.circuit import Parameter
from qiskit_ibm_runtime import QiskitRuntimeService, RuntimeJobV2
from qiskit_ibm_runtime.api.rest.runtime import Runtime
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from runtime_server.client import Sampler
from runtime_server.harness import RuntimeServer

from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy

# The call before or after which the process dies, and the how manieth call it is.
STAGES = {
    "plan": (Journal, "ensure_units", 1),
    "claim": (Journal, "claim", 2),
    "request": (Runtime, "program_run", 2),
    "id": (Journal, "submitted", 2),
    "download": (RuntimeJobV2, "result", 2),
    "result": (Journal, "finish", 2),
}


def main(folder):
    """Die at every stage and go on; print what came of it."""
    outcomes = {}
    with RuntimeServer(Path(folder) / "server", [FakeManilaV2]) as server:
        os.environ.update(server.environment)
        for stage in STAGES:
            for when in ("before", "after"):
                server.reset()
                path = Path(folder) / f"{when}-{stage}.journal"
                killed = _in_fork(lambda path=path, stage=stage, when=when: _die(path, stage, when))
                answer = path.with_suffix(".npy")
                _in_fork(lambda path=path, answer=answer: np.save(answer, _run(path)))
                with Journal(path) as journal:
                    duplicates = len(journal.duplicates())
                outcomes[f"{when} {stage}"] = {
                    "killed": killed == signal.SIGKILL,
                    "counts": np.load(answer).tolist(),
                    "executions": server.executions(),
                    "jobs": len(server.jobs()),
                    "duplicates": duplicates,
                }
        outcomes["two at once"] = _two_at_once(server, Path(folder))
    print(json.dumps(outcomes))


def _two_at_once(server, folder):
    """Let two processes work on one journal; the first is killed when half of the work is done."""
    server.reset()
    server.store.set("job_seconds", 0.3)
    path = folder / "shared.journal"
    children = []
    for number in range(3):
        children.append(_fork(lambda number=number: np.save(folder / f"shared{number}.npy", _run(path))))
    server.wait_until(lambda: server.executions() >= 200)
    os.kill(children[0], signal.SIGKILL)
    signals = [os.WTERMSIG(os.waitpid(child, 0)[1]) for child in children]
    counts = [np.load(folder / f"shared{number}.npy").tolist() for number in (1, 2)]
    return {"signals": signals, "counts": counts, "executions": server.executions(), "jobs": len(server.jobs())}


def _die(path, stage, when):
    owner, name, number = STAGES[stage]
    original, calls = getattr(owner, name), []

    def dying(*arguments, **settings):
        calls.append(1)
        if when == "before" and len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **settings)
        if when == "after" and len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)
    _run(path)


def _run(path):
    """Run six circuits in three units and return how often each read 1."""
    circuit = QuantumCircuit(1)
    circuit.ry(Parameter("angle"), 0)
    circuit.measure_all()
    backend = QiskitRuntimeService().backend("test_manila")
    isa = generate_preset_pass_manager(1, backend=backend, seed_transpiler=1).run(circuit)
    policy = Policy(poll_seconds=0.02, settle_seconds=0.4, submissions_per_minute=1000, max_executions=200)
    sampler = JournaledSampler(Sampler(mode=backend), path, policy=policy)
    result = sampler.run([(isa, np.linspace(0, np.pi, 6)[:, None], 100)]).result(60)
    return np.count_nonzero(result[0].data.meas.array[..., 0], axis=-1)


def _in_fork(work):
    """Do something in a process of its own and return the signal that ended it, 0 for none."""
    return os.WTERMSIG(os.waitpid(_fork(work), 0)[1])


def _fork(work):
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(0)
    return 0
