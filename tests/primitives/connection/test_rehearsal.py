"""Circuits are checked as a job would be, by the known rules and by the service's dry run."""

import shutil

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend
from runtime_server.client import HAS_EXECUTOR
from runtime_server.work import rotation

from qiskit_qml_ext.primitives import Rehearsal, connect, rehearse
from qiskit_qml_ext.primitives.targets.client.generations import generations

pytestmark = pytest.mark.client

ANGLES = np.zeros((2, 1))


@pytest.fixture
def dry(server):
    mock = server.offer_dry_runs()
    yield connect(server.service(), backend="test_manila", shots=10)
    shutil.rmtree(mock)


@pytest.mark.skipif(not HAS_EXECUTOR, reason="dry runs came with 0.50")
def test_service_accepts_or_refuses_in_a_dry_run_that_costs_nothing(server, dry):
    assert rehearse(dry, [(rotation(), ANGLES)]) == Rehearsal(True, "service", "")
    server.store.set("execution_limit", 15)
    refused = rehearse(dry, [(rotation(), ANGLES)])
    assert (refused.accepted, refused.by) == (False, "service")
    assert "exceeds the limit of 15" in refused.reason
    assert [job["backend"] for job in server.jobs()] == ["mock_manila"]
    assert server.executions() == 0


def test_service_that_cannot_be_asked_is_told(server):
    connection = connect(server.service(), backend="test_manila", shots=10)
    found = rehearse(connection, [(rotation(), ANGLES)])
    assert (found.accepted, found.by) == (True, "rules")
    assert ("offers no dry runs to this account" if HAS_EXECUTOR else "came with 0.50") in found.reason
    assert server.jobs() == []


def test_rules_refuse_before_anybody_is_asked():
    circuit = QuantumCircuit(5, 2)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.sx(1)
    circuit.measure(1, 1)
    found = rehearse(connect(FakeFractionalBackend(), dynamical_decoupling={"enable": True}), [circuit])
    assert (found.accepted, found.by) == (False, "rules")
    assert "dynamical_decoupling.enable=True" in found.reason


def test_fractional_gates_are_left_out_where_options_exclude_them():
    circuit = QuantumCircuit(2, 2)
    circuit.rzz(0.3, 0, 1)
    circuit.measure([0, 1], [0, 1])
    assert rehearse(connect(FakeFractionalBackend(), twirling={"enable_gates": True}), [circuit]).accepted


MOST = 10_000_000
"""Executions of a sampler's job, by IBM's documentation of the limits of jobs."""


@pytest.mark.parametrize(("shots", "fits"), [(MOST // 2, True), (MOST // 2 + 1, False)])
@pytest.mark.parametrize("kind", list(generations()))
def test_executions_in_a_job_are_a_rule_as_for_the_sampler(shots, fits, kind):
    connection = connect("fake_manila", shots=shots, generation=kind)
    found = rehearse(connection, [(rotation(), ANGLES)])
    assert (found.accepted, found.by) == (fits, "rules")
    if not fits:
        assert f"A job of {2 * shots:,} executions" in found.reason
        with pytest.raises(ValueError, match=r"A job of [\d,]+ executions") as caught:
            connection.sampler.run([(connection.isa_circuit(rotation()), ANGLES)])
        assert str(caught.value) == found.reason


@pytest.mark.skipif(not HAS_EXECUTOR, reason="older primitives leave twirling to the service")
def test_executions_of_a_rehearsed_job_are_those_that_run():
    given = {"enable_gates": True, "num_randomizations": 100, "shots_per_randomization": 1000}
    circuits = [rotation().assign_parameters([0.1])] * 101
    assert rehearse(connect("fake_manila", shots=1000, twirling=given), circuits[:100]).accepted
    found = rehearse(connect("fake_manila", shots=1000, twirling=given), circuits)
    assert (found.accepted, "A job of 10,100,000 executions" in found.reason) == (False, True)


def test_a_journal_cuts_rehearsed_work_into_jobs_that_fit(path):
    angles = np.zeros((25, 1))
    assert rehearse(connect("fake_manila", shots=MOST // 2, journal=path), [(rotation(), angles)]).accepted
    assert not rehearse(connect("fake_manila", shots=MOST + 1, journal=path), [(rotation(), angles)]).accepted
    wide = connect("fake_manila", shots=MOST // 2, journal=path, max_executions_per_job=2 * MOST)
    assert "A job of 20,000,000" in rehearse(wide, [(rotation(), angles)]).reason
    assert rehearse(wide, [(rotation(), angles[:2])]).accepted


def test_a_device_without_dry_runs_is_held_against_the_documented_limit(server):
    connection = connect(server.service(), backend="test_manila", shots=MOST + 1)
    found = rehearse(connection, [rotation().assign_parameters([0.1])])
    assert (found.accepted, found.by) == (False, "rules")
    assert server.jobs() == []


@pytest.mark.parametrize("target", ["exact", "aer", "fake_manila"])
def test_what_runs_here_has_no_service(target):
    found = rehearse(connect(target, shots=10), [(rotation(), ANGLES)])
    assert (found.accepted, found.by) == (True, "rules")
    assert "without a service" in found.reason


def test_arguments_that_cannot_be_meant_are_refused():
    with pytest.raises(TypeError, match="connection must come from connect"):
        rehearse("aer", [rotation()])
    with pytest.raises(ValueError, match="max_seconds must be"):
        rehearse(connect("aer"), [], max_seconds=-1.0)
    with pytest.raises(ValueError, match="finite"):
        rehearse(connect("aer"), [(rotation(), [np.nan])])
