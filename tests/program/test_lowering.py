import copy
import math
import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import (
    AnnotatedOperation,
    ControlModifier,
    InverseModifier,
    Parameter,
    ParameterVector,
    PowerModifier,
)
from qiskit.circuit.library import (
    DiagonalGate,
    HGate,
    Initialize,
    MCMTGate,
    MCPhaseGate,
    PauliEvolutionGate,
    PauliGate,
    PermutationGate,
    QFTGate,
    RXGate,
    RYGate,
    StatePreparation,
    UCRYGate,
    UnitaryGate,
    XGate,
    efficient_su2,
    zz_feature_map,
)
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.quantum_info import Clifford, SparsePauliOp, Statevector, random_clifford, random_unitary

from qiskit_qml_ext.engine import reference
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import CliffordGate, DenseUnitary, InitialState, PauliRotation, lower

ATOL = 1e-12  # the contract of the intermediate form

STANDARD = {
    name: gate
    for name, gate in get_standard_gate_name_mapping().items()
    if name not in ("measure", "reset", "delay") and gate.num_clbits == 0
}


def prefix(num_qubits):
    """A fixed circuit that makes every amplitude generic."""
    circuit = QuantumCircuit(num_qubits, global_phase=0.3)
    for qubit in range(num_qubits):
        circuit.u(0.4 + qubit, 0.7 * qubit + 0.1, 1.1, qubit)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def assert_reproduces(circuit, values=None, atol=ATOL):
    program = lower(circuit)
    if values is None:
        values = np.random.default_rng(7).uniform(-3, 3, program.num_parameters)
    bound = circuit.assign_parameters(dict(zip(circuit.parameters, values, strict=True)))
    expected = Statevector(bound.remove_final_measurements(inplace=False) if bound.clbits else bound).data
    np.testing.assert_allclose(reference.statevector(program, values), expected, rtol=0, atol=atol)
    return program


@pytest.mark.parametrize("name", sorted(STANDARD))
def test_every_standard_gate_reproduces_the_statevector(name):
    gate = STANDARD[name]
    circuit = prefix(max(gate.num_qubits + 1, 2))
    parameters = ParameterVector("t", len(gate.params))
    free = gate.base_class(*parameters) if gate.params else gate
    order = [2, 0, 1, 3, 4][: gate.num_qubits] if gate.num_qubits > 1 else [1][: gate.num_qubits]
    circuit.append(free, order)
    assert_reproduces(circuit)


@pytest.mark.parametrize("name", ["rx", "u", "h", "rzz", "swap", "p", "sx"])
def test_open_and_closed_controls_reproduce_the_statevector(name):
    gate = STANDARD[name]
    angles = np.linspace(0.3, 1.2, len(gate.params))
    base = gate.base_class(*angles) if gate.params else gate
    for ctrl_state in (0, 1, 2, 3):
        controlled = base.control(2, ctrl_state=ctrl_state, annotated=False)
        circuit = prefix(controlled.num_qubits)
        circuit.append(controlled, range(controlled.num_qubits))
        assert_reproduces(circuit)


def library_operations():
    rng = np.random.default_rng(11)
    amplitudes = rng.normal(size=4) + 1j * rng.normal(size=4)
    amplitudes /= np.linalg.norm(amplitudes)
    t = Parameter("t")
    return {
        "unitary 1": UnitaryGate(random_unitary(2, seed=1)),
        "unitary 1 diagonal": UnitaryGate(np.diag([1j, np.exp(0.3j)])),
        "unitary 1 antidiagonal": UnitaryGate([[0, np.exp(0.2j)], [np.exp(-1.9j), 0]]),
        "unitary 1 minus": UnitaryGate(-np.eye(2)),
        "unitary 2": UnitaryGate(random_unitary(4, seed=2)),
        "unitary 3": UnitaryGate(random_unitary(8, seed=3)),
        "permutation": PermutationGate([2, 0, 1]),
        "pauli": PauliGate("XYZ"),
        "qft": QFTGate(3),
        "diagonal": DiagonalGate([1, 1j, -1, np.exp(0.4j)]),
        "mcphase": MCPhaseGate(t, 3),
        "mcx": XGate().control(4),
        "mcmt": MCMTGate(HGate(), 2, 1),
        "ucry": UCRYGate([0.1, 0.5, 0.9, -0.3]),
        "state preparation on busy qubits": StatePreparation(amplitudes),
        "annotated": AnnotatedOperation(RXGate(0.7), [ControlModifier(2), InverseModifier()]),
        "annotated parametrised": AnnotatedOperation(RYGate(t), [ControlModifier(1)]),
        "annotated power": AnnotatedOperation(HGate(), [PowerModifier(3)]),
        "clifford": random_clifford(3, seed=5),
        "clifford gate": random_clifford(2, seed=6).to_instruction(),
        "gate of a circuit": efficient_su2(3, reps=1).to_gate(),
    }


@pytest.mark.parametrize("label", sorted(library_operations()))
def test_library_operations_reproduce_the_statevector(label):
    operation = library_operations()[label]
    circuit = prefix(max(operation.num_qubits, 2))
    circuit.append(operation, list(range(operation.num_qubits))[::-1])
    if isinstance(operation, Clifford):
        expected = Statevector(prefix(3)).evolve(operation, qargs=[2, 1, 0]).data
        np.testing.assert_allclose(reference.statevector(lower(circuit), []), expected, rtol=0, atol=ATOL)
    else:
        assert_reproduces(circuit)


@pytest.mark.parametrize("state", ["amplitudes", "label", "integer"])
@pytest.mark.parametrize("kind", [Initialize, StatePreparation])
def test_initial_states_reproduce_the_statevector(state, kind):
    rng = np.random.default_rng(3)
    amplitudes = rng.normal(size=4) + 1j * rng.normal(size=4)
    argument = {"amplitudes": amplitudes / np.linalg.norm(amplitudes), "label": "r-", "integer": 2}[state]
    operation = kind(argument, 2) if state == "integer" else kind(argument)
    circuit = QuantumCircuit(3)
    circuit.h(1)
    circuit.append(operation, [2, 0])
    circuit.cx(0, 1)
    circuit.ry(0.3, 2)
    program = assert_reproduces(circuit)
    assert any(isinstance(op, InitialState) for op in program.operations) == (state == "amplitudes")


def test_rotations_keep_their_pauli_strings():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(3)
    circuit.rx(a, 2)
    circuit.cx(0, 2)
    circuit.rzx(2 * b, 0, 1)
    circuit.ryy(a, 0, 1)
    program = lower(circuit)
    assert program.operations == (
        PauliRotation(0b100, 0, 0),
        CliffordGate("cx", (0, 2)),
        PauliRotation(0b010, 0b001, 1),
        PauliRotation(0b011, 0b011, 0),
    )
    assert program.is_pauli_based
    np.testing.assert_array_equal(program.angles.evaluate([[0.3, 0.4]]), [[0.3, 0.8]])


def test_dense_unitaries_are_kept_dense():
    circuit = QuantumCircuit(2)
    circuit.append(UnitaryGate(random_unitary(4, seed=2)), [1, 0])
    (operation,) = lower(circuit).operations
    assert isinstance(operation, DenseUnitary)
    assert operation.qubits == (1, 0)
    assert not lower(circuit).is_pauli_based


def test_parameters_keep_the_order_of_the_circuit():
    circuit = zz_feature_map(3, reps=1)
    assert lower(circuit).parameters == tuple(circuit.parameters)


def test_program_survives_pickle_and_deepcopy():
    circuit = zz_feature_map(3, reps=2)
    program = lower(circuit)
    values = [0.1, 0.7, -0.3]
    expected = reference.statevector(program, values)
    for copied in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program)):
        np.testing.assert_array_equal(reference.statevector(copied, values), expected)


def test_lowering_is_cached_until_the_circuit_changes():
    circuit = QuantumCircuit(1)
    circuit.rx(0.5, 0)
    program = lower(circuit)
    assert lower(circuit) is program
    circuit.rx(0.25, 0)
    assert len(lower(circuit).operations) == 2
    circuit.global_phase = 1.0
    assert lower(circuit).phase is not None


def test_lowering_leaves_the_circuit_unchanged():
    circuit = zz_feature_map(3, reps=2)
    circuit.measure_all()
    before = circuit.copy()
    lower(circuit)
    assert circuit == before


def test_barriers_delays_and_final_measurements_are_ignored():
    circuit = QuantumCircuit(2, 2)
    circuit.reset(0)
    circuit.h(0)
    circuit.barrier()
    circuit.delay(100, 0)
    circuit.measure(0, 1)
    circuit.rx(0.3, 1)
    circuit.measure(1, 0)
    circuit.barrier()
    assert [type(operation) for operation in lower(circuit).operations] == [CliffordGate, PauliRotation]


def test_a_gate_that_borrows_a_standard_name_is_lowered_by_its_definition():
    inner = QuantumCircuit(1, name="h")
    inner.ry(0.4, 0)
    circuit = QuantumCircuit(1)
    circuit.append(inner.to_gate(), [0])
    assert_reproduces(circuit)


def test_parametrised_global_phase_is_kept():
    t = Parameter("t")
    circuit = QuantumCircuit(1, global_phase=2 * t)
    circuit.rx(t, 0)
    assert_reproduces(circuit)


def bad_circuits():
    measured = QuantumCircuit(1, 1)
    measured.measure(0, 0)
    measured.x(0)
    conditional = QuantumCircuit(1, 1)
    with conditional.if_test((conditional.clbits[0], 1)):
        conditional.x(0)
    reset = QuantumCircuit(1)
    reset.x(0)
    reset.reset(0)
    late = QuantumCircuit(1)
    late.x(0)
    late.initialize([0, 1], 0)
    kraus = QuantumCircuit(1)
    from qiskit.quantum_info import Kraus

    kraus.append(Kraus([math.sqrt(0.5) * np.eye(2), math.sqrt(0.5) * np.diag([1, -1])]).to_instruction(), [0])
    t = Parameter("t")
    complex_angle = QuantumCircuit(1)
    complex_angle.rx(1j * t, 0)
    return {
        "Qubit 0 is measured before the instruction 'x'": measured,
        "control-flow instruction 'if_else'": conditional,
        "'reset' resets qubit 0": reset,
        "'initialize' resets qubit 0": late,
        "'kraus' has neither a definition nor a unitary matrix": kraus,
        "is complex; angles must be real": complex_angle,
        "has no qubits": QuantumCircuit(0),
    }


@pytest.mark.parametrize("message", sorted(bad_circuits()))
def test_unsupported_circuits_are_refused_by_name(message):
    with pytest.raises(UnsupportedCircuitError, match=message):
        lower(bad_circuits()[message])


def test_something_else_than_a_circuit_is_a_type_error():
    with pytest.raises(TypeError, match="must be a qiskit QuantumCircuit"):
        lower("circuit")


def test_a_circuit_whose_gates_qiskit_cannot_compare_is_lowered_again():
    a = Parameter("a")
    circuit = QuantumCircuit(1)
    circuit.append(PauliEvolutionGate(SparsePauliOp("X"), time=abs(a - a) ** 0.5), [0])
    assert [len(lower(circuit).rotations) for _ in range(3)] == [0, 0, 0]  # it turns by |a - a| = 0
