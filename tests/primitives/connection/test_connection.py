import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_ibm_runtime import Batch, Session
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from sklearn.base import clone

from qiskit_qml_ext.primitives import Connection, Usage, connect


def rotation():
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.ry(angle, 0)
    return circuit


def measured_rotation():
    circuit = rotation()
    circuit.measure_all()
    return circuit


def noisy_simulator():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.5, 1), ["ry", "rx", "rz", "sx", "x"])
    return AerSimulator(noise_model=noise)


TARGETS = {
    "exact": (lambda: "exact", "exact", None),
    "nothing": (lambda: None, "exact", None),
    "aer": (lambda: "aer", "aer", 1024),
    "AerSimulator": (AerSimulator, "aer", 1024),
    "fake by name": (lambda: "fake_manila", "fake_manila", 4096),
    "fake backend": (FakeManilaV2, "fake_manila", 4096),
    "batch": (lambda: Batch(backend=FakeManilaV2()), "fake_manila", 4096),
    "session": (lambda: Session(backend=FakeManilaV2()), "fake_manila", 4096),
    "any backend": (lambda: GenericBackendV2(3, seed=1), "generic_backend_3q", 1024),
}


@pytest.mark.parametrize("key", TARGETS)
def test_every_target_runs_a_sampler_and_an_estimator(key):
    make, name, shots = TARGETS[key]
    with connect(make(), seed=7) as connection:
        assert connection.target_name == name
        assert connection.shots == shots
        assert isinstance(connection.sampler, BaseSamplerV2)
        assert isinstance(connection.estimator, BaseEstimatorV2)
        isa = connection.isa_circuit(measured_rotation())
        bits = connection.sampler.run([(isa, [[0.0], [np.pi]])], shots=200).result()[0].data.meas
        # half a turn moves |0⟩ to |1⟩; fake devices err in a few per cent of the shots
        assert bits[0].get_counts()["0"] > 180
        assert bits[1].get_counts()["1"] > 160
        isa = connection.isa_circuit(rotation())
        observable = SparsePauliOp("Z")
        if isa.layout is not None:
            observable = observable.apply_layout(isa.layout)
        values = connection.estimator.run([(isa, observable, [[0.0], [np.pi]])]).result()[0].data.evs
        assert_allclose(values, [1, -1], atol=0.2)


def test_shots_make_the_exact_target_sample():
    assert connect().is_exact
    sampled = connect("exact", shots=50)
    assert not sampled.is_exact
    assert sampled.shots == 50


def test_sampling_is_one_job_in_row_order_and_counted():
    connection = connect("aer", shots=500, seed=1)
    values = np.array([[0.0], [np.pi], [0.0]])
    (rows, data), *others = connection.sample(measured_rotation(), values)
    assert others == []
    assert rows == slice(0, 3)
    assert [data.meas[i].get_counts() for i in range(3)] == [{"0": 500}, {"1": 500}, {"0": 500}]
    assert connection.usage == Usage(circuits=3, shots=1500, jobs=1)
    assert connection.usage - Usage(1, 500, 1) == Usage(2, 1000, 0)


def test_noise_of_a_simulator_of_ones_own_is_kept():
    connection = connect(noisy_simulator(), shots=1000, seed=1)
    assert connection.target_name != "aer"
    _, data = next(connection.sample(measured_rotation(), np.array([[np.pi]])))
    assert 100 < data.meas[0].get_counts()["0"] < 500  # at least one depolarising channel of strength 1/2


def test_options_reach_aer():
    connection = connect("aer", method="matrix_product_state")
    assert connection.sampler._backend.options.method == "matrix_product_state"


@pytest.mark.parametrize("target", ["exact", "aer", "fake_manila"])
def test_seed_makes_runs_equal_and_different_seeds_differ(target):
    values = np.full((3, 1), 1.3)

    def counts(seed):
        _, data = next(connect(target, shots=300, seed=seed).sample(measured_rotation(), values))
        return [data.meas[i].get_int_counts().get(0, 0) for i in range(3)]

    assert counts(5) == counts(5)
    assert counts(5) != counts(6)


def test_equal_circuits_are_transpiled_once():
    connection = connect("fake_manila")
    circuit = measured_rotation()
    assert connection.isa_circuit(circuit) is connection.isa_circuit(circuit.copy())
    other = measured_rotation()
    other.x(0)
    assert connection.isa_circuit(other) is not connection.isa_circuit(measured_rotation())


def test_circuits_that_differ_in_parameter_names_keep_their_names():
    connection = connect("aer")
    for name in ("a", "b"):
        circuit = QuantumCircuit(1)
        circuit.ry(Parameter(name), 0)
        assert [parameter.name for parameter in connection.isa_circuit(circuit).parameters] == [name]


def test_connection_is_shared_by_clone_and_rebuilt_by_pickle():
    connection = connect("fake_manila", shots=10, seed=3)
    connection.isa_circuit(measured_rotation())
    assert clone(connection) is connection
    thawed = pickle.loads(pickle.dumps(connection))
    assert (thawed.target_name, thawed.shots, thawed.seed) == ("fake_manila", 10, 3)
    assert thawed.usage == Usage()
    assert list(thawed.sample(measured_rotation(), np.zeros((1, 1))))


def test_statevectors_are_exact():
    angle = ParameterVector("a", 2)
    circuit = QuantumCircuit(2, global_phase=0.3)
    circuit.ry(angle[0], 0)
    circuit.ry(angle[1], 1)
    states = connect().statevectors(circuit, np.array([[0.2, 0.4], [1.0, 2.0]]))
    expected = [
        np.exp(0.3j) * np.kron([np.cos(b / 2), np.sin(b / 2)], [np.cos(a / 2), np.sin(a / 2)])
        for a, b in ([0.2, 0.4], [1.0, 2.0])
    ]
    assert_allclose(states, expected, atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "fake_sherbroke"}, ValueError, "no target 'fake_sherbroke'.*fake_sherbrooke"),
        ({"target": "moon"}, ValueError, "no target 'moon'.*'exact', 'aer', or a fake backend"),
        ({"target": 3}, TypeError, "target must be 'exact'.*int"),
        ({"target": "aer", "shots": 0}, ValueError, "shots must be at least 1, but 0 came"),
        ({"target": "aer", "shots": 1.5}, TypeError, "shots must be a whole number"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"seed": "x"}, TypeError, "seed must be a whole number"),
        ({"optimization_level": 7}, ValueError, "optimization_level must be at most 3"),
        ({"target": "fake_manila", "mode": "queue"}, ValueError, "mode must be one of 'job', 'batch', 'session'"),
        ({"target": "exact", "noise_model": 1}, TypeError, "exact does not know the options noise_model"),
        ({"target": AerSimulator(), "method": "mps"}, TypeError, "Set them on the simulator itself"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        connect(**arguments)


def test_missing_primitive_is_named():
    connection = Connection.from_primitives(sampler=connect().sampler)
    with pytest.raises(ValueError, match="needs an estimator"):
        _ = connection.estimator
    with pytest.raises(TypeError, match="estimator must be a BaseEstimatorV2"):
        Connection.from_primitives(estimator=connect().sampler)


@pytest.mark.parametrize("journal", [False, True])
def test_angles_that_the_transpiler_drops_are_left_out(journal, tmp_path):
    """At level 2 a rotation about Z just before a measurement, no barrier between, goes, and its parameter with it."""
    x, dropped = Parameter("x"), Parameter("dropped")
    circuit = QuantumCircuit(1, 1)
    circuit.rx(x, 0)
    circuit.rz(dropped, 0)
    circuit.measure(0, 0)
    settings = {"journal": tmp_path / "runs.sqlite"} if journal else {}
    connection = connect("fake_manila", shots=200, seed=1, optimization_level=2, **settings)
    assert {parameter.name for parameter in connection.isa_circuit(circuit).parameters} == {"x"}
    names = [parameter.name for parameter in circuit.parameters]
    values = np.zeros((3, 2))
    values[:, names.index("x")] = [0.0, np.pi, 0.0]
    ones = np.concatenate([data.c.bitcount().mean(axis=-1) for _, data in connection.sample(circuit, values)])
    assert_allclose(ones, [0.0, 1.0, 0.0], atol=0.2)  # a device's errors
    assert connection.plan([(circuit, values)]).circuits == 3


def test_circuits_whose_angles_are_all_dropped_are_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.rz(Parameter("dropped"), 0)
    circuit.measure(0, 0)
    connection = connect("fake_manila", shots=50, seed=1, optimization_level=2)
    with pytest.raises(ValueError, match=r"No parameter of the circuit \(dropped\) changes what is measured"):
        list(connection.sample(circuit, np.zeros((4, 1))))
    with pytest.raises(ValueError, match="changes what is measured"):
        connection.plan([(circuit, np.zeros((4, 1)))])


def placed_by_user(layout):
    """Return a pair on qubits 0 and 1 of five, said to be the own qubits ``layout[0]`` and ``layout[1]``."""
    pair = QuantumCircuit(2)
    pair.rz(0.3, 0)
    pair.cx(0, 1)
    isa = transpile(pair, FakeManilaV2(), initial_layout=[0, 1], optimization_level=0)
    circuit = isa.copy()
    circuit._layout = transpile(QuantumCircuit(2), FakeManilaV2(), initial_layout=layout, optimization_level=0).layout
    return circuit


@pytest.mark.parametrize("target", ["fake_manila", AerSimulator()])
def test_equal_circuits_on_different_layouts_keep_their_own(target):
    connection = connect(target)
    for layout in ([0, 1], [1, 0], [3, 2]):
        given = placed_by_user(layout)
        isa = connection.isa_circuit(given)
        if target == "fake_manila":
            assert isa.layout.final_index_layout() == layout
        else:
            assert isa.layout is None or isa.layout.final_index_layout() == layout


def test_the_journal_tells_layouts_of_equal_circuits_apart(tmp_path):
    """⟨Z⟩ of the flipped qubit is -1, of the other one 1, whichever is said to be the circuit's qubit 0."""
    connection = connect("fake_manila", seed=1, journal=tmp_path / "journal.sqlite")
    values = []
    for layout in ([0, 1], [1, 0]):
        circuit = placed_by_user(layout)
        circuit.x(0)
        isa = connection.isa_circuit(circuit)
        job = connection.estimator.run([(isa, SparsePauliOp("IZ").apply_layout(isa.layout))])
        values.append(float(job.result()[0].data.evs))
    assert values[0] < -0.8
    assert values[1] > 0.8


@pytest.mark.parametrize("target", ["aer", "fake_manila"])
def test_an_equal_circuit_with_parameters_of_its_own_gets_those_back(target):
    connection = connect(target, seed=1)
    for _ in range(2):
        circuit = QuantumCircuit(2)
        a, vector = Parameter("a"), ParameterVector("v", 2)
        circuit.rx(a, 0)
        circuit.ry(vector[0] + 2 * vector[1], 1)
        circuit.measure_all()
        isa = connection.isa_circuit(circuit)
        assert set(isa.parameters) == {a, *vector}
        assert (isa.layout is None) == (target == "aer")
        bound = isa.assign_parameters({a: 0.1, vector: [0.2, 0.3]})
        assert not bound.parameters
