"""Samplers that were told to give signals of the readout are refused where bits are needed, before anything runs."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from runtime_server.work import QUICK

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Policy, connect
from qiskit_qml_ext.primitives.targets.client.generations import generations

pytestmark = pytest.mark.client

X = np.array([[0.1, 0.2], [0.3, 0.4]])
WORDS = r"execution.meas_type='{}' makes samplers give signals .* Leave the option out"


@pytest.mark.parametrize("kind", list(generations()))
@pytest.mark.parametrize("signals", ["kerneled", "avg_kerneled"])
@pytest.mark.parametrize("journaled", [False, True])
def test_kernels_refuse_signals_before_anything_is_submitted(server, path, kind, signals, journaled):
    settings = {"journal": path, "policy": Policy(**QUICK)} if journaled else {}
    settings |= {"shots": 10, "generation": kind, "execution": {"meas_type": signals}}
    for connection in (
        connect(server.service(), backend="test_manila", **settings),
        connect("fake_manila", **settings),
    ):
        kernel = FidelityKernel(AngleFeatureMap(), connection=connection)
        with pytest.raises(ValueError, match=WORDS.format(signals)):
            kernel.evaluate(X)
    assert server.requests("POST", "/jobs") == 0


@pytest.mark.parametrize("kind", list(generations()))
def test_a_devices_own_sampler_may_give_signals_and_a_simulator_has_none(server, kind):
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    settings = {"shots": 10, "generation": kind, "execution": {"meas_type": "kerneled"}}
    connect(server.service(), backend="test_manila", **settings).sampler.run([circuit]).result()
    assert server.requests("POST", "/jobs") == 1
    with pytest.raises(ValueError, match="but simulators have bits"):
        connect("fake_manila", **settings).sampler.run([circuit])


@pytest.mark.parametrize("kind", list(generations()))
def test_bits_that_are_asked_for_by_name_are_bits(kind):
    connection = connect("fake_manila", shots=10, generation=kind, seed=1, execution={"meas_type": "classified"})
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    assert connection.sampler.run([circuit]).result()[0].data.c.num_shots == 10
