"""Trains on a device with noise, through a journal and with a checkpoint, in processes of which some kill themselves.

Each training runs in a fork of a process that has computed nothing yet. What came of them is printed as JSON.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

from qiskit_qml_ext.circuits import AngleFeatureMap, RealAmplitudesAnsatz
from qiskit_qml_ext.models import VariationalClassifier
from qiskit_qml_ext.primitives import Connection, Journal, connect

X, Y = np.random.default_rng(0).uniform(0, 3, (2, 2)), [0, 1]

# At which estimate a process dies, and whether before it runs or after its result is in the journal: each in the
# middle of an iteration, of which each has two batches. SPSA takes one estimate more, to begin with.
DEATHS = {"adam": [(1, "before"), (3, "after")], "spsa": [(2, "after"), (5, "before")]}


def main(folder):
    """Train with each optimizer, once undisturbed and once with deaths."""
    outcomes = {}
    for optimizer, deaths in DEATHS.items():
        whole, torn = folder / f"{optimizer}-whole", folder / f"{optimizer}-torn"
        _in_fork(lambda where=whole, optimizer=optimizer: _train(where, optimizer))
        ends = [
            _in_fork(lambda where=torn, optimizer=optimizer, death=death: _train(where, optimizer, death))
            for death in deaths
        ]
        _in_fork(lambda where=torn, optimizer=optimizer: _train(where, optimizer))
        outcomes[optimizer] = {
            "killed": [end == signal.SIGKILL for end in ends],
            "whole": _told(whole),
            "torn": _told(torn),
        }
    print(json.dumps(outcomes))


def _train(where, optimizer, death=None):
    if death is not None:
        _die_at(*death)
    seen = []
    model = VariationalClassifier(
        AngleFeatureMap(), RealAmplitudesAnsatz(reps=1), optimizer=optimizer, batch_size=1, max_iter=3, random_state=0,
        connection=connect("fake_manila", shots=40, seed=1, journal=f"{where}.journal"), checkpoint=f"{where}.json",
        callbacks=[lambda step: seen.append(step.iteration)],
    ).fit(X, Y)  # fmt: skip
    history = model.history_.drop(columns="seconds").to_json(double_precision=15)
    told = {"history": history, "weights": model.weights_.tolist(), "iterations": seen}
    Path(f"{where}.told").write_text(json.dumps(told), encoding="utf-8")


def _die_at(number, when):
    estimate, count = Connection.estimate, 0

    def dying(self, pubs):
        nonlocal count
        count += 1
        if count == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = estimate(self, pubs)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    Connection.estimate = dying


def _told(where):
    with Journal(f"{where}.journal") as journal:
        units = journal.units()
        paid = {
            "units": len(units),
            "executions": sum(unit.executions * unit.attempts for unit in units),
            "done": all(unit.state == "done" for unit in units),
            "contents": sorted(unit.content.hex() for unit in units),
        }
    return {**json.loads(Path(f"{where}.told").read_text(encoding="utf-8")), "paid": paid}


def _in_fork(work):
    """Run something in a fork, and return the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("a training failed")
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
