"""Connecting to an IBM account, transpiling for a device, and options that reach it."""

import json

import numpy as np
import pytest
import qiskit_ibm_runtime
from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit_ibm_runtime import Batch, QiskitRuntimeService, Session
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend
from runtime_server.client import HAS_EXECUTOR
from runtime_server.harness import RuntimeServer
from runtime_server.work import QUICK, isa_rotation, rotation

from qiskit_qml_ext.exceptions import RunIncompleteError
from qiskit_qml_ext.primitives import Journal, Policy, connect
from qiskit_qml_ext.primitives.journal.service.services import is_of_runtime
from qiskit_qml_ext.primitives.pricing import error_free_fraction

pytestmark = pytest.mark.client


def test_account_with_a_name_or_the_least_busy_device(server):
    assert connect(server.service(), backend="test_manila").target_name == "test_manila"
    assert connect(server.service()).target_name == "test_manila"
    assert connect("least_busy").target_name == "test_manila"
    with pytest.raises(ValueError, match=r"no device 'test_mars'. It has: test_manila"):
        connect(server.service(), backend="test_mars")
    with pytest.raises(ValueError, match=r"no device 'ibm_mars'. It has: test_manila"):
        connect("ibm_mars")
    with pytest.raises(TypeError, match="backend must be the name of a device"):
        connect(server.service(), backend=3)


def test_account_that_cannot_be_reached_is_a_clear_error(monkeypatch, server):
    monkeypatch.setenv("QISKIT_IBM_URL", "http://127.0.0.1:9/experimental")
    for name in ("IAM_URL", "GLOBAL_SEARCH_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="account cannot be reached"):
        connect("ibm_mars")


def test_isa_circuits_are_taken_as_they_are(backend):
    connection = connect(backend)
    isa = isa_rotation(backend)
    assert connection.isa_circuit(isa) is isa
    narrow = QuantumCircuit(1)
    narrow.rz(0.1, 0)
    assert connection.isa_circuit(narrow).num_qubits == 5


def test_best_of_several_seeds_has_the_least_errors(backend):
    circuit = QuantumCircuit(5)
    rng = np.random.default_rng(3)
    for _ in range(12):
        circuit.cx(*rng.choice(5, 2, replace=False).tolist())
    circuit.measure_all()
    fractions = []
    for seed in range(6):
        isa = generate_preset_pass_manager(1, backend=backend, seed_transpiler=seed).run(circuit)
        fractions.append(error_free_fraction(isa, backend.target))
    assert len(set(fractions)) > 1
    best = connect(backend, seed=0, transpile_trials=6).isa_circuit(circuit)
    assert error_free_fraction(best, backend.target) == max(fractions)


def test_options_are_passed_to_the_device_and_recorded(server, path):
    connection = connect(
        server.service(),
        backend="test_manila",
        shots=64,
        journal=path,
        policy=Policy(**QUICK),
        twirling={"enable_gates": True, "enable_measure": True},
        experimental={"note": 1},
    )
    next(connection.sample(rotation(), np.zeros((2, 1))))
    sent = json.loads(server.jobs()[0]["params"])
    if HAS_EXECUTOR:
        sent = sent["quantum_program"]["passthrough_data"]["post_processor"]
    assert sent["options"]["twirling"]["enable_gates"]
    (unit,) = Journal(path).units()
    assert unit.settings["twirling"] == {"enable_gates": True, "enable_measure": True}
    assert unit.settings["experimental"] == {"note": 1}


@pytest.mark.parametrize("mode", ["batch", "session"])
def test_modes_open_one_session_that_is_closed_at_the_end_and_none_for_finished_work(server, path, mode):
    def run():
        with connect(server.service(), shots=10, mode=mode, journal=path, policy=Policy(**QUICK)) as connection:
            next(connection.sample(rotation(), np.zeros((2, 1))))

    run()
    run()
    sessions = [dict(row) for row in server.store.rows("SELECT * FROM sessions")]
    assert [(row["mode"], row["accepting"]) for row in sessions] == [
        ({"batch": "batch", "session": "dedicated"}[mode], 0)
    ]
    assert server.jobs()[0]["session"] == sessions[0]["id"]


@pytest.mark.skipif(not HAS_EXECUTOR, reason="the oldest client asks for plans at IBM's own address only")
def test_sessions_are_refused_on_an_open_plan_before_anything_is_asked_for(server, path):
    server.store.set("plan", "Open")
    for target, backend in (
        (server.service(), {"backend": "test_manila"}),
        (server.service().backend("test_manila"), {}),
    ):
        with pytest.raises(ValueError, match=r"Open Plan, which has no sessions.*mode='batch'"):
            connect(target, mode="session", journal=path, **backend)
    assert server.requests("POST", "/sessions") == server.requests("POST", "/jobs") == 0
    connect(server.service(), mode="batch").close()


def test_session_that_the_service_does_not_allow_is_a_clear_error(server, path):
    server.store.set("sessions_allowed", False)
    with (
        connect(server.service(), shots=10, mode="session", journal=path, policy=Policy(**QUICK)) as connection,
        pytest.raises(RunIncompleteError, match="not authorized to run a session"),
    ):
        next(connection.sample(rotation(), np.zeros((2, 1))))


@pytest.mark.parametrize("kind", [Batch, Session])
def test_closed_sessions_of_the_users_are_refused(backend, kind):
    mode = kind(backend=backend)
    assert connect(mode).target_name == "test_manila"
    mode.close()
    with pytest.raises(ValueError, match=rf"The {kind.__name__} that came is closed.*mode='{kind.__name__.lower()}'"):
        connect(mode)


USED_BEFORE = {
    "never": lambda service: None,
    "for the device": lambda service: service.backend("test_fractional"),
    "for all devices": lambda service: service.backends(),
    "for the least busy one": lambda service: service.least_busy(),
    "for fractional gates": lambda service: service.backend("test_fractional", use_fractional_gates=True),
}


def test_devices_of_an_account_have_all_their_gates_whatever_it_was_used_for_before(tmp_path, monkeypatch):
    with RuntimeServer(tmp_path, [FakeFractionalBackend]) as running:  # one device only, so that it is the least busy
        for variable, value in running.environment.items():
            monkeypatch.setenv(variable, value)
        for used, use in USED_BEFORE.items():
            for name in ("test_fractional", "least_busy"):
                service = running.service()
                use(service)
                names = connect(service, backend=name, fractional=True).device.operation_names
                assert {"rzz", "rx", "cx", "if_else"} <= set(names), (used, name)
                plain = service.backend("test_fractional")  # what others ask for is what they get
                assert "rzz" not in plain.operation_names


def test_account_of_either_name_and_of_a_subclass_is_taken(server):
    class Mine(QiskitRuntimeService):
        pass

    assert getattr(qiskit_ibm_runtime, "IBMQuantumComputeService", QiskitRuntimeService) is QiskitRuntimeService
    connection = connect(Mine(), backend="test_manila", shots=4)
    assert is_of_runtime(connection.sampler)


def test_device_of_an_account_that_was_closed_and_reached_again_still_runs(server, path):
    old = server.service().backend("test_manila")
    server.kill()
    server.start()
    connection = connect(old, shots=10, journal=path, policy=Policy(**QUICK))
    next(connection.sample(rotation(), np.zeros((2, 1))))
    assert server.executions() == 20


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_limit_of_executions_that_cannot_be_meant_is_refused(limit):
    with pytest.raises((TypeError, ValueError), match="max_executions_per_job must be"):
        connect("fake_manila", max_executions_per_job=limit)


def test_a_plan_in_a_session_says_that_it_is_charged_by_the_clock(server):
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    for mode, said in (("session", 1), ("batch", 0), ("job", 0)):
        with connect(server.service(), backend="test_manila", shots=10, mode=mode) as connection:
            assert connection.plan([circuit]).summary().count("A session is charged by the clock") == said
