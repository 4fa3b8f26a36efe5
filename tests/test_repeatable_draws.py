"""No outcome of a test is left to chance: what has no seed is drawn from a stream of the test."""

import random

import numpy as np
import pytest
from hypothesis import settings
from numpy.testing import assert_array_equal
from qiskit import QuantumCircuit, transpile
from qiskit.primitives import StatevectorSampler
from qiskit.transpiler import CouplingMap
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2
from repeatable_draws import draws_named
from sklearn.utils import check_random_state

from qiskit_qml_ext.primitives import connect

COINS = QuantumCircuit(8)
COINS.h(range(8))
COINS.measure_all()
TANGLE = QuantumCircuit(9)
for first, second in np.random.default_rng(0).permuted(np.tile(np.arange(9), (40, 1)), axis=1)[:, :2]:
    TANGLE.cz(int(first), int(second))
    TANGLE.sx(int(first))


def shots_of(sampler):
    return sampler.run([COINS], shots=20).result()[0].data.meas.array


def routed(optimization_level):
    line = transpile(TANGLE, coupling_map=CouplingMap.from_line(9), optimization_level=optimization_level)
    return np.array([line.find_bit(qubit).index for step in line.data for qubit in step.qubits])


def estimate():
    state = COINS.remove_final_measurements(inplace=False)
    return EstimatorV2(options={"default_precision": 0.1}).run([(state, "Z" * 8)]).result()[0].data.evs


DRAWS = {
    "a generator": lambda: np.random.default_rng().integers(2**60, size=4),
    "NumPy's own": lambda: np.random.randint(2**60, size=4),  # noqa: NPY002
    "Python's own": lambda: np.array([random.random() for _ in range(4)]),
    "scikit-learn": lambda: check_random_state(None).randint(2**60, size=4),
    "Qiskit's sampler": lambda: shots_of(StatevectorSampler()),
    "Aer": lambda: np.array(AerSimulator().run(COINS, shots=20, memory=True).result().get_memory()),
    "Aer's sampler": lambda: shots_of(SamplerV2()),
    "Aer's estimator": estimate,
    "the exact target": lambda: shots_of(connect("exact").sampler),
    "the Aer target": lambda: shots_of(connect("aer").sampler),
    "the transpiler": lambda: routed(1),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
def test_a_draw_without_a_seed_is_repeated_by_the_test_and_by_no_other_draw(draw):
    with draws_named("a test"):
        one, another = draw(), draw()
    with draws_named("a test"):
        again = draw()
    with draws_named("another test"):
        elsewhere = draw()
    assert_array_equal(again, one)
    assert not np.array_equal(another, one)
    assert not np.array_equal(elsewhere, one)


def test_every_test_draws_from_a_stream_of_its_own_name(request):
    drawn = np.random.default_rng().integers(2**60)
    with draws_named(request.node.nodeid):
        assert np.random.default_rng().integers(2**60) == drawn


@pytest.fixture(scope="session")
def shared_draw():
    return np.random.default_rng().integers(2**60)


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_shared_fixture_draws_the_same_whichever_test_asks_for_it_first(which, shared_draw):
    with draws_named("tests/test_repeatable_draws.py::shared_draw[0]"):
        assert np.random.default_rng().integers(2**60) == shared_draw


def test_examples_of_hypothesis_are_the_same_in_each_run():
    assert settings().derandomize
