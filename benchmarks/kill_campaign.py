"""Claim: no result is lost and no unit of work runs twice, whatever is killed.

Kernels of 60 units are estimated through the journal with the unmodified Runtime client against the small service of
the tests, while the estimating process and the service are killed at random moments. In between, answers of the service
are dropped or replaced by errors; submissions take effect seconds after they were sent, when their client is dead or
has given them up; the wall clock steps by an hour; processes are suspended past their lease while a second one takes
over; and the journal is replaced by an older backup, or loses the log that lies beside its file. The service's ledger
is compared with the journals afterwards, when the same was run once more undisturbed.

Goal: 200 kills, every kernel complete and right, ``lost=0`` and ``unreported=0``: every execution that was not needed
is reported. There is no rival: we know of no other package that keeps results across a crash.

    python benchmarks/kill_campaign.py                     200 kills, about ten minutes on two cores
    python benchmarks/kill_campaign.py --kills 5 --samples 6      a few seconds, as in CI

The whole campaign writes ``benchmarks/results/kill_campaign.json``; a smaller one writes where ``--output`` says.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

# The estimating processes are forks: what they need is loaded once.
import runtime_server.client
import runtime_server.tasks  # noqa: F401
from runtime_server.kills import campaign

import qiskit_qml_ext.circuits
import qiskit_qml_ext.kernels  # noqa: F401

RESULTS = Path(__file__).parent / "results" / "kill_campaign.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--samples", type=int, default=16, help="16 samples are 120 pairs in 60 units")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where to keep journals and logs; by default they are removed")
    parser.add_argument("--calm", action="store_true", help="kills and dropped answers only")
    parser.add_argument("--output", help="write the outcome as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = campaign(
            folder, kills=arguments.kills, samples=arguments.samples, seed=arguments.seed, calm=arguments.calm
        )
    print(outcome)
    is_whole = arguments.kills >= 200 and not arguments.calm
    output = arguments.output or (RESULTS if is_whole else None)
    if output:
        settings = {"kills": arguments.kills, "samples": arguments.samples, "seed": arguments.seed}
        report = {"outcome": asdict(outcome), "settings": settings, "about": about()}
        Path(output).write_text(json.dumps(report, indent=1) + "\n")
    sys.exit(0 if outcome.unreported == outcome.lost == 0 else 1)


def about():
    """Return the machine and the versions."""
    packages = ("qiskit-qml-ext", "qiskit", "qiskit-aer", "qiskit-ibm-runtime", "numpy")
    return {
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "sqlite": sqlite3.sqlite_version,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


if __name__ == "__main__":
    main()
