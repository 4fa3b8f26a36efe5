"""The unitary part of a circuit, and the gates that a device runs for it, against Qiskit's own matrices."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import AnnotatedOperation, Clbit, ControlModifier, Parameter, PowerModifier, Qubit
from qiskit.circuit.library import GlobalPhaseGate, PauliEvolutionGate
from qiskit.quantum_info import Operator, Statevector
from qiskit.synthesis import MatrixExponential, QDrift
from qiskit_aer.library import SaveStatevector, SetStatevector
from qiskit_machine_learning.circuit.library import raw_feature_vector

from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import approximations, lower, synthesised, unitary_part
from tests.program.exotic import COMMUTING, FIELD, Contradictory, evolutions, fixed_operations, nested
from tests.program.test_lowering import prefix

pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exponential

ATOL = 1e-11


def measured_circuit(state):
    """A circuit with everything that has no inverse, at its beginning and its end."""
    circuit = QuantumCircuit(QuantumRegister(2, "class"), [Qubit()], ClassicalRegister(2, "meas"), [Clbit()])
    circuit.global_phase = 0.3
    circuit.reset([0, 1])
    circuit.initialize(state, [2, 0])
    circuit.ry(Parameter("b"), 1)
    circuit.barrier()
    circuit.delay(Parameter("a"), 0)
    circuit.append(GlobalPhaseGate(Parameter("c")), [])
    inner = QuantumCircuit(2, 1, global_phase=0.4)
    inner.cx(0, 1)
    inner.measure(1, 0)
    circuit.append(inner.to_instruction(), [2, 1], [2])
    circuit.append(SaveStatevector(3), range(3))
    circuit.measure([0], [1])
    circuit.delay(10, 0)
    return circuit


@pytest.mark.parametrize("state", [[0.6, 0, 0, 0.8j], "+r", "01", 2], ids=str)
def test_unitary_part_is_the_circuit_without_what_has_no_inverse(state):
    circuit = measured_circuit(state)
    copy = circuit.copy()
    part = unitary_part(circuit)
    assert circuit == copy
    assert part.qubits == circuit.qubits
    assert part.qregs == circuit.qregs
    assert not part.clbits
    assert list(part.parameters) == list(circuit.parameters)
    assert lower(part).parameters == lower(circuit).parameters
    plain = QuantumCircuit(3, global_phase=0.7 - 1.1)
    plain.initialize(state, [2, 0])
    plain.ry(0.2, 1)
    plain.cx(2, 1)
    values = [0.5, 0.2, -1.1]
    np.testing.assert_allclose(
        Statevector(part.assign_parameters(values)).data, Statevector(plain).data, rtol=0, atol=ATOL
    )
    undone = part.compose(part.inverse()).assign_parameters(values)
    np.testing.assert_allclose(Operator(undone).data, np.eye(8), rtol=0, atol=ATOL)


def refused():
    reset, measured, branch, loop, stored = (QuantumCircuit(1, 1) for _ in range(5))
    reset.h(0)
    reset.reset(0)
    measured.measure(0, 0)
    measured.h(0)
    with branch.if_test((0, 1)):
        branch.x(0)
    with loop.for_loop(range(2), Parameter("loop")) as angle:
        loop.rx(angle, 0)
    stored.add_var("flag", True)
    inside = QuantumCircuit(1)
    inner = QuantumCircuit(1, name="reset_inside")
    inner.h(0)
    inner.reset(0)
    inside.append(inner.to_instruction(), [0])
    again = QuantumCircuit(1)
    again.h(0)
    again.initialize([0, 1], 0)
    replaced = QuantumCircuit(1)
    replaced.append(SetStatevector([0, 1]), [0])
    return {
        "'set_statevector' has neither": replaced,
        "'reset' resets qubit 0": reset,
        "'reset' resets qubit 0 after": inside,
        "'initialize' resets qubit 0": again,
        "measured before the instruction 'h'": measured,
        "'if_else'": branch,
        "'for_loop'": loop,
        "'store'": stored,
        "'ParameterizedInitialize'.*AmplitudeFeatureMap": raw_feature_vector(4),
    }


@pytest.mark.parametrize("message", sorted(refused()))
@pytest.mark.parametrize("function", [unitary_part, synthesised, lower])
def test_what_is_not_unitary_is_refused_by_name(function, message):
    with pytest.raises(UnsupportedCircuitError, match=message):
        function(refused()[message])


def evaluated(circuit, values):
    """The matrix of what a device runs: only gates of a basis."""
    return Operator(
        transpile(circuit.assign_parameters(values), basis_gates=["u", "cx"], optimization_level=0, seed_transpiler=0)
    ).data


@pytest.mark.parametrize("label", sorted(evolutions(1.0)))
def test_inverse_of_what_a_device_runs_is_exact(label):
    operation = evolutions(Parameter("t"))[label]
    circuit = prefix(max(operation.num_qubits, 2))
    circuit.append(operation, list(range(operation.num_qubits))[::-1])
    gates = synthesised(circuit)
    assert list(gates.parameters) == list(circuit.parameters)
    undone = gates.compose(gates.inverse())
    np.testing.assert_allclose(evaluated(undone, [0.7]), np.eye(2**circuit.num_qubits), rtol=0, atol=ATOL)
    error = np.abs(evaluated(gates, [0.7]) - Operator(circuit.assign_parameters([0.7])).data).max()
    if approximations(circuit):
        assert error > 1e-3
    else:
        assert error < ATOL


FEW = (
    *("clifford", "controlled clifford", "contradictory", "contradictory controlled", "annotated root", "hidden"),
    *("annotated feature map", "other matrix", "annotated other matrix", "exponential of a matrix", "qft"),
    *("root of an evolution", "hamiltonian at 0.7", "random product formula", "controlled swap"),
)


@pytest.mark.parametrize("label", FEW)
def test_inverse_of_fixed_operations_is_exact(label):
    operation = fixed_operations()[label]
    circuit = prefix(max(operation.num_qubits, 2))
    circuit.append(operation, list(range(operation.num_qubits))[::-1])
    gates = synthesised(circuit)
    undone = gates.compose(gates.inverse())
    np.testing.assert_allclose(evaluated(undone, []), np.eye(2**circuit.num_qubits), rtol=0, atol=1e-10)
    if not approximations(circuit):
        truth = Statevector(circuit).data
        np.testing.assert_allclose(evaluated(gates, [])[:, 0], truth, rtol=0, atol=1e-10)


def test_approximations_are_named_wherever_they_hide():
    exact, hidden = QuantumCircuit(3), QuantumCircuit(5)
    exact.append(PauliEvolutionGate(COMMUTING[[0, 1, 3]], 0.3), range(3))
    exact.append(PauliEvolutionGate(FIELD, 0.3, synthesis=MatrixExponential()), range(3))
    exact.append(AnnotatedOperation(PauliEvolutionGate(FIELD, 0.3), [PowerModifier(0.5)]), range(3))
    assert approximations(exact) == ()
    hidden.append(AnnotatedOperation(nested(0.3), [ControlModifier(2)]), range(5))
    assert approximations(hidden) == ("PauliEvolution",)
    drawn = QuantumCircuit(3)
    drawn.append(PauliEvolutionGate(COMMUTING, 0.3, synthesis=QDrift(seed=1)), range(3))
    assert approximations(drawn) == ("PauliEvolution",)


def test_a_free_gate_that_contradicts_itself_is_not_synthesised():
    circuit = QuantumCircuit(2)
    circuit.append(Contradictory(Parameter("a")), [0, 1])
    with pytest.raises(UnsupportedCircuitError, match="contradicts its matrix"):
        synthesised(circuit)
