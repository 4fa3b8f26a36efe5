"""What every kind of target says about itself, and what a connection makes public of it."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from numpy.testing import assert_allclose
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import PassManager, StagedPassManager, generate_preset_pass_manager
from qiskit.transpiler.passes import RemoveBarriers
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2
from qiskit_machine_learning.kernels import FidelityQuantumKernel
from qiskit_machine_learning.state_fidelities import ComputeUncompute

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import Connection, connect
from qiskit_qml_ext.primitives.connection import ConnectionSettings
from qiskit_qml_ext.primitives.targets import ExactTarget, Target, resolving

CONNECTIONS = {
    "exact": connect,
    "exact, single precision": lambda: connect(dtype="complex64", max_memory=10**9),
    "Aer": lambda: connect("aer", seed=1),
    "Aer of a device": lambda: connect(AerSimulator.from_backend(FakeManilaV2()), seed=1),
    "fake": lambda: connect("fake_manila", seed=1),
    "generic": lambda: connect(GenericBackendV2(5, seed=1), seed=1),
    "no places": lambda: connect(BasicSimulator(), seed=1),
    "reference primitives": lambda: Connection.from_primitives(
        sampler=StatevectorSampler(), estimator=StatevectorEstimator()
    ),
    "reference estimator": lambda: Connection.from_primitives(estimator=StatevectorEstimator()),
    "with a pass manager": lambda: Connection.from_primitives(
        sampler=StatevectorSampler(),
        estimator=StatevectorEstimator(),
        pass_manager=generate_preset_pass_manager(1, basis_gates=["rz", "sx", "cx"]),
    ),
}

# backend, device, is_fake, applies_matrices, estimator_draws_normal_noise
SAID = {
    "exact": (False, False, False, True, True),
    "exact, single precision": (False, False, False, True, True),
    "Aer": (True, False, False, False, True),
    "Aer of a device": (True, True, False, False, True),
    "fake": (True, True, True, False, False),
    "generic": (True, True, False, False, False),
    "no places": (True, True, False, False, False),
    "reference primitives": (False, False, False, True, True),
    "reference estimator": (False, False, False, True, True),
    "with a pass manager": (False, False, False, False, True),
}


def rotated():
    angles = ParameterVector("a", 3)
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(angles[qubit], qubit)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("name", CONNECTIONS)
def test_every_target_answers_for_itself(name):
    connection = CONNECTIONS[name]()
    assert isinstance(connection.target, Target)
    assert (
        connection.backend is not None,
        connection.device is not None,
        connection.is_fake,
        connection.applies_matrices,
        connection.estimator_draws_normal_noise,
    ) == SAID[name]
    assert connection.is_exact == name.startswith("exact")
    assert (connection.dtype == "complex64", connection.max_memory) == (
        (True, 10**9) if "single" in name else (False, None)
    )
    assert (connection.operation_names == frozenset()) == (connection.backend is None)


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_target_without_sessions_opens_none(name):
    target = CONNECTIONS[name]().target
    if target.is_fake:  # job mode runs on the simulator of its noise
        assert target.without_mode().backend is target.backend
        return
    assert target.open_mode() is None
    assert target.open_mode(renew=True) is None
    assert target.without_mode() is target
    target.close()


@pytest.mark.parametrize("name", CONNECTIONS)
def test_the_price_of_a_circuit_is_that_of_its_gates_where_it_runs(name):
    connection, circuit = CONNECTIONS[name](), rotated()
    isa = connection.isa_circuit(circuit)
    price = connection.price(circuit)
    assert price.target == connection.target_name
    assert (price.num_qubits, price.depth) == (3, isa.depth())
    assert price.two_qubit_gates == sum(len(item.qubits) == 2 for item in isa.data if item.is_standard_gate())
    if connection.device is None or connection.device.build_coupling_map() is None:
        assert (price.seconds_per_shot, price.error_free) == (None, None)
        return
    intact = 1.0
    for item in isa.data:
        if item.name != "barrier":
            places = tuple(isa.find_bit(qubit).index for qubit in item.qubits)
            intact *= 1 - (connection.device[item.name][places].error or 0.0)
    assert_allclose(price.error_free, intact, rtol=1e-12)
    assert_allclose(price.seconds_per_shot, isa.estimate_duration(connection.device, unit="s") + 250e-6, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in CONNECTIONS if name != "reference estimator"])
def test_a_plan_takes_its_numbers_from_the_price(name):
    connection, circuit = CONNECTIONS[name](), rotated()
    price = connection.price(circuit)
    plan = connection.plan([(circuit, np.zeros((2, 3)), 50)])
    assert (plan.two_qubit_gates, plan.depth, plan.error_free) == (
        price.two_qubit_gates,
        price.depth,
        price.error_free,
    )
    overhead = connection.target.job_overhead_seconds
    assert overhead == (2.0 if name == "fake" else 0.0)  # what IBM documents, and nobody else
    expected = None if price.seconds_per_shot is None else overhead + 100 * price.seconds_per_shot
    assert plan.seconds == (None if expected is None else pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize("name", CONNECTIONS)
def test_the_pass_manager_transpiles_as_the_connection_does(name):
    connection, circuit = CONNECTIONS[name](), rotated()
    manager = connection.pass_manager
    if connection.applies_matrices:
        assert manager is None
        return
    assert isinstance(manager, PassManager)
    assert manager.run(circuit) == connection.isa_circuit(circuit)
    assert manager.run([circuit, circuit]) == [connection.isa_circuit(circuit)] * 2


COMPOSED = {
    "append": lambda manager: manager.append(RemoveBarriers()),
    "replace": lambda manager: manager.replace(0, RemoveBarriers()),
    "remove": lambda manager: manager.remove(0),
    "set an item": lambda manager: manager.__setitem__(0, RemoveBarriers()),
    "get an item": lambda manager: manager[0],
    "slice": lambda manager: manager[:],
    "length": len,
    "add": lambda manager: manager + RemoveBarriers(),
    "be added": lambda manager: PassManager([RemoveBarriers()]) + manager,
    "be a stage": lambda manager: StagedPassManager(["a"], a=manager),
    "flow": lambda manager: manager.to_flow_controller(),
    "draw": lambda manager: manager.draw(),
}


@pytest.mark.parametrize("way", COMPOSED)
def test_the_pass_manager_refuses_what_would_leave_out_its_transpilation(way):
    with pytest.raises(TypeError, match=r"transpiles as the connection does: it has no passes .* Call its run first"):
        COMPOSED[way](connect("aer").pass_manager)


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        (5, {}, "circuits must be a QuantumCircuit or a list of them, but 5"),
        ("a", {}, "circuits must be"),
        ([rotated(), 3], {}, "each of circuits must be a QuantumCircuit, but 3"),
        (rotated(), {"callback": print}, "callback must be None, .*transpiles as the connection does"),
        (rotated(), {"output_name": "a"}, "output_name must be None, but 'a'"),
        (rotated(), {"property_set": {}}, "property_set must be None"),
    ],
)
def test_the_pass_manager_takes_circuits_only(given, named, message):
    with pytest.raises(TypeError, match=message):
        connect("aer").pass_manager.run(given, **named)


def test_the_pass_manager_is_true_and_its_copies_do_the_same():
    manager, circuit = connect("fake_manila", seed=1).pass_manager, rotated()
    isa = manager.run(circuit)
    assert bool(manager)
    assert manager.run((circuit,), num_processes=2) == [isa]
    assert copy.deepcopy(manager).run(circuit) == isa
    assert pickle.loads(pickle.dumps(manager)).run(circuit) == isa


MEASURED = QuantumCircuit(1)
MEASURED.h(0)
MEASURED.measure_all()


class OwnTarget(ExactTarget):
    """A target of somebody's, with a name of its own."""

    name = "mine"


class Nameless(Target):
    """A target that says everything but its name."""

    sampler = estimator = transpile = None


def test_a_target_of_ones_own_is_used_as_it_is():
    target = OwnTarget()
    connection = connect(target, shots=20, seed=1)
    assert (connection.target, connection.target_name, connection.shots) == (target, "mine", 20)
    counts = connection.sampler.run([MEASURED]).result()[0].data.meas.get_counts()
    assert counts == connect("exact", shots=20, seed=1).sampler.run([MEASURED]).result()[0].data.meas.get_counts()
    with pytest.raises(TypeError, match="The target OwnTarget does not know the options colour"):
        connect(target, colour=1)


def test_a_target_that_is_none_is_told_what_every_kind_takes():
    with pytest.raises(TypeError) as refused:
        connect(3)
    assert all(kind.given for kind in resolving.KINDS)
    assert all(word in str(refused.value) for kind in resolving.KINDS for word in kind.given)
    assert str(refused.value).endswith("or a Target of your own, but 3 (int) came.")


def test_a_connection_refuses_what_is_no_target_and_no_settings():
    with pytest.raises(TypeError, match=r"target must be a Target, but 'fake_manila' \(str\) came. .* go to connect"):
        Connection("fake_manila", ConnectionSettings())
    with pytest.raises(TypeError, match=r"The target Nameless must have a name.*Set Nameless.name"):
        connect(Nameless())
    with pytest.raises(TypeError, match=r"settings must be ConnectionSettings\(…\), but 100"):
        Connection(ExactTarget(), 100)


@pytest.mark.parametrize("given", ["a", [rotated()], None])
@pytest.mark.parametrize("method", ["price", "isa_circuit"])
def test_what_is_no_circuit_is_refused_in_words(method, given):
    with pytest.raises(TypeError, match="circuit must be a QuantumCircuit, but"):
        getattr(connect("fake_manila"), method)(given)


def test_other_peoples_code_takes_the_pass_manager_with_the_sampler():
    connection = connect("aer", shots=4000, seed=1)
    data = np.array([[0.1, 0.4], [0.7, 0.2]])
    fidelity = ComputeUncompute(sampler=connection.sampler, pass_manager=connection.pass_manager)
    theirs = FidelityQuantumKernel(feature_map=ZZFeatureMap().build(2), fidelity=fidelity).evaluate(data)
    exact = FidelityKernel(ZZFeatureMap()).evaluate(data)
    assert_allclose(theirs, exact, atol=5 * 0.5 / np.sqrt(4000))  # five standard errors of a probability at most


def test_settings_of_a_connection_cannot_be_changed():
    settings = ConnectionSettings(shots=100, seed=1)
    for field in fields(settings):
        with pytest.raises(FrozenInstanceError):
            setattr(settings, field.name, 1)


def test_a_seed_that_no_simulator_takes_is_refused():
    with pytest.raises(ValueError, match="seed must be"):
        ConnectionSettings(seed=-1)


@pytest.mark.parametrize("name", [name for name in CONNECTIONS if name != "with a pass manager"])  # cannot be pickled
def test_a_copy_in_another_process_says_the_same(name):
    connection = CONNECTIONS[name]()
    copy = pickle.loads(pickle.dumps(connection))
    assert (copy.target_name, copy.shots, copy.seed, copy.is_fake, copy.applies_matrices) == (
        connection.target_name,
        connection.shots,
        connection.seed,
        connection.is_fake,
        connection.applies_matrices,
    )
    assert copy.price(rotated()).depth == connection.price(rotated()).depth


def test_a_circuit_cannot_keep_its_qubits_where_they_have_no_places():
    with pytest.raises(ValueError, match="Qubits of the target exact have no places"):
        connect().isa_circuit(rotated(), keep_qubits=True)


def test_copies_run_side_by_side_on_the_simulator_of_a_device_too():
    connection = connect(AerSimulator.from_backend(FakeManilaV2()), shots=500, seed=1, packing=2)
    circuit = QuantumCircuit(1)
    circuit.ry(ParameterVector("a", 1)[0], 0)
    circuit.measure_all()
    values = np.array([[0.0], [np.pi], [0.0]])
    jobs = list(connection.sample(circuit, values))
    ones = [jobs[0][1].meas[row].get_int_counts().get(1, 0) / 500 for row in range(3)]
    assert connection.usage.circuits == 2  # three results in two circuits
    assert_allclose(ones, [0, 1, 0], atol=0.15)  # readout errors of the device are below 5 %


class Reference(Target):
    """A new kind of target with nothing but what it must have: Qiskit's reference primitives under a name."""

    name = "reference"

    @classmethod
    def of(cls, given, *, mode, options):
        return cls() if isinstance(given, str) and given == cls.name else None

    def sampler(self, shots, seed):
        return StatevectorSampler(default_shots=shots, seed=seed)

    def estimator(self, shots, seed):
        return StatevectorEstimator(default_precision=0.0, seed=seed)

    def transpile(self, circuit, optimization_level, seed):
        return None


def test_a_new_kind_of_target_is_a_class_and_an_entry_in_the_list(monkeypatch):
    monkeypatch.setattr(resolving, "KINDS", (Reference, *resolving.KINDS))
    connection = connect("reference", shots=4000, seed=1)
    assert (connection.target_name, connection.num_qubits, connection.backend) == ("reference", None, None)
    data = np.array([[0.1, 0.4], [0.7, 0.2]])
    kernel = FidelityKernel(ZZFeatureMap(), connection=connection)
    plan = kernel.plan(data)
    assert (plan.circuits, plan.shots, plan.seconds, plan.error_free) == (1, 4000, None, None)
    # five standard errors of a probability at most
    assert_allclose(kernel.evaluate(data), FidelityKernel(ZZFeatureMap()).evaluate(data), atol=5 * 0.5 / np.sqrt(4000))
    with pytest.raises(ValueError, match="mode='batch' means nothing for reference"):
        connect("reference", mode="batch")
    assert connect("fake_manila").is_fake
