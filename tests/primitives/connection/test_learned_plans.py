"""Plans learn from the journal's jobs what the next ones take; the truth is the service's own ledger of seconds."""

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from runtime_server.timing import Timing
from runtime_server.work import QUICK

from qiskit_qml_ext.primitives import Policy, connect
from tests.commands.journals import jobs


def layered(layers):
    circuit, angles = QuantumCircuit(3), ParameterVector("x", 3)
    for _ in range(layers):
        for qubit in range(3):
            circuit.ry(angles[qubit], qubit)
        circuit.cx(0, 1)
        circuit.cx(1, 2)
    circuit.measure_all()
    return circuit


def test_after_ten_jobs_plans_of_others_are_off_by_less_than_15_percent_and_say_so(server, path):
    """Ten jobs of all sizes, then ten others, each planned before it runs; charges are noisy whole seconds.

    The device is 13 % slower than it reports and takes 2.7 s a job. Noise is drawn from a seed and the job's number.
    """
    server.set_timing(Timing(seed=5))
    backend, rng = server.service().backend("test_manila"), np.random.default_rng(5)
    circuits = {layers: layered(layers) for layers in (1, 4, 8)}
    plans, used = [], []
    for _ in range(20):
        circuit = circuits[int(rng.choice(list(circuits)))]
        values, shots = rng.uniform(0, 3, (int(rng.integers(1, 12)), 3)), int(2 ** rng.integers(8, 14))
        connection = connect(backend, shots=shots, seed=1, journal=path, policy=Policy(**QUICK))
        plans.append(connection.plan([(circuit, values)], price_per_minute=60))
        list(connection.sample(circuit, values))
        used.append(server.seconds_of(server.jobs()[-1]["id"]))
    assert [plan.job_time.num_jobs for plan in plans] == list(range(20))
    assert [plan.job_time.median_error is None for plan in plans[:4]] == [True, True, True, False]
    errors = np.array([abs(plan.seconds - one) / one for plan, one in zip(plans, used, strict=True)])
    assert np.median(errors[10:]) <= 0.15
    assert np.median(errors[10:]) < errors[0], "the first plan knows of no overhead and slowness of this device"
    costs, seconds = [plan.cost for plan in plans], [plan.seconds for plan in plans]
    np.testing.assert_allclose(costs, seconds, rtol=1e-12)  # 60 a minute is 1 a second
    text = plans[-1].summary()
    assert f"each is off by {100 * plans[-1].job_time.median_error:.0f} % (median)" in text
    assert "This rests on 19 finished jobs of this kind" in text
    assert "The last 19 jobs of this target waited" in text
    waited = [row["waited"] for row in server.store.rows("SELECT waited FROM times ORDER BY rowid")]
    np.testing.assert_allclose(plans[-1].job_time.queue_seconds, np.median(waited[:19]), atol=0.01)

    output = jobs(path, "cost")
    predicted, off = sum(plan.seconds for plan in plans), 100 * np.median(errors)
    assert f"{sum(used):,.1f} s of processor time." in output
    assert (
        f"On test_manila: predicted {predicted:,.1f} s when submitted, took {sum(used):,.1f} s (20 jobs; "
        f"median error of a job {off:.0f} %)."
    ) in output
    assert f"On test_manila: waited {np.median(waited):,.0f} s in the queue (median of 20)." in output
    assert f"{plans[0].seconds:.1f} s of processor time" in jobs(path, "show", "1")
    assert server.seconds() == sum(used)


def test_jobs_of_other_options_and_of_rehearsals_teach_nothing(server, path):
    backend, circuit = server.service().backend("test_manila"), layered(1)
    values = np.zeros((1, 3))
    for target, options in ((backend, {}), (backend, {"dynamical_decoupling": {"enable": True}}), ("fake_manila", {})):
        connection = connect(target, shots=50, seed=1, journal=path, policy=Policy(**QUICK), **options)
        assert connection.plan([(circuit, values)]).job_time.num_jobs == 0
        list(connection.sample(circuit, values))
    assert connect(backend, shots=9, journal=path).plan([(circuit, values)]).job_time.num_jobs == 1


def test_a_plan_without_a_journal_says_that_nobody_knows_how_far_off_it_is(server):
    plan = connect(server.service().backend("test_manila"), shots=100).plan([(layered(1), np.zeros((2, 3)))])
    assert (plan.job_time.num_jobs, plan.job_time.median_error, plan.job_time.queue_seconds) == (0, None, None)
    assert plan.overhead_seconds == 2.0
    assert (
        "2 s a job, about what IBM documents for each part that a job is run in; no finished job of this kind is there"
        in plan.summary()
    )


def test_a_plan_counts_the_overhead_of_each_job_that_is_left(server, path):
    backend, circuit = server.service().backend("test_manila"), layered(1)
    values = np.random.default_rng(0).uniform(0, 3, (5, 3))

    def connected():
        policy = Policy(**QUICK)
        return connect(backend, shots=100, seed=1, journal=path, max_executions_per_job=200, policy=policy)

    plan = connected().plan([(circuit, values)])
    assert (plan.jobs, plan.overhead_seconds) == (3, 6.0)
    list(connected().sample(circuit, values[:2]))
    plan = connected().plan([(circuit, values)])
    assert (plan.jobs, plan.in_journal) == (3, 2)
    assert plan.overhead_seconds == 2 * plan.job_time.overhead_seconds
    tenfold = plan.seconds_with(10.0) - plan.overhead_seconds
    np.testing.assert_allclose(tenfold, 10 * (plan.seconds - plan.overhead_seconds), rtol=1e-12)


def test_a_plan_says_what_its_limits_leave(server, path):
    backend, circuit = server.service().backend("test_manila"), layered(1)
    settings = {"shots": 100, "seed": 1, "journal": path, "policy": Policy(**QUICK)}
    list(connect(backend, **settings).sample(circuit, np.zeros((1, 3))))  # two seconds
    text = connect(backend, max_qpu_seconds=3, **settings).plan([(circuit, np.ones((1, 3)))]).summary()
    assert (
        "Limit: max_qpu_seconds is 3.0 s; jobs of this journal took or will take 2.0 s of it, 1.0 s are left. That "
        "is not enough for all of this: a run stops there"
    ) in text
    server.say_of_instance({"usage_limit_seconds": 600, "usage_consumed_seconds": 90})
    text = connect(backend, quota="service", **settings).plan([(circuit, np.ones((1, 3)))]).summary()
    assert "by the service's answer 510.0 s of 600 s of processor time are left" in text
    server.say_of_instance({"usage_consumed_seconds": "?"})
    text = connect(backend, quota="service", **settings).plan([(circuit, np.ones((1, 3)))]).summary()
    assert "The service does not say how much processor time is left, so it limits nothing." in text
