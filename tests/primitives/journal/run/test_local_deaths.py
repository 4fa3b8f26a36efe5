"""Work of this machine that died with its process is planned, priced and said to be work that is run again."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qiskit.providers.fake_provider import GenericBackendV2
from runtime_server.work import rotation

from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives import Journal, connect
from qiskit_qml_ext.primitives.journal.disk.rows import UNITS, change
from qiskit_qml_ext.primitives.journal.store.ownership import new_owner
from tests.commands.journals import jobs

VALUES = np.linspace(0, 3, 9)[:, None]
TARGETS = ("fake_manila", "aer", "generic")
DYING = """
import os, signal, sys
from tests.primitives.journal.run.test_local_deaths import TARGETS, VALUES, connected
from qiskit_qml_ext.primitives import Journal
from runtime_server.work import rotation

for name in TARGETS:
    child = os.fork()
    if not child:
        calls, submitted = [], Journal.submitted

        def dying(*arguments, **settings):
            answer = submitted(*arguments, **settings)
            calls.append(1)
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        Journal.submitted = dying
        list(connected(name, f"{sys.argv[1]}/{name}.journal").sample(rotation(), VALUES))
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
"""


def connected(name, journal, **settings):
    target = GenericBackendV2(2, seed=1) if name == "generic" else name
    return connect(target, shots=50, seed=1, journal=journal, max_executions_per_job=150, **settings)


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    """Journals of three jobs each: one is done, one died with its process, one is planned."""
    folder, tests = tmp_path_factory.mktemp("dead"), Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{tests.parent}{os.pathsep}{tests}", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", DYING, str(folder)], env=environment, check=True, timeout=120)
    return folder


@pytest.mark.parametrize("name", TARGETS)
def test_what_a_plan_says_is_left_is_what_is_then_run(dead, name, monkeypatch):
    import qiskit_ibm_runtime

    def refuse(*arguments, **settings):
        raise AssertionError("no account is needed for work of this machine")

    monkeypatch.setattr(qiskit_ibm_runtime, "QiskitRuntimeService", refuse)
    path = dead / f"{name}.journal"
    with Journal(path) as journal:
        assert [unit.state for unit in journal.units()] == ["done", "submitted", "planned"]
    output = jobs(path, "resume")
    assert "Unit 2 was being run on this machine by a program that ended, and no service has the results: run" in output
    assert "ccount" not in output
    limited = connected(name, path, max_executions=299)
    with pytest.raises(BudgetExceededError, match=r"needs 300 executions"):
        list(limited.sample(rotation(), VALUES))
    connection = connected(name, path)
    plan = connection.plan([(rotation(), VALUES)])
    whole = connected(name, path.with_suffix(".new")).plan([(rotation(), VALUES)])
    assert (plan.circuits, plan.in_journal) == (9, 3)
    if whole.seconds is not None:
        parts = [one.seconds - one.overhead_seconds for one in (plan, whole)]
        np.testing.assert_allclose(parts[0], parts[1] * 6 / 9, rtol=1e-12)
    list(connection.sample(rotation(), VALUES))
    assert (connection.usage.circuits, connection.usage.shots) == (6, 300)
    assert connected(name, path).plan([(rotation(), VALUES)]).in_journal == 9


def test_work_that_a_living_process_does_is_waited_for_and_not_planned(tmp_path):
    path = tmp_path / "run.journal"
    list(connected("aer", path).sample(rotation(), VALUES))
    with Journal(path) as journal, journal._transaction() as database:
        database.execute("DELETE FROM results WHERE unit = 1")
        change(database, UNITS, "id = 1", [], state="submitted", owner=new_owner())
    assert connected("aer", path).plan([(rotation(), VALUES)]).in_journal == 9
    assert "Unit 1 is being run on this machine by another run of this process." in jobs(path, "resume")
