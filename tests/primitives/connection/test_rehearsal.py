"""Circuits are checked as a job would be, by the known rules and by the service's dry run."""

import shutil

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend
from runtime_server.client import HAS_EXECUTOR
from runtime_server.work import rotation

from qiskit_qml_ext.primitives import Rehearsal, connect, rehearse

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
