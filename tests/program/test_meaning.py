"""``Statevector(circuit)`` is the truth for every operation that has a matrix."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import AnnotatedOperation, Gate, Parameter, ParameterVector, PowerModifier
from qiskit.circuit.library import HamiltonianGate, PauliEvolutionGate, RXGate
from qiskit.quantum_info import SparsePauliOp, Statevector
from scipy.linalg import expm

from qiskit_qml_ext.engine import reference
from qiskit_qml_ext.exceptions import UnsupportedCircuitError
from qiskit_qml_ext.program import DenseUnitary, PauliRotation, lower
from tests.program.exotic import (
    COMMUTING,
    FIELD,
    Contradictory,
    Hidden,
    OtherMatrix,
    evolutions,
    fixed_operations,
)
from tests.program.test_lowering import prefix

pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exponential

ATOL = 1e-11  # Qiskit's and our exponentials each round at some 1e-13


def around(operation):
    """A circuit with an operation on qubits in another order, after a generic state and before a mixing layer."""
    circuit = prefix(max(operation.num_qubits, 2))
    circuit.append(operation, list(range(operation.num_qubits))[::-1])
    for qubit in range(circuit.num_qubits):
        circuit.ry(0.3 + 0.2 * qubit, qubit)
    return circuit


def assert_is_statevector(circuit, *points):
    program = lower(circuit)
    for point in points or ([],):
        expected = Statevector(circuit.assign_parameters(point)).data
        np.testing.assert_allclose(reference.statevector(program, point), expected, rtol=0, atol=ATOL)
    return program


@pytest.mark.parametrize("label", sorted(fixed_operations()))
def test_fixed_operations_are_what_statevector_says(label):
    assert_is_statevector(around(fixed_operations()[label]))


@pytest.mark.parametrize("label", sorted(evolutions(1.0)))
def test_evolutions_with_a_free_time_are_what_statevector_says(label):
    assert_is_statevector(around(evolutions(Parameter("t"))[label]), [0.7], [-1.9], [0.0])


def test_evolution_does_not_depend_on_statevector_either():
    circuit = QuantumCircuit(3)
    circuit.append(PauliEvolutionGate(FIELD, Parameter("t")), range(3))
    expected = expm(-1.3j * FIELD.to_matrix())[:, 0]
    np.testing.assert_allclose(reference.statevector(lower(circuit), [1.3]), expected, rtol=0, atol=ATOL)


def test_commuting_terms_stay_plain_rotations():
    circuit = QuantumCircuit(3)
    circuit.append(PauliEvolutionGate(COMMUTING[[0, 1, 3]], Parameter("t")), range(3))
    assert lower(circuit).is_pauli_based
    assert len(lower(circuit).operations) == 2


def test_only_terms_that_do_not_commute_share_a_dense_block():
    operator = SparsePauliOp(["XIIII", "ZIIII", "IZZII", "IIIXX", "IIIZI"])
    circuit = QuantumCircuit(5)
    circuit.append(PauliEvolutionGate(operator, 0.4), range(5))
    program = assert_is_statevector(circuit)
    sizes = sorted(len(step.qubits) for step in program.operations if isinstance(step, DenseUnitary))
    assert sizes == [2]
    assert any(isinstance(step, PauliRotation) and step.z == 0b01100 for step in program.operations)


def test_evolutions_share_parameters_with_gates_and_with_each_other():
    x = ParameterVector("x", 2)
    circuit = prefix(3)
    circuit.append(PauliEvolutionGate(FIELD, x[0] * x[1]), range(3))
    circuit.ry(x[1], 0)
    circuit.append(PauliEvolutionGate(FIELD[:2], -x[0]), [2, 0, 1])
    circuit.append(HamiltonianGate(FIELD.to_matrix(), np.pi - x[0]), [1, 2, 0])
    assert_is_statevector(circuit, [0.4, 0.9], [-1.2, 2.2])


def test_evolution_beyond_dense_matrices_says_what_to_do():
    chain = SparsePauliOp.from_sparse_list(
        [("ZZ", [i, i + 1], 1.0) for i in range(12)] + [("X", [i], 0.7) for i in range(13)], num_qubits=13
    )
    circuit = QuantumCircuit(13)
    circuit.append(PauliEvolutionGate(chain, 0.3), range(13))
    with pytest.raises(
        UnsupportedCircuitError, match=r"'PauliEvolution' is a dense matrix on 13 qubits.*decompose\(\)"
    ):
        lower(circuit)
    program = lower(circuit.decompose())
    assert program.is_pauli_based


def test_complex_and_free_coefficients_of_a_hamiltonian_are_refused():
    free = np.array([1.0, Parameter("c")], dtype=object)
    for coefficients, message in (([1.0, 1j], "must be real"), (free, "free coefficient c")):
        gate = PauliEvolutionGate(SparsePauliOp(["XX", "ZI"]), 0.3)  # which refuses them when it is made, but not later
        gate.operator = SparsePauliOp(["XX", "ZI"], coefficients)
        circuit = QuantumCircuit(2)
        circuit.append(gate, [0, 1])
        with pytest.raises(UnsupportedCircuitError, match=message):
            lower(circuit)


def test_a_free_gate_whose_definition_contradicts_its_matrix_is_refused():
    circuit = QuantumCircuit(2)
    circuit.append(Contradictory(Parameter("a")), [0, 1])
    with pytest.raises(UnsupportedCircuitError, match=r"gate 'contradictory' \(Contradictory\) contradicts its matrix"):
        lower(circuit)


def test_a_subclass_of_a_standard_gate_is_what_the_circuit_stores():
    circuit = QuantumCircuit(1)
    circuit.append(OtherMatrix(Parameter("a")), [0])
    assert_is_statevector(circuit, [0.7])


def test_a_fractional_power_of_a_free_gate_is_refused():
    circuit = QuantumCircuit(1)
    circuit.append(AnnotatedOperation(RXGate(Parameter("a")), [PowerModifier(0.5)]), [0])
    with pytest.raises(UnsupportedCircuitError, match=r"'rx' with free parameters has the power 0\.5"):
        lower(circuit)


def test_a_gate_with_a_matrix_only_when_bound_says_so():
    class Opaque(Gate):
        def __init__(self, angle):
            super().__init__("opaque", 1, [angle])

        def __array__(self, dtype=None, copy=None):
            return np.asarray(RXGate(float(self.params[0])).to_matrix(), dtype=dtype)

    circuit = QuantumCircuit(1)
    circuit.append(Opaque(Parameter("a")), [0])
    with pytest.raises(UnsupportedCircuitError, match=r"'opaque'.*only once its parameters are bound"):
        lower(circuit)


def test_a_matrix_set_on_an_instance_is_believed():
    gate = Gate("mine", 1, [])
    gate.to_matrix = lambda: np.array([[0, 1], [1j, 0]])
    circuit = prefix(1)
    circuit.append(gate, [0])
    assert_is_statevector(circuit)


def test_gates_that_compare_equal_but_differ_are_not_mistaken_for_each_other():
    circuit = QuantumCircuit(1)
    circuit.append(Hidden(0.3), [0])
    lower(circuit)
    circuit.data[0] = circuit.data[0].replace(operation=Hidden(1.4))
    assert_is_statevector(circuit)


def test_a_hamiltonian_that_is_changed_in_place_is_lowered_anew():
    circuit = QuantumCircuit(3)
    gate = PauliEvolutionGate(FIELD, 0.3)
    circuit.append(gate, range(3))
    lower(circuit)
    circuit.data[0].operation.operator = 2 * FIELD
    assert_is_statevector(circuit)
