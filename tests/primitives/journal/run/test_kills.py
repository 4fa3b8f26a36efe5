"""SIGKILL of the estimating process at every stage, and at random together with the service."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from runtime_server.client import Sampler
from runtime_server.harness import TOKEN
from runtime_server.work import QUICK, isa_rotation, rotation

from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives.journal import Journal, JournaledSampler, Policy

TESTS = Path(__file__).parents[3]

STAGES = ("plan", "claim", "request", "id", "download", "result")


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """What came of a kill at every stage; one process imports everything once and forks those that die."""
    done = run_python("from runtime_server.stages import main; main(sys.argv[1])", tmp_path_factory.mktemp("stages"))
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("stage", STAGES)
def test_kill_at_every_stage_costs_nothing_and_loses_nothing(stages, stage, when):
    outcome = stages[f"{when} {stage}"]
    assert outcome["killed"]
    assert outcome["counts"][0] == 0
    assert outcome["counts"][-1] == 100
    assert outcome["executions"] == 600
    assert outcome["jobs"] == 3
    assert outcome["duplicates"] == 0


@pytest.mark.slow
def test_processes_share_the_work_and_take_over_what_a_killed_one_leaves(stages):
    outcome = stages["two at once"]
    assert outcome["signals"] == [9, 0, 0]
    assert outcome["counts"][0] == outcome["counts"][1]
    assert outcome["executions"] == 600
    assert outcome["jobs"] == 3


def run_python(code, folder):
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; " + code, str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_random_kills_of_both_sides_execute_every_unit_once(tmp_path):
    done = run_python(
        "import runtime_server.client, qiskit_qml_ext.kernels, qiskit_qml_ext.circuits;"
        "from runtime_server.kills import campaign;"
        "import runtime_server.tasks;"
        "print(campaign(sys.argv[1], kills=6, samples=7, seed=3, longest_life=2.0, job_seconds=0.2))",
        tmp_path,
    )
    assert "unreported=0" in done.stdout.splitlines()[-1]
    written = [item for item in tmp_path.rglob("*") if item.is_file()]
    assert any(item.suffix == ".journal" for item in written)
    for item in written:
        assert TOKEN.encode() not in item.read_bytes(), item


def test_journal_is_private_and_the_token_is_nowhere(server, work, path):
    server.fault("POST", "/jobs", status=400, body={"error": {"code": 1, "message": "no"}})
    with pytest.raises(RunIncompleteError, match=r"3 of 3 units.*no") as caught:
        work()
    assert server.requests("POST", "/jobs") == 1
    work()
    assert TOKEN not in str(caught.value)
    for item in path.parent.iterdir():
        assert TOKEN.encode() not in item.read_bytes()
        assert item.stat().st_mode & 0o077 == 0, item


def test_uninterrupted_and_interrupted_runs_give_the_same_form(server, backend, path):
    """A PUB of many dimensions, a PUB without parameters and a row asked for twice come back in their own places."""
    circuit = isa_rotation(backend)
    fixed = circuit.assign_parameters([np.pi])
    grid = np.array([[[0.0], [np.pi], [0.0]], [[np.pi], [0.0], [np.pi]]])
    expected = Sampler(mode=backend).run([(circuit, grid, 20), (fixed, None, 20)]).result()
    for _ in range(2):
        sampler = JournaledSampler(Sampler(mode=backend), Journal(path), policy=Policy(**QUICK, max_executions=40))
        result = sampler.run([(circuit, grid), (fixed,)], shots=20).result()
        assert [pub.data.shape for pub in result] == [pub.data.shape for pub in expected]
        assert np.array_equal(result[0].data.meas.array, expected[0].data.meas.array)
        assert result[1].data.meas.get_counts() == {"1": 20}
    assert rotation().num_parameters == 1
