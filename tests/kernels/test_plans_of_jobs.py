"""Plans of several kernels, of cached ones and of shots by need: what jobs take by themselves adds up too."""

import numpy as np
import pytest

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.kernels import CachedKernel, CombinedKernel, EvenErrors, FidelityKernel
from qiskit_qml_ext.primitives import connect

X = np.random.default_rng(0).uniform(-1.5, 1.5, (5, 2))
OVERHEAD = 2.0  # seconds a job, as IBM documents


def connection(**settings):
    return connect("fake_manila", shots=100, seed=1, **settings)


def seconds_per_shot(kernel):
    return kernel.connection.price(kernel.circuit(2)).seconds_per_shot


def test_plan_of_two_kernels_is_the_sum_of_their_plans():
    kernels = [FidelityKernel(each, connection=connection()) for each in (ZZFeatureMap(), AngleFeatureMap())]
    plans = [kernel.plan(X, price_per_minute=60) for kernel in kernels]
    together = CombinedKernel([("zz", kernels[0]), ("angle", kernels[1])]).plan(X, price_per_minute=60)
    assert together.jobs == 2
    assert together.overhead_seconds == 2 * OVERHEAD
    for factor in (1, 3):
        assert together.seconds_with(factor) == pytest.approx(sum(plan.seconds_with(factor) for plan in plans))
        assert together.cost_with(factor) == pytest.approx(sum(plan.cost_with(factor) for plan in plans))
    assert together.with_jobs(4).seconds == pytest.approx(together.seconds + 2 * OVERHEAD)
    assert together.cost == pytest.approx(together.seconds)


@pytest.mark.parametrize("shots", [None, EvenErrors(64)])
def test_plan_of_what_is_known_takes_nothing_at_any_number_of_shots(shots):
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection(), shots=shots)
    cached = CachedKernel(kernel)
    assert cached.plan(X) == kernel.plan(X)
    cached.evaluate(X)
    plan = cached.plan(X)
    assert (plan.jobs, plan.executions, plan.seconds, plan.overhead_seconds) == (0, 0, 0.0, 0.0)
    assert plan.seconds_with(10) == 0.0
    assert not plan.expected_executions


@pytest.mark.parametrize("settings", [{}, {"packing": 2, "packing_buffer": 0}], ids=["alone", "side by side"])
def test_plan_of_shots_by_need_counts_what_each_of_its_jobs_takes(settings):
    kernel = FidelityKernel(AngleFeatureMap(), connection=connection(**settings), shots=EvenErrors(64))
    plan = kernel.plan(X)
    assert plan.jobs > 2
    assert plan.overhead_seconds == plan.jobs * OVERHEAD
    assert plan.seconds - plan.overhead_seconds == pytest.approx(plan.executions * seconds_per_shot(kernel), rel=0.2)
