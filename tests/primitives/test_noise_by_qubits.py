"""The noise of a fake device, made for the qubits that are used: what Aer gives with the noise of the whole device."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeFractionalBackend, FakeManilaV2

from qiskit_qml_ext.primitives import connect
from qiskit_qml_ext.primitives.targets.aer import parts

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


def wide(num_qubits=5):
    """Return a circuit of two entangled pairs and a single qubit, all of them measured."""
    made = QuantumCircuit(num_qubits, num_qubits)
    for first, angle in ((0, 0.7), (3, 1.9)):
        made.ry(angle, first)
        made.cx(first, first + 1)
    made.rx(A[0], 2)
    made.barrier()
    made.measure(range(num_qubits), range(num_qubits))
    return made


def test_parts_share_no_instruction_and_no_bit(monkeypatch):
    monkeypatch.setattr(parts, "WIDEST", 1)
    made = wide()
    assert parts.parts_of(made) == [{0, 1}, {2}, {3, 4}]
    assert parts.parts_of(wide(7))[-2:] == [{5}, {6}]
    idle = wide(7).copy_empty_like()
    idle.x(range(7))
    assert parts.parts_of(idle) == [set(range(7))]
    idle.measure(2, 2)
    idle.measure(4, 0)
    assert parts.parts_of(idle) == [{2}, {4}]
    made.measure(2, 0)  # onto the bit of another qubit
    assert parts.parts_of(made) == [{0, 1, 2}, {3, 4}]
    with made.if_test((made.clbits[0], 1)):
        made.x(4)
    assert parts.parts_of(made) == [{0, 1, 2, 3, 4}]
    told = wide()
    told.add_var("var", 1)
    assert parts.parts_of(told) == [{0, 1, 2, 3, 4}]


def test_narrow_circuits_are_one_part():
    assert parts.parts_of(wide()) == [{0, 1, 2, 3, 4}]


@pytest.mark.parametrize("rows", [(), (3,)])
def test_parts_put_together_have_the_distribution_of_the_whole(monkeypatch, rows):
    """64 or 192 frequencies of 20,000 shots, five standard errors of their difference, seeded."""
    given = np.linspace(0.3, 2.8, 3)[: rows[0]] if rows else np.array(0.4)
    frequencies = []
    for widest in (parts.WIDEST, 1):
        monkeypatch.setattr(parts, "WIDEST", widest)
        connection = connect(FakeManilaV2(), shots=20_000, seed=3)
        isa = generate_preset_pass_manager(1, backend=FakeManilaV2(), initial_layout=range(5)).run(wide())
        data = connection.sampler.run([(isa, given.reshape(*rows, 1))]).result()[0].data.c
        bits = data.to_bool_array().reshape(-1, 20_000, 5) @ (1 << np.arange(5))
        frequencies.append([np.bincount(row, minlength=32) / 20_000 for row in bits])
    one, other = np.array(frequencies)
    assert np.all(np.abs(one - other) < 5 * np.sqrt((one + other) / 20_000) + 1e-9)
    assert not np.array_equal(one, other)  # the parts have seeds of their own


@pytest.mark.parametrize("measured", [1, 2])
def test_decoupled_idle_qubits_of_a_wide_device_are_left_out(measured):
    """Dynamical decoupling puts gates on all 27 qubits, of which one or two are measured."""
    connection = connect("fake_kolkata", shots=4000, seed=1, dynamical_decoupling={"enable": True})
    made = QuantumCircuit(2, measured)
    made.rx(0.4, 0)
    made.delay(2000, 0)
    if measured == 2:
        made.cx(0, 1)
    made.measure(range(measured), range(measured))
    counts = connection.sampler.run([connection.isa_circuit(made)]).result()[0].data.c.get_counts()
    # errors of the device take up to a tenth
    assert abs(counts["0" * measured] / 4000 - np.cos(0.2) ** 2) < 0.1


def test_estimators_on_wide_devices_measure_every_qubit_and_are_right():
    """27 qubits, each with rotations of its own before it is measured: no one state of all of them fits."""
    connection = connect("fake_kolkata", shots=4000, seed=1)
    isa = connection.isa_circuit(wide().remove_final_measurements(inplace=False))
    observables = [[SparsePauliOp(label).apply_layout(isa.layout)] for label in ("IIIZZ", "ZZIII", "IIZII")]
    values = connection.estimator.run([(isa, observables, [0.4])]).result()[0].data.evs.ravel()
    # the pairs have parity 1, the single qubit cos(0.4); errors of the device take up to a tenth
    assert np.allclose(values, [1, 1, np.cos(0.4)], atol=0.12)
