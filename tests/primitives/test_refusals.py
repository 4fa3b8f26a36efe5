"""What a target cannot run, or would read wrongly, is refused by name or translated."""

import pytest
from numpy.testing import assert_allclose
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import AnnotatedOperation, ControlModifier, Gate, InverseModifier, Parameter
from qiskit.circuit.library import RYGate, XGate
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.quantum_info import SparsePauliOp, Statevector, random_clifford
from qiskit_aer import AerSimulator

from qiskit_qml_ext.exceptions import StateTooLargeError, UnsupportedCircuitError
from qiskit_qml_ext.primitives import ExactSampler, connect


def counts(connection, circuit):
    return connection.sampler.run([circuit]).result()[0].data.meas.get_counts()


STATES = {"entangled": [0.6, 0, 0, 0.8], "amplitudes": [0.6, 0.8, 0, 0], "label": "01", "number": 1}


@pytest.mark.parametrize("method", ["matrix_product_state", "statevector"])
@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("qubits", [[2, 0], [0, 2], [1, 0]])
def test_initialize_on_any_qubits_prepares_its_state(method, kind, qubits):
    circuit = QuantumCircuit(3)
    circuit.initialize(STATES[kind], qubits)
    expected = Statevector(circuit).probabilities_dict()
    circuit.measure_all()
    found = counts(connect("aer", method=method, shots=1000, seed=1), circuit)
    for outcome in {*expected, *found}:
        chance = expected.get(outcome, 0.0)
        assert abs(found.get(outcome, 0) / 1000 - chance) <= 5 * (chance * (1 - chance) / 1000) ** 0.5 + 1e-12


def sharing_bits():
    bits = ClassicalRegister(2, "a")
    circuit = QuantumCircuit(QuantumRegister(2), bits, ClassicalRegister(name="b", bits=[bits[1], bits[0]]))
    circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    return circuit


@pytest.mark.parametrize("target", ["aer", "fake_manila", BasicSimulator()])
def test_registers_that_share_bits_are_refused_where_they_are_read_wrongly(target):
    connection = connect(target)
    with pytest.raises(UnsupportedCircuitError, match="registers 'a' and 'b' share a bit"):
        connection.isa_circuit(sharing_bits())
    if target != "fake_manila":
        with pytest.raises(UnsupportedCircuitError, match="registers 'a' and 'b' share a bit"):
            connection.sampler.run([sharing_bits()]).result()


def test_registers_that_share_bits_are_read_right_by_the_exact_target():
    connection = connect(shots=10)
    data = connection.sampler.run([connection.isa_circuit(sharing_bits())]).result()[0].data
    assert data.a.get_counts() == {"01": 10}
    assert data.b.get_counts() == {"10": 10}


@pytest.mark.parametrize("target", ["aer", "exact"])
def test_register_names_that_results_reserve_are_refused(target):
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "items"))
    circuit.measure(0, 0)
    with pytest.raises(UnsupportedCircuitError, match="register is called 'items'"):
        connect(target, shots=10).sampler.run([circuit]).result()


def test_annotated_operations_and_cliffords_run_on_aer_without_transpilation():
    circuit = QuantumCircuit(2)
    circuit.ry(0.3, 0)
    circuit.append(AnnotatedOperation(RYGate(0.4), ControlModifier(1)), [0, 1])
    circuit.append(random_clifford(2, seed=3), [0, 1])
    circuit.append(AnnotatedOperation(random_clifford(2, seed=4), InverseModifier()), [1, 0])
    observable = SparsePauliOp(["ZZ", "XI"], [1.0, 0.5])
    found = connect("aer").estimator.run([(circuit, observable)]).result()[0].data.evs
    expected = Statevector(circuit).expectation_value(observable).real
    assert_allclose(found, expected, atol=5 * 1.5 * 1024**-0.5)
    free = circuit.copy()
    free.append(AnnotatedOperation(RYGate(Parameter("a")), InverseModifier()), [1])
    at = Statevector(free.assign_parameters([0.7])).expectation_value(observable).real
    found = connect("aer").estimator.run([(free, observable, [0.7])]).result()[0].data.evs
    assert_allclose(found, at, atol=5 * 1.5 * 1024**-0.5)


def called(name, *, wrapped=False, angle=None):
    inner = QuantumCircuit(1, name=name)
    inner.h(0) if angle is None else inner.ry(angle, 0)
    if not wrapped:
        return inner.to_gate()
    outer = QuantumCircuit(1, name="outer")
    outer.append(inner.to_gate(), [0])
    return outer.to_gate()


@pytest.mark.parametrize("target", ["aer", "fake_manila", BasicSimulator()])
@pytest.mark.parametrize("name", ["rx", "snapshot"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_gates_called_like_others_run_inside_of_annotations(target, name, wrapped):
    """Controlled by |1⟩, H brings the second qubit to (|0⟩ + |1⟩)/√2, and a second one back."""
    circuit = QuantumCircuit(2)
    circuit.x(0)
    gate = called(name, wrapped=wrapped)
    circuit.append(AnnotatedOperation(gate, ControlModifier(1)), [0, 1])
    circuit.append(gate, [1])
    circuit.append(called(name, angle=0.2), [1])
    circuit.append(AnnotatedOperation(called(name, angle=0.2), InverseModifier()), [1])
    circuit.measure_all()
    connection = connect(target, seed=1, shots=1000)
    assert counts(connection, connection.isa_circuit(circuit))["01"] > (850 if target == "fake_manila" else 999)


def delayed(*delays):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    for duration, unit in delays:
        circuit.delay(duration, 0, unit)
    circuit.measure_all()
    return circuit


def test_delays_off_the_clock_of_a_device_are_refused_with_those_that_it_can_wait():
    with pytest.raises(UnsupportedCircuitError, match=r"10.0 ns lasts 45 time steps.*delay\(32.*delay\(48"):
        connect("fake_manila").isa_circuit(delayed((10.0, "ns")))
    isa = connect("fake_manila").isa_circuit(delayed((1, "us"), (32, "dt")))
    assert [item.operation.duration for item in isa.data if item.operation.name == "delay"] == [4496, 32]


def test_errors_of_the_transpiler_name_the_target_and_the_instruction():
    with pytest.raises(UnsupportedCircuitError, match=r"aer cannot run the circuit: Fail to unify.*delay"):
        connect("aer").isa_circuit(delayed((10, "ns"), (16, "dt")))


def test_an_option_that_aer_does_not_know_is_named():
    with pytest.raises(TypeError, match=r"does not know the option metod.*method"):
        connect("aer", metod="statevector")


def test_shots_beyond_memory_are_refused_before_they_are_drawn():
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    with pytest.raises(StateTooLargeError, match=r"shots=1000000000000 .*fewer shots"):
        ExactSampler().run([circuit], shots=10**12).result()


@pytest.mark.parametrize(("simulator", "shots"), [(AerSimulator(shots=77), 77), (AerSimulator(), 1024)])
def test_shots_of_a_simulator_are_those_of_the_connection(simulator, shots):
    assert connect(simulator).shots == shots
    assert connect(simulator, shots=5).shots == 5


def nested(depth):
    gate = XGate()
    for level in range(depth):
        definition = QuantumCircuit(1)
        definition.append(gate, [0])
        gate = Gate(f"level {level}", 1, [])
        gate.definition = definition
    circuit = QuantumCircuit(1)
    circuit.append(gate, [0])
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("target", ["exact", "aer", "fake_manila"])
def test_gates_nested_too_deep_are_refused(target):
    with pytest.raises(UnsupportedCircuitError, match="nested"):
        connect(target, shots=10).isa_circuit(nested(300))


def test_gates_nested_too_deep_are_refused_by_exact_simulation():
    with pytest.raises(UnsupportedCircuitError, match="nested"):
        connect(shots=10).sampler.run([nested(300)]).result()
    assert counts(connect(shots=10), nested(20)) == {"1": 10}
