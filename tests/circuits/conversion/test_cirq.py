"""Cirq's circuits: the oracle is Cirq's own matrix and simulator, global phase included."""

import numpy as np
import pytest
import sympy
from circuits.conversion.packages import package
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import Operator, Statevector

from qiskit_qml_ext.circuits import from_cirq
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

cirq = package("cirq")
pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exponential
ATOL = 1e-10  # what is promised; rounding is some 1e-15
A, B = sympy.symbols("a b")
VALUES = {"a": 0.37, "b": -0.81}
Q = cirq.LineQubit.range(4)

PARAMETRISED = [
    *(gate**A for gate in (cirq.X, cirq.Y, cirq.Z, cirq.H, cirq.CX, cirq.CZ, cirq.CCX, cirq.CCZ)),
    *(gate ** (2 * A - B / 3) for gate in (cirq.XX, cirq.YY, cirq.ZZ, cirq.SWAP, cirq.ISWAP, cirq.SQRT_ISWAP, cirq.S)),
    *(kind(exponent=A, global_shift=0.3) for kind in (cirq.XPowGate, cirq.YPowGate, cirq.ZPowGate, cirq.HPowGate)),
    *(kind(exponent=A, global_shift=0.3) for kind in (cirq.CXPowGate, cirq.CZPowGate)),
    *(kind(exponent=A, global_shift=0.3) for kind in (cirq.CCXPowGate, cirq.CCZPowGate)),
    *(kind(exponent=A, global_shift=0.3) for kind in (cirq.XXPowGate, cirq.YYPowGate, cirq.ZZPowGate)),
    *(kind(exponent=A, global_shift=0.3) for kind in (cirq.SwapPowGate, cirq.ISwapPowGate)),
    *(cirq.rx(A), cirq.ry(sympy.sin(A) + B), cirq.rz(A**2 / B), cirq.cphase(A * B), cirq.givens(A), cirq.ms(A)),
    cirq.rx(sympy.acos(A) * sympy.sqrt(A) * sympy.exp(B) + sympy.Abs(B) * sympy.log(A) + sympy.atan(B)),
    *(cirq.FSimGate(A, B), cirq.PhasedFSimGate(A, B, A * B, 0.3, A + 1)),
    cirq.PhasedXPowGate(phase_exponent=A, exponent=B, global_shift=0.3),
    cirq.PhasedXZGate(x_exponent=A, z_exponent=B, axis_phase_exponent=A - B),
    cirq.PhasedISwapPowGate(phase_exponent=A, exponent=B),
    cirq.PauliInteractionGate(cirq.X, False, cirq.Y, True, exponent=A),
    cirq.PauliStringPhasorGate(cirq.DensePauliString("XY"), exponent_neg=A),
    cirq.ParallelGate(cirq.X**A, 3),
    cirq.ControlledGate(cirq.FSimGate(A, B), control_values=[0]),
    cirq.ControlledGate(cirq.X**A, num_controls=2, control_values=[1, 0]),
    cirq.ControlledGate(cirq.XPowGate(exponent=A, global_shift=0.3), num_controls=2),
]
NEWER = [getattr(cirq, name) for name in ("CYPowGate", "CCYPowGate") if hasattr(cirq, name)]
PARAMETRISED += [kind(exponent=exponent, global_shift=0.3) for kind in NEWER for exponent in (A, 1, 0.5)]
FIXED = [
    *(cirq.X, cirq.Y, cirq.Z, cirq.H, cirq.S, cirq.T, cirq.S**-1, cirq.T**-1, cirq.X**0.5, cirq.X**-0.5, cirq.Y**0.5),
    *(cirq.CX, cirq.CZ, cirq.SWAP, cirq.ISWAP, cirq.SQRT_ISWAP, cirq.ISWAP**-1, cirq.CCX, cirq.CCZ, cirq.CSWAP),
    *(cirq.X**3, cirq.Z**-7, cirq.X**0, cirq.CX**2, cirq.rx(0), cirq.rz(2 * np.pi), cirq.I, cirq.IdentityGate(3)),
    *(cirq.X ** sympy.Rational(1, 3), cirq.Z ** sympy.Integer(1), cirq.Y ** np.float64(0.25), cirq.rz(sympy.pi / 3)),
    *(cirq.MatrixGate(cirq.testing.random_unitary(2**n, random_state=n)) for n in (1, 2, 3)),
    *(cirq.DiagonalGate([0.1, 0.2, 0.3, 0.5]), cirq.TwoQubitDiagonalGate([0.1, 0.2, 0.3, 0.5])),
    *(cirq.ThreeQubitDiagonalGate(np.arange(8) * 0.3), cirq.QubitPermutationGate([2, 0, 1])),
    *(cirq.QuantumFourierTransformGate(3), cirq.PhaseGradientGate(num_qubits=3, exponent=0.3)),
    *(cirq.SingleQubitCliffordGate.X_sqrt, cirq.UniformSuperpositionGate(5, 3), cirq.MSGate(rads=0.3)),
    *(cirq.DensePauliString("XYZ", coefficient=1j), cirq.BooleanHamiltonianGate(["x", "y"], ["x & y"], 0.3)),
    cirq.ControlledGate(cirq.H, control_values=cirq.SumOfProducts([[0, 1], [1, 0]])),
    cirq.ControlledGate(cirq.GlobalPhaseGate(1j), num_controls=2),
    cirq.WaitGate(cirq.Duration(nanos=3)),
]


def bound(circuit):
    return circuit.assign_parameters({one: VALUES[one.name] for one in circuit.parameters})


@pytest.mark.parametrize("gate", PARAMETRISED + FIXED, ids=str)
def test_gate_has_the_matrix_of_cirq(gate):
    qubits = [Q[2], Q[0], Q[1]][: cirq.num_qubits(gate)]
    source = cirq.Circuit(gate.on(*qubits))
    circuit = from_cirq(source, qubit_order=Q[:3])
    expected = cirq.resolve_parameters(source, VALUES).unitary(qubit_order=Q[:3], qubits_that_should_be_present=Q[:3])
    np.testing.assert_allclose(Operator(bound(circuit).reverse_bits()).data, expected, rtol=0, atol=ATOL)


def _subcircuit(circuit, **settings):
    return cirq.CircuitOperation(circuit, use_repetition_ids=False, **settings)  # said, since versions differ


OPERATIONS = {
    "controlled_by": (cirq.X(Q[0]) ** A).controlled_by(Q[2], Q[1], control_values=[0, 1]),
    "global phase": cirq.global_phase_operation(1j),
    "controlled global phase": cirq.global_phase_operation(1j).controlled_by(Q[1]),
    "tagged": (cirq.X(Q[0]) ** A).with_tags("here", cirq.VirtualTag()),
    "Pauli string": cirq.X(Q[0]) * cirq.Y(Q[2]) * 1j,
    "Pauli string phasor": cirq.PauliStringPhasor(cirq.X(Q[0]) * cirq.Z(Q[2]), exponent_neg=A, exponent_pos=B),
    "subcircuit": _subcircuit(cirq.FrozenCircuit(cirq.H(Q[0]), cirq.CX(Q[0], Q[1]) ** A)),
    "repeated subcircuit": _subcircuit(
        cirq.FrozenCircuit(cirq.X(Q[0]) ** B, cirq.CX(Q[0], Q[1])), repetitions=3, param_resolver={"b": A / 2}
    ).with_qubit_mapping({Q[0]: Q[2]}),
    "inverse subcircuit": _subcircuit(cirq.FrozenCircuit(cirq.X(Q[0]) ** A, cirq.CX(Q[0], Q[1]))) ** -1,
    "exponential of a sum": list(cirq.PauliSumExponential(cirq.X(Q[0]) * cirq.X(Q[1]) + cirq.Z(Q[2]), exponent=0.4)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_has_the_state_of_cirq(name):
    source = cirq.Circuit([cirq.ry(0.3 + k)(qubit) for k, qubit in enumerate(Q[:3])], OPERATIONS[name])
    expected = cirq.resolve_parameters(source, VALUES).final_state_vector(dtype=np.complex128)
    actual = Statevector(bound(from_cirq(source)).reverse_bits()).data
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ATOL)


@pytest.mark.parametrize("seed", range(5))
def test_random_circuits_have_the_state_of_cirq(seed):
    source = cirq.testing.random_circuit(4, 20, 0.8, random_state=seed)
    expected = source.final_state_vector(dtype=np.complex128)
    np.testing.assert_allclose(Statevector(from_cirq(source).reverse_bits()).data, expected, rtol=0, atol=ATOL)


def test_data_circuit_and_ansatz_of_tensorflow_quantum_keep_their_symbols():
    qubits = cirq.GridQubit.rect(1, 3)
    x, w = sympy.symbols("x0:3"), sympy.symbols("w0:3")
    source = cirq.Circuit([cirq.rx(one)(qubit) for one, qubit in zip(x, qubits, strict=True)])
    source += [cirq.ZZ(*pair) ** one for one, pair in zip(w, [qubits[:2], qubits[1:], qubits[::2]], strict=True)]
    circuit = from_cirq(source)
    assert [one.name for one in circuit.parameters] == ["w0", "w1", "w2", "x0", "x1", "x2"]
    assert circuit.count_ops() == {"rx": 3, "rzz": 3}


def test_symbols_of_one_name_are_one_parameter():
    positive = sympy.Symbol("a", positive=True)
    assert from_cirq(cirq.Circuit(cirq.rx(A)(Q[0]), cirq.ry(positive)(Q[0]))).num_parameters == 1


def test_rotations_have_no_phase_and_the_angle_itself():
    circuit = from_cirq(cirq.Circuit(cirq.rx(A)(Q[0]), cirq.rz(B)(Q[0])))
    assert [one.operation.params[0] for one in circuit.data] == list(circuit.parameters)
    assert circuit.global_phase == 0


def test_exponents_of_low_precision_are_computed_in_double_precision():
    circuit = from_cirq(cirq.Circuit(cirq.YPowGate(exponent=np.float32(0.25), global_shift=-0.5)(Q[0])))
    assert circuit.data[0].operation.params == [np.pi / 4]


def test_symbols_become_the_parameters_that_are_given_in_their_order():
    names = [f"x{k}" for k in range(12)]
    source = cirq.Circuit(cirq.rx(sympy.Symbol(name))(Q[0]) for name in names)
    assert [one.name for one in from_cirq(source).parameters][:3] == ["x0", "x1", "x10"]
    vector = ParameterVector("x", 12)
    circuit = from_cirq(source, symbols=dict(zip(names, vector, strict=True)))
    assert list(circuit.parameters) == list(vector)


@pytest.mark.parametrize(
    "qubits",
    [
        [cirq.NamedQubit("b10"), cirq.NamedQubit("b9"), cirq.NamedQubit("a")],
        [cirq.GridQubit(1, 0), cirq.GridQubit(0, 1), cirq.LineQubit(-3)],
    ],
)
def test_qubits_of_any_kind_stand_in_the_order_of_cirq(qubits):
    source = cirq.Circuit(cirq.ry(0.3 + place)(qubit) for place, qubit in enumerate(qubits))
    expected = source.final_state_vector(dtype=np.complex128)
    np.testing.assert_allclose(Statevector(from_cirq(source).reverse_bits()).data, expected, rtol=0, atol=ATOL)
    expected = source.final_state_vector(dtype=np.complex128, qubit_order=qubits)
    circuit = from_cirq(source, qubit_order=qubits)
    np.testing.assert_allclose(Statevector(circuit.reverse_bits()).data, expected, rtol=0, atol=ATOL)


def _x_on(qubit, num_qubits):
    circuit = QuantumCircuit(num_qubits)
    circuit.x(qubit)
    return circuit


def test_empty_circuits_and_idle_qubits():
    assert from_cirq(cirq.Circuit()).num_qubits == 0
    assert from_cirq(cirq.FrozenCircuit(), qubit_order=Q).num_qubits == 4
    assert from_cirq(cirq.Circuit(cirq.X(Q[2])), qubit_order=Q) == _x_on(2, 4)
    with pytest.raises(ValueError, match=r"LineQubit\(2\)"):
        from_cirq(cirq.Circuit(cirq.X(Q[2])), qubit_order=Q[:2])


def test_measurements_at_the_end_become_registers_of_their_keys():
    source = cirq.Circuit(cirq.X(Q[0]), cirq.measure(Q[1], Q[0], key="m"), cirq.measure(Q[2]))
    circuit = from_cirq(source)
    assert [(register.name, register.size) for register in circuit.cregs] == [("q(2)", 1), ("m", 2)]
    measured = [(circuit.find_bit(one.qubits[0]).index, circuit.find_bit(one.clbits[0]).index) for one in circuit[1:]]
    assert measured == [(2, 0), (1, 1), (0, 2)]


REFUSED = {
    "channel": (cirq.depolarize(0.1)(Q[0]), "depolarize.*Aer NoiseModel"),
    "random gate": (cirq.X(Q[0]).with_probability(0.5), "Aer NoiseModel"),
    "reset": (cirq.reset(Q[0]), "reset.*neither gates"),
    "qudit": (cirq.IdentityGate(1, (3,)).on(cirq.LineQid(0, 3)), "qudit"),
    "measurement amid": ([cirq.measure(Q[0], key="m"), cirq.X(Q[0])], "defer_measurements"),
    "condition": (
        [cirq.measure(Q[0], key="m"), cirq.X(Q[1]).with_classical_controls("m")],
        "depends on a measurement.*defer_measurements|defer_measurements",
    ),
    "Pauli measurement": (cirq.measure_single_paulistring(cirq.X(Q[0]) * cirq.X(Q[1])), "measures"),
    "flipped": (cirq.measure(Q[0], invert_mask=(True,)), "flips or confuses"),
    "key twice": ([cirq.measure(Q[0], key="m"), cirq.measure(Q[1], key="m")], "'m' is measured twice"),
    "function": (cirq.rx(sympy.Heaviside(A))(Q[0]), "Heaviside is no function"),
    "complex": (cirq.X(Q[0]) ** (sympy.I * A), "angles must be real"),
    "infinite": (cirq.rx(float("inf"))(Q[0]), "must be finite"),
    "not finite": (cirq.rx(float("nan"))(Q[0]), "must be finite"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_counterpart_is_refused_by_name(name):
    operations, message = REFUSED[name]
    with pytest.raises(UnsupportedCircuitError, match=message):
        from_cirq(cirq.Circuit(operations))


class WrongDecomposition(cirq.Gate):
    """A gate whose decomposition is not its matrix."""

    def __init__(self, exponent):
        self.exponent = exponent

    def _num_qubits_(self):
        return 1

    def _unitary_(self):
        return None if cirq.is_parameterized(self.exponent) else cirq.unitary(cirq.X**self.exponent)

    def _decompose_(self, qubits):
        return [cirq.XPowGate(exponent=self.exponent, global_shift=-0.5)(*qubits)]

    def _parameter_names_(self):
        return cirq.parameter_names(self.exponent)

    def _is_parameterized_(self):
        return cirq.is_parameterized(self.exponent)

    def _resolve_parameters_(self, resolver, recursive):
        return WrongDecomposition(resolver.value_of(self.exponent, recursive))


def test_a_decomposition_that_is_not_the_matrix_is_not_believed():
    circuit = from_cirq(cirq.Circuit(WrongDecomposition(0.3)(Q[0])))
    np.testing.assert_allclose(Operator(circuit).data, cirq.unitary(cirq.X**0.3), rtol=0, atol=ATOL)
    with pytest.raises(UnsupportedCircuitError, match="not what its matrix says"):
        from_cirq(cirq.Circuit(WrongDecomposition(A)(Q[0])))


def test_arguments_that_cannot_be_meant_are_refused():
    source = cirq.Circuit(cirq.rx(A)(Q[0]), cirq.ry(B)(Q[0]))
    with pytest.raises(TypeError, match="source must be a Cirq circuit"):
        from_cirq("circuit")
    with pytest.raises(ValueError, match=r"symbols names 'c', but the symbols of the circuit are \['a', 'b'\]"):
        from_cirq(source, symbols={"c": Parameter("c")})
    with pytest.raises(TypeError, match=r"symbols\['a'\] must be a Parameter"):
        from_cirq(source, symbols={"a": 0.3})
    one = Parameter("one")
    with pytest.raises(ValueError, match="'a' and 'b' would both become the parameter 'one'"):
        from_cirq(source, symbols={"a": one, "b": one})
    with pytest.raises(ValueError, match="'a' and 'b' would both become the parameter 'b'"):
        from_cirq(source, symbols={"a": Parameter("b")})
