"""The process in which a peer runs: ``python -m benchmarks.worker PEER``. One JSON object a line, in and out.

It first says which versions it runs (or that its packages are absent), then answers:

- ``{"op": "prepare", "case": …, "result": path}``: prepare the task, run it once, store its result as an ``.npy`` file,
- ``{"op": "time", "seconds": s}``: run it again for at least s seconds and at least once, and say how long a call took.
"""

import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
import traceback
from typing import Any

import numpy as np

from benchmarks.task import Task


def main(peer: str) -> None:
    """Serve one peer until the standard input ends."""
    # Packages print what they like: only the answers go to the real standard output.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(**answer: Any) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        module = importlib.import_module(f"benchmarks.peers.{peer}")
    except ImportError as error:
        say(absent=str(error))
        return
    versions = {name: importlib.metadata.version(name) for name in ("numpy", *module.PACKAGES)}
    say(versions={"python": platform.python_version(), **versions})
    task: Task | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "prepare":
                task = None  # frees what the last one held
                task = module.PREPARE[request["case"]["kind"]](request["case"])
                say(**_first_call(task, request["result"]))
            else:
                assert task is not None, "time comes after prepare"
                waited = _time(task, request["seconds"])
                say(seconds=task.scale * waited, waited=waited)
        except Exception as error:  # whatever a peer raises is its outcome of this row, the other rows go on
            traceback.print_exc()
            say(error=f"{type(error).__name__}: {error}")


def _first_call(task: Task, path: str) -> dict[str, Any]:
    start = time.perf_counter()
    result = task.run()
    seconds = time.perf_counter() - start
    np.save(path, result, allow_pickle=False)
    return {"seconds": seconds * task.scale, "note": task.note}


def _time(task: Task, at_least: float) -> float:
    """Seconds per call; short calls are repeated so that the clock does not matter."""
    calls, start = 0, time.perf_counter()
    while True:
        task.run()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed >= at_least:
            return elapsed / calls


if __name__ == "__main__":
    main(sys.argv[1])
