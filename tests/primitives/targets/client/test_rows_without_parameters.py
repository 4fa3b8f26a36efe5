"""Circuits without parameters: all rows and all randomisations of them are run, and not the first one only."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from runtime_server.client import HAS_EXECUTOR
from runtime_server.work import QUICK

from qiskit_qml_ext.primitives import Policy, connect

pytestmark = pytest.mark.client

NEWER = pytest.mark.skipif(not HAS_EXECUTOR, reason="only the newer primitives twirl here")


def flipped(gates=()):
    """Return a circuit whose two bits are 01 with certainty, without noise."""
    circuit = QuantumCircuit(5, 2)
    circuit.x(0)
    for name, *qubits in gates:
        getattr(circuit, name)(*qubits)
    circuit.measure([0, 1], [0, 1])
    return circuit


TWIRLING = [
    {"enable_gates": True},
    {"enable_measure": True},
    {"enable_gates": True, "enable_measure": True},
    {"enable_gates": True, "num_randomizations": 16, "shots_per_randomization": 64},
    {"enable_gates": True, "group": "local_pauli", "strategy": "all"},
]


@NEWER
@pytest.mark.parametrize("twirling", TWIRLING, ids=str)
@pytest.mark.parametrize("journaled", [False, True])
def test_all_randomisations_of_a_rehearsed_circuit_are_simulated(twirling, journaled, path):
    settings = {"journal": path, "policy": Policy(**QUICK)} if journaled else {}
    gates = [("cx", 2, 3)] if journaled else []  # with a pair that is twirled, elsewhere, nothing was ever wrong
    connection = connect("fake_manila", shots=1024, seed=1, twirling=twirling, **settings)
    data = connection.sampler.run([flipped(), flipped(gates)]).result()[0].data
    assert list(data) == ["c"]
    counts = data.c.get_counts()
    assert sum(counts.values()) == 1024
    # the snapshot's readout errors are below 6 % a qubit; a tenth of 1024 is more than 20 standard errors from a half
    assert counts["01"] > 800


@NEWER
def test_a_rehearsal_with_decoupling_and_shots_of_the_call_is_right_too():
    options = {"twirling": {"enable_gates": True}, "dynamical_decoupling": {"enable": True}}
    sampler = connect("fake_manila", shots=64, seed=1, **options).sampler
    for pub in (flipped(), (flipped(),), (flipped(), None, 1024)):
        counts = sampler.run([pub], shots=1024).result()[0].data.c.get_counts()
        assert sum(counts.values()) == 1024
        assert counts["01"] > 800


@NEWER
def test_the_tests_own_service_runs_all_randomisations(server):
    connection = connect(server.service(), backend="test_manila", shots=1024, twirling={"enable_gates": True})
    assert connection.sampler.run([flipped()]).result()[0].data.c.get_counts() == {"01": 1024}
    assert server.executions() == 1024


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 3)])
@pytest.mark.parametrize("target", ["aer", "exact"])
def test_rows_without_values_are_all_sampled(target, shape):
    connection = connect(target, shots=200, seed=1)
    free = QuantumCircuit(5, 2)
    free.x(0)
    free.h(1)
    free.measure([0, 1], [0, 1])
    plain, mixed = connection.sampler.run([(flipped(), np.zeros((*shape, 0))), (free, np.zeros((*shape, 0)))]).result()
    assert plain.data.shape == plain.data.c.shape == shape
    seen = []
    for place in np.ndindex(*shape):
        assert plain.data.c.get_counts(place) == {"01": 200}
        counts = mixed.data.c.get_counts(place)
        assert set(counts) == {"01", "11"}
        assert abs(counts["11"] - 100) < 50  # 7 standard errors
        seen.append(mixed.data.c.get_bitstrings(place))
    assert all(first != second for place, first in enumerate(seen) for second in seen[:place])  # not one row's noise


def test_rows_without_values_are_all_sampled_with_the_noise_of_a_device():
    connection = connect(AerSimulator.from_backend(FakeManilaV2()), shots=1000, seed=1)
    counts = connection.sampler.run([(flipped(), np.zeros((3, 0)))]).result()[0].data.c
    assert all(counts.get_counts(row)["01"] > 800 for row in range(3))
