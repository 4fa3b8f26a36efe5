"""Claim: no result is lost and no unit of work runs twice, whatever is killed.

Kernels of 60 units are estimated through the journal with the unmodified Runtime client against the small service of
the tests, while the estimating process and the service are killed at random moments, and while answers of the service
are dropped or replaced by errors at random. The service's ledger is compared with the journals afterwards.

Goal: 200 kills, every kernel complete, ``unreported=0``: every execution that was not needed was made by the service
itself and is reported. There is no rival: we know of no other package that keeps results across a crash.

    python benchmarks/kill_campaign.py                     200 kills, about six minutes on two cores
    python benchmarks/kill_campaign.py --kills 5 --samples 6      a few seconds, as in CI
"""

import argparse
import json
import platform
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

# The estimating processes are forks: what they need is loaded once.
import runtime_server.client  # noqa: F401
from runtime_server.kills import campaign

import qiskit_qml_ext.circuits
import qiskit_qml_ext.kernels  # noqa: F401


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--samples", type=int, default=16, help="16 samples are 120 pairs in 60 units")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where to keep journals and logs; by default they are removed")
    parser.add_argument("--output", help="write the outcome as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = campaign(folder, kills=arguments.kills, samples=arguments.samples, seed=arguments.seed)
    print(outcome)
    if arguments.output:
        about = {
            "machine": platform.machine(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("qiskit", "qiskit-aer", "qiskit-ibm-runtime")},
        }
        Path(arguments.output).write_text(json.dumps({"outcome": asdict(outcome), "about": about}, indent=1) + "\n")
    sys.exit(0 if outcome.unreported == 0 else 1)


if __name__ == "__main__":
    main()
