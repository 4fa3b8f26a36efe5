"""The noise of a fake device, made for the qubits that are used: what Aer gives with the noise of the whole device."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeFractionalBackend, FakeManilaV2

from qiskit_qml_ext.primitives import connect

A = ParameterVector("a", 2)
VALUES = np.random.default_rng(1).uniform(-3, 3, (4, 2))


def circuit(kind="plain"):
    made = QuantumCircuit(2, 2)
    made.ry(A[0], 0)
    made.cx(0, 1)
    made.rzz(A[1], 0, 1)
    made.rx(A[1], 1)
    if kind == "delay":
        made.delay(4000, 0, unit="dt")
    if kind == "dynamic":
        made.measure(0, 0)
        with made.if_test((made.clbits[0], 1)):
            made.x(1)
    made.measure([0, 1], [0, 1])
    return made


def whole(device, **settings):
    """Return a connection whose simulator has the noise of all qubits, as Aer makes it."""
    connection = connect(device, **settings)
    connection.target._fake_device = AerSimulator.from_backend(connection.backend)
    return connection


@pytest.mark.parametrize(
    ("fake", "kind"),
    [
        *((fake, kind) for fake in (FakeManilaV2, FakeFractionalBackend) for kind in ("plain", "delay")),
        (FakeFractionalBackend, "dynamic"),  # the other one has no control flow
    ],
)
def test_counts_are_those_of_the_noise_of_the_whole_device(fake, kind):
    counts = []
    for make in (connect, whole):
        connection = make(fake(), shots=300, seed=3)
        isa = connection.isa_circuit(circuit(kind))
        data = connection.sampler.run([(isa, VALUES)]).result()[0].data.c
        counts.append([data[row].get_counts() for row in range(4)])
    assert counts[0] == counts[1]


def test_estimates_are_those_of_the_noise_of_the_whole_device():
    found = []
    for make in (connect, whole):
        connection = make(FakeManilaV2(), shots=300, seed=3)
        isa = connection.isa_circuit(circuit().remove_final_measurements(inplace=False))
        pub = (isa, SparsePauliOp("ZX").apply_layout(isa.layout), VALUES)
        found.append(connection.estimator.run([pub]).result()[0].data.evs.tolist())
    assert found[0] == found[1]


def test_each_circuit_gets_the_noise_of_its_own_qubits():
    """Readout errors of the device tell its qubits apart."""
    device, shots = FakeManilaV2(), 20_000
    connection = connect(device, shots=shots, seed=1)
    for qubit in range(5):
        placed = QuantumCircuit(5, 1)
        placed.measure(qubit, 0)
        ones = connection.sampler.run([(placed,)]).result()[0].data.c.get_int_counts().get(1, 0) / shots
        expected = device.target["measure"][(qubit,)].error
        assert abs(ones - expected) < 5 * np.sqrt(expected * (1 - expected) / shots)


def test_no_noise_of_other_qubits_is_made(monkeypatch):
    seen = []
    made = NoiseModel.from_backend
    monkeypatch.setattr(NoiseModel, "from_backend", lambda device: seen.append(device) or made(device))
    connection = connect(FakeFez(), shots=20, seed=1)
    isa = connection.isa_circuit(circuit())
    for _ in range(2):
        connection.sampler.run([(isa, VALUES)]).result()
    assert len(seen) == 1
    assert len(seen[0].target["measure"]) == 2


def test_another_noise_model_of_the_users_is_kept():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(1.0, 1), ["x"])
    flipped = QuantumCircuit(1, 1)
    flipped.x(0)
    flipped.measure(0, 0)
    simulator = connect(FakeManilaV2(), seed=1).sampler._backend
    counts = simulator.run(flipped, noise_model=noise, shots=400, seed_simulator=1).result().get_counts()
    assert 100 < counts["0"] < 300
    counts = simulator.run([flipped], shots=400, seed_simulator=1).result().get_counts()
    assert counts["1"] > 300
