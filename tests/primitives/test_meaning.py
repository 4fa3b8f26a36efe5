"""Exact primitives and gradients agree with Qiskit's reference on every operation that has a matrix."""

import keyword

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.circuit.library.standard_gates import get_standard_gate_name_mapping
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector, random_pauli_list

from qiskit_qml_ext.engine import expectation_jacobian, expectations, probabilities
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning, UnsupportedCircuitError
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.primitives import ExactEstimator, ExactSampler, connect
from tests.program.exotic import evolutions, fixed_operations
from tests.program.test_names import HOSTILE

pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exponential

ATOL = 1e-10
NUM_QUBITS = 5
STANDARD = [
    gate
    for name, gate in sorted(get_standard_gate_name_mapping().items())
    if gate.num_clbits == 0 and name not in ("delay", "reset")
]
FIXED = [operation for _, operation in sorted(fixed_operations().items()) if operation.num_qubits <= NUM_QUBITS]


@st.composite
def random_circuits(draw):
    """Circuits of all gates that have a matrix, with shared, scaled and summed parameters where gates take them."""
    x = ParameterVector("x", 3)
    circuit = QuantumCircuit(NUM_QUBITS)
    for qubit in range(NUM_QUBITS):
        circuit.ry(0.4 + 0.3 * qubit, qubit)
    for _ in range(draw(st.integers(2, 7))):
        angle = draw(st.sampled_from([x[0], 0.5 * x[1], -x[2], x[0] + 2 * x[1], x[1] * x[2], 0.3]))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            gate = draw(st.sampled_from(STANDARD))
            operation = gate.base_class(*[angle] * len(gate.params)) if gate.params else gate
        elif kind == 1:
            labels = [label for label, gate in sorted(evolutions(1.0).items()) if gate.num_qubits <= NUM_QUBITS]
            operation = evolutions(angle)[draw(st.sampled_from(labels))]
        else:
            operation = draw(st.sampled_from(FIXED))
        qubits = draw(st.permutations(range(NUM_QUBITS)))[: operation.num_qubits]
        circuit.append(operation, qubits)
    return circuit


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(random_circuits(), st.integers(0, 2**31))
def test_random_circuits_of_all_gates_agree_with_the_reference(circuit, seed):
    rng = np.random.default_rng(seed)
    observable = SparsePauliOp(random_pauli_list(NUM_QUBITS, 4, seed=seed, phase=False), rng.normal(size=4))
    values = rng.uniform(-2, 2, circuit.num_parameters)
    pub = (circuit, observable, values)
    found = ExactEstimator().run([pub]).result()[0].data.evs
    np.testing.assert_allclose(found, StatevectorEstimator().run([pub]).result()[0].data.evs, rtol=0, atol=ATOL)
    expected = Statevector(circuit.assign_parameters(values)).probabilities([3, 0])
    np.testing.assert_allclose(probabilities(circuit, [values], qubits=[3, 0])[0], expected, rtol=0, atol=ATOL)
    step = 1e-5
    shifted = np.concatenate([values + step * np.eye(len(values)), values - step * np.eye(len(values))])
    ends = expectations(circuit, shifted, observable)[:, 0] if len(values) else np.zeros(0)
    differences = (ends[: len(values)] - ends[len(values) :]) / (2 * step)
    _, jacobian = expectation_jacobian(circuit, [values], observable)
    # the error of a central difference: third derivatives (angles up to 4 x, ‖H‖ of some 3) times step²
    np.testing.assert_allclose(jacobian[0, 0], differences, rtol=0, atol=1e-6)


def test_evolution_of_the_reference_is_the_exact_one():
    """0.5244: <O> after exp(-0.8 i H) from scipy; one Trotter step gives 0.8246."""
    circuit = QuantumCircuit(3)
    circuit.ry(0.3, 0)
    circuit.ry(0.9, 1)
    circuit.ry(1.3, 2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["ZZI", "XII", "IXI", "IYZ"], [1, 0.5, 0.7, 0.3]), 0.8), range(3))
    observable = SparsePauliOp(["ZII", "IZI", "XXY"], [1, 0.5, -0.3])
    found = ExactEstimator().run([(circuit, observable)]).result()[0].data.evs
    np.testing.assert_allclose(found, 0.5243963398319835, rtol=0, atol=1e-12)


REGISTERS = st.lists(
    st.sampled_from(["meas", "c", "c0", "q", "two words", "θ", "data", "measure", "kernel", *keyword.kwlist[:8]]),
    min_size=1,
    max_size=4,
    unique=True,
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(REGISTERS, st.sampled_from([name for name in HOSTILE if name != "store"]), st.integers(0, 2**31))
def test_hostile_register_and_gate_names_read_the_right_bits(names, gate_name, seed):
    """``store`` is left out: QuantumCircuit.append itself mistakes an instruction of that name for its own."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, len(names)).tolist()
    registers = [ClassicalRegister(size, name) for size, name in zip(sizes, names, strict=True)]
    circuit = QuantumCircuit(QuantumRegister(4, names[0] + " qubits"), *registers)
    ones = rng.integers(0, 2, 4)
    for qubit in np.flatnonzero(ones).tolist():
        flip = QuantumCircuit(1, name=gate_name)
        flip.x(0)
        circuit.append(flip.to_gate(), [qubit])
    read = QuantumCircuit(1, 1, name=gate_name)
    read.measure(0, 0)
    expected = [[0] * size for size in sizes]
    for _ in range(5):
        place, qubit = int(rng.integers(len(sizes))), int(rng.integers(4))
        bit = int(rng.integers(sizes[place]))
        if rng.integers(2):
            circuit.measure(qubit, registers[place][bit])
        else:  # a measurement inside of an instruction
            circuit.append(read.to_instruction(), [qubit], [registers[place][bit]])
        expected[place][bit] = int(ones[qubit])
    data = ExactSampler().run([circuit], shots=3).result()[0].data
    for name, bits in zip(names, expected, strict=True):
        assert data[name].get_counts() == {"".join(map(str, reversed(bits))): 3}


@pytest.mark.parametrize("name", ["shape", "keys", "size", "__class__"])
def test_register_names_that_results_cannot_hold_are_named(name):
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, name))
    circuit.measure(0, 0)
    with pytest.raises(UnsupportedCircuitError, match=f"classical register is called '{name}'"):
        ExactSampler().run([circuit]).result()


def test_a_gate_called_measure_is_estimated_and_a_hidden_measurement_is_refused():
    gate, hidden = QuantumCircuit(1, name="measure"), QuantumCircuit(1, 1, name="rx")
    gate.ry(0.3, 0)
    hidden.measure(0, 0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(gate.to_gate(), [0])
    found = ExactEstimator().run([(circuit, SparsePauliOp("Z"))]).result()[0].data.evs
    np.testing.assert_allclose(found, np.cos(0.3), rtol=0, atol=1e-12)
    circuit.append(hidden.to_instruction(), [0], [0])
    with pytest.raises(UnsupportedCircuitError, match="has measurements"):
        ExactEstimator().run([(circuit, SparsePauliOp("Z"))]).result()


def test_a_value_stored_in_a_classical_bit_is_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.store(circuit.clbits[0], True)
    with pytest.raises(UnsupportedCircuitError, match="'store'"):
        ExactSampler().run([circuit]).result()


def evolved(*labels, time=0.5):
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(labels), time=time), [0, 1])
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("target", ["aer", "fake_manila"])
@pytest.mark.parametrize("time", [0.5, Parameter("t")])
def test_transpiling_an_evolution_that_is_approximated_warns_once(target, time):
    connection = connect(target)
    with pytest.warns(ApproximateCircuitWarning, match=f"{target} runs 'PauliEvolution' as a product formula"):
        connection.isa_circuit(evolved("ZZ", "XI", time=time))
    connection.isa_circuit(evolved("ZZ", "XI", time=time))
    connection.isa_circuit(evolved("ZZ", "ZI", time=time))  # these commute
    connect().isa_circuit(evolved("ZZ", "XI", time=time))


def test_a_kernel_of_an_approximated_evolution_warns_once():
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["ZZ", "XI"]), time=Parameter("t")), [0, 1])
    connection = connect("aer", seed=1, shots=100)
    kernel = FidelityKernel(circuit, connection=connection)
    with pytest.warns(ApproximateCircuitWarning) as caught:
        kernel.evaluate([[0.4], [1.0]])
    connection.isa_circuit(kernel.circuit(1))
    connection.plan([(kernel.circuit(1), [[0.1, 0.2]])])
    assert len(caught) == 1
