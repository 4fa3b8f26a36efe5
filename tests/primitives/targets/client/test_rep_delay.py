"""The delay between shots that options set is planned, priced and held against limits."""

import numpy as np
import pytest
from runtime_server.timing import Timing
from runtime_server.work import QUICK, rotation

from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.targets.client.generations import generations

pytestmark = pytest.mark.client

ANGLES = np.linspace(0, 1, 3)[:, None]
USUAL = 250e-6
"""By IBM's documentation of its processors, in seconds."""


def seconds(**given):
    return connect("fake_manila", shots=1000, **given).plan([(rotation(), ANGLES)]).seconds


@pytest.mark.parametrize("kind", list(generations()))
def test_a_plan_reckons_with_the_delay_that_was_set(kind):
    for delay in (4e-4, 1e-4, 0.0):
        longer = seconds(execution={"rep_delay": delay}, generation=kind) - seconds(generation=kind)
        assert longer == pytest.approx(3000 * (delay - USUAL), rel=1e-9)


@pytest.mark.parametrize("kind", list(generations()))
def test_of_two_delays_the_longer_one_counts(kind):
    classes = generations()[kind]
    sampler = classes.sampler_options(execution={"rep_delay": 5e-4})
    estimator = classes.estimator_options(execution={"rep_delay": 4e-4})
    assert connect("fake_manila", options=[sampler, estimator], generation=kind).target.rep_delay == 5e-4
    assert connect("fake_manila", options=estimator, generation=kind).target.rep_delay == 4e-4
    assert connect("fake_manila", generation=kind).target.rep_delay == USUAL


@pytest.mark.parametrize("kind", list(generations()))
def test_what_is_predicted_is_what_the_service_charges(server, path, kind):
    server.set_timing(Timing(noise=0.0, slowness=1.0, load=2.0, circuit_load=0.0, queue=0.0))
    settings = {
        "shots": 10_000,
        "journal": path,
        "policy": Policy(**QUICK),
        "generation": kind,
        "execution": {"rep_delay": 5e-4},
    }
    with pytest.raises(BudgetExceededError, match="predicted to take 17"):
        list(
            connect(server.service(), backend="test_manila", max_qpu_seconds=16, **settings).sample(rotation(), ANGLES)
        )
    assert server.jobs() == []
    connection = connect(server.service(), backend="test_manila", max_qpu_seconds=18, **settings)
    planned = connection.plan([(rotation(), ANGLES)]).seconds
    list(connection.sample(rotation(), ANGLES))
    assert planned == pytest.approx(17, abs=0.5)
    assert server.seconds() == pytest.approx(planned, abs=1)  # it charges whole seconds
