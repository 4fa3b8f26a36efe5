"""Twirling makes circuits run more shots than are asked for: those that run are planned, limited and counted."""

import numpy as np
import pytest
from runtime_server.client import HAS_EXECUTOR
from runtime_server.work import QUICK, rotation

from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives import Journal, Policy, connect
from qiskit_qml_ext.primitives.journal import JournaledSampler
from qiskit_qml_ext.primitives.targets.client.generations import generations

pytestmark = pytest.mark.client

NEWER = pytest.mark.skipif(not HAS_EXECUTOR, reason="the client has the older generation only")
GATES = {"twirling": {"enable_gates": True}}
ANGLES = np.linspace(0, 1, 3)[:, None]
RUN = 128
"""What a circuit of 100 shots gets: two randomizations of 64 shots."""


def drawn(connection, values=ANGLES):
    """Return the shots that came back for each circuit."""
    return [data.meas.num_shots for _, data in connection.sample(rotation(), values)]


@NEWER
@pytest.mark.parametrize("has_journal", [False, True])
def test_a_rehearsal_plans_and_counts_the_shots_that_run(path, has_journal):
    kept = {"journal": path} if has_journal else {}
    connection = connect("fake_manila", shots=100, seed=1, **GATES, **kept)
    plan = connection.plan([(rotation(), ANGLES)])
    assert (plan.shots, plan.executions) == (RUN, 3 * RUN)
    assert plan.standard_error == pytest.approx(0.5 / np.sqrt(RUN))
    plain = connect("fake_manila", shots=RUN, seed=1).plan([(rotation(), ANGLES)])
    assert plan.seconds == pytest.approx(plain.seconds, rel=1e-12)
    assert drawn(connection) == [RUN]
    assert (connection.usage.circuits, connection.usage.shots) == (3, 3 * RUN)
    if has_journal:
        assert [unit.executions for unit in Journal(path).units()] == [3 * RUN]
        again = connect("fake_manila", shots=100, seed=1, **GATES, **kept)
        assert drawn(again) == [RUN]
        assert again.usage.shots == 0


@NEWER
@pytest.mark.parametrize("has_journal", [False, True])
def test_limits_on_executions_count_the_shots_that_run(path, has_journal):
    kept = {"journal": path} if has_journal else {}
    with pytest.raises(BudgetExceededError, match="needs 384 executions"):
        drawn(connect("fake_manila", shots=100, max_executions=3 * RUN - 1, **GATES, **kept))
    connection = connect(
        "fake_manila", shots=100, seed=1, max_executions=3 * RUN, max_executions_per_job=2 * RUN, **GATES, **kept
    )
    assert connection.plan([(rotation(), ANGLES)]).jobs == 2
    drawn(connection)
    assert connection.usage.jobs == 2


@NEWER
def test_a_circuit_whose_twirled_shots_exceed_a_job_is_refused():
    connection = connect("fake_manila", shots=100, max_executions_per_job=100, **GATES)
    with pytest.raises(ValueError, match="128 shots exceeds the limit of 100"):
        drawn(connection)


@NEWER
def test_cost_is_limited_by_the_shots_that_run():
    many = {"twirling": {"enable_gates": True, "num_randomizations": 50, "shots_per_randomization": 400}}
    price = connect("fake_manila", shots=100).plan([(rotation(), ANGLES)], price_per_minute=60).cost
    with pytest.raises(BudgetExceededError, match="estimated cost"):
        drawn(connect("fake_manila", shots=100, max_cost=2 * price, price_per_minute=60, **many))


@NEWER
def test_a_rehearsal_refuses_jobs_whose_twirled_shots_the_service_refuses():
    connection = connect(
        "fake_manila", shots=9_000_000, twirling={"enable_gates": True, "num_randomizations": 6_000_000}
    )
    with pytest.raises(ValueError, match="A job of 12,000,000 executions"):
        connection.sampler.run([connection.isa_circuit(rotation().assign_parameters([0.3]))])


@pytest.mark.parametrize("kind", list(generations()))
def test_what_a_journal_notes_is_what_the_service_executes(server, path, kind):
    many = {"enable_gates": True, "num_randomizations": 5, "shots_per_randomization": 40}
    for number, twirling in enumerate([{"enable_gates": True}, {"enable_measure": True}, many]):
        connection = connect(
            server.service(),
            backend="test_manila",
            shots=100,
            journal=f"{path}{number}",
            policy=Policy(**QUICK),
            generation=kind,
            max_executions_per_job=300,
            twirling=twirling,
        )
        before = server.executions()
        plan = connection.plan([(rotation(), ANGLES)])
        drawn(connection)
        executed = server.executions() - before
        assert executed == (600 if twirling is many else 384)
        assert executed == plan.executions == connection.usage.shots
        assert sum(unit.executions for unit in Journal(f"{path}{number}").units()) == executed
        assert plan.jobs == connection.usage.jobs == (3 if twirling is many else 2)


@NEWER
def test_samplers_of_the_clients_own_are_journaled_with_the_shots_that_run(path):
    connection = connect("fake_manila", shots=100, **GATES)
    own = generations()["executor"].sampler(mode=connection.backend)
    own.options.twirling.enable_gates = True
    isa = connection.isa_circuit(rotation())
    result = JournaledSampler(own, path).run([(isa, ANGLES)], shots=100).result()
    assert result[0].data.meas.num_shots == RUN
    assert [unit.executions for unit in Journal(path).units()] == [3 * RUN]


def test_the_older_rehearsal_twirls_nothing(path):
    connection = connect("fake_manila", shots=100, seed=1, generation="legacy", journal=path, **GATES)
    assert connection.plan([(rotation(), ANGLES)]).executions == 300
    with pytest.warns(UserWarning, match="have no effect in local testing mode"):
        assert drawn(connection) == [100]
    assert connection.usage.shots == 300


@NEWER
def test_fewer_shots_than_are_asked_for_are_refused_before_anything_is_paid(server, path):
    connection = connect(
        server.service(),
        backend="test_manila",
        shots=100,
        journal=path,
        twirling={"enable_gates": True, "num_randomizations": 2, "shots_per_randomization": 3},
    )
    with pytest.raises(ValueError, match=r"100 shots are asked for, but .* 6 run"):
        drawn(connection)
    assert server.jobs() == []
