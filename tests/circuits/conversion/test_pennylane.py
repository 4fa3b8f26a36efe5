"""PennyLane's circuits: the oracle is PennyLane's own simulator, global phase included."""

import copy
import re

import numpy as np
import pytest
from circuits.conversion.packages import package
from qiskit.circuit import ParameterVectorElement
from qiskit.quantum_info import Statevector

from qiskit_qml_ext.circuits import from_pennylane
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

qml = package("pennylane")
pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exponential
ATOL = 1e-10  # what is promised; rounding is some 1e-15


def pennylane_state(operations, wire_order=None):
    wires = wire_order or range(len(qml.tape.QuantumScript(operations).wires))
    tape = qml.tape.QuantumScript(operations, [qml.state()])
    return qml.execute([tape], qml.device("default.qubit", wires=list(wires)))[0]


def bound(circuit, arguments):
    """Bind each parameter to the entry of the argument that it is named after."""
    values = {}
    for parameter in circuit.parameters:
        if isinstance(parameter, ParameterVectorElement):
            values[parameter] = np.ravel(arguments[parameter.vector.name])[parameter.index]
        else:
            values[parameter] = arguments[parameter.name]
    return circuit.assign_parameters(values)


def state(circuit):
    return Statevector(circuit.reverse_bits()).data


def assert_states_agree(function, arguments, **values):
    shapes = {name: np.shape(value) for name, value in arguments.items()}
    circuit = from_pennylane(function, shapes=shapes, values=values)
    operations = qml.tape.make_qscript(function)(**arguments, **values).operations
    np.testing.assert_allclose(state(bound(circuit, arguments)), pennylane_state(operations), rtol=0, atol=ATOL)
    return circuit


def entangled():
    for wire in range(4):
        qml.RY(0.3 + 0.4 * wire, wire)
    for wire in range(4):
        qml.CNOT([wire, (wire + 1) % 4])
        qml.PhaseShift(0.7 * wire, wire)


GATES = {
    "RX": lambda x, y: qml.RX(x, 1),
    "RY": lambda x, y: qml.RY(x, 1),
    "RZ": lambda x, y: qml.RZ(x, 1),
    "PhaseShift": lambda x, y: qml.PhaseShift(x, 1),
    "U1": lambda x, y: qml.U1(x, 1),
    "U2": lambda x, y: qml.U2(x, y, 1),
    "U3": lambda x, y: qml.U3(x, y, x * y, 1),
    "Rot": lambda x, y: qml.Rot(x, y, x - y, 1),
    "CRX": lambda x, y: qml.CRX(x, [2, 0]),
    "CRY": lambda x, y: qml.CRY(x, [2, 0]),
    "CRZ": lambda x, y: qml.CRZ(x, [2, 0]),
    "CRot": lambda x, y: qml.CRot(x, y, x + y, [2, 0]),
    "ControlledPhaseShift": lambda x, y: qml.ControlledPhaseShift(x, [3, 1]),
    "CPhaseShift00": lambda x, y: qml.CPhaseShift00(x, [3, 1]),
    "CPhaseShift01": lambda x, y: qml.CPhaseShift01(x, [3, 1]),
    "CPhaseShift10": lambda x, y: qml.CPhaseShift10(x, [3, 1]),
    "IsingXX": lambda x, y: qml.IsingXX(x, [3, 1]),
    "IsingYY": lambda x, y: qml.IsingYY(x, [3, 1]),
    "IsingZZ": lambda x, y: qml.IsingZZ(x, [3, 1]),
    "IsingXY": lambda x, y: qml.IsingXY(x, [3, 1]),
    "PSWAP": lambda x, y: qml.PSWAP(x, [3, 1]),
    "PCPhase": lambda x, y: qml.PCPhase(x, dim=3, wires=[2, 0, 1]),
    "MultiRZ": lambda x, y: (qml.MultiRZ(x, [1]), qml.MultiRZ(y, [3, 0, 2])),
    "PauliRot": lambda x, y: (qml.PauliRot(x, "XIYZ", [3, 0, 1, 2]), qml.PauliRot(y, "II", [0, 1])),
    "SingleExcitation": lambda x, y: qml.SingleExcitation(x, [3, 1]),
    "SingleExcitationPlus": lambda x, y: qml.SingleExcitationPlus(x, [3, 1]),
    "SingleExcitationMinus": lambda x, y: qml.SingleExcitationMinus(x, [3, 1]),
    "DoubleExcitation": lambda x, y: qml.DoubleExcitation(x, [3, 1, 0, 2]),
    "OrbitalRotation": lambda x, y: qml.OrbitalRotation(x, [3, 1, 0, 2]),
    "FermionicSWAP": lambda x, y: qml.FermionicSWAP(x, [3, 1]),
    "GlobalPhase": lambda x, y: qml.GlobalPhase(x),
    "controlled phase": lambda x, y: qml.ctrl(qml.GlobalPhase, [1, 2], control_values=[0, 1])(x),
    "controlled rotation": lambda x, y: qml.ctrl(qml.Rot, [3, 0], control_values=[1, 0])(x, y, x * y, wires=1),
    "controlled Pauli rotation": lambda x, y: qml.ctrl(qml.PauliRot, 2)(x, "XY", wires=[3, 0]),
    "controlled evolution": lambda x, y: qml.ctrl(qml.evolve(qml.X(0) @ qml.Y(1), x), 2),
    "adjoint": lambda x, y: qml.adjoint(qml.CRot)(x, y, 2 * x, wires=[2, 0]),
    "adjoint of a template": lambda x, y: qml.adjoint(lambda: (qml.RX(x, 0), qml.ctrl(qml.RY, 1)(y, 2)))(),
    "powers": lambda x, y: (qml.pow(qml.RX(x, 0), 3), qml.pow(qml.Rot(x, y, x, 1), -2), qml.pow(qml.RZ(y, 2), 0.5)),
    "controlled sum": lambda x, y: qml.ctrl(qml.evolve(qml.X(0) - 0.4 * qml.Z(0), x), [3, 1], control_values=[1, 0]),
    "exp": lambda x, y: qml.exp(qml.X(0) @ qml.Y(1) + qml.Z(0), -1j * x),
    "evolution": lambda x, y: qml.evolve(qml.X(0) @ qml.Z(3) + 0.5 * qml.Y(2) - 0.3 * qml.Z(0), x),
    "expressions": lambda x, y: (qml.RX(np.pi * x - y / 2, 0), qml.RY((np.pi - x) * (1 - y) ** 2, 1), qml.RZ(-x, 2)),
    "functions": lambda x, y: (qml.RX(np.arccos(np.sin(x)), 0), qml.RY(np.exp(y) + np.sqrt(abs(x)), 1)),
    "more functions": lambda x, y: (qml.RX(np.arctan(y) * np.tanh(x) + np.log(x), 0), qml.RY(np.tan(x) / np.cos(y), 1)),
    "sums of arrays": lambda x, y: (qml.RX(np.sum([x, y]) + np.mean(np.array([x, 3 * y])), 0), qml.RY(x**2 / y, 1)),
}
"""Gates with angles that are parameters."""

FIXED = {
    "Paulis": lambda: (qml.X(0), qml.Y(1), qml.Z(2), qml.Identity([0, 1])),
    "Cliffords": lambda: (qml.Hadamard(0), qml.S(1), qml.T(2), qml.SX(3), qml.adjoint(qml.S(0)), qml.adjoint(qml.T(1))),
    "controlled": lambda: (qml.CNOT([2, 0]), qml.CZ([1, 3]), qml.CY([0, 3]), qml.CH([3, 1]), qml.Toffoli([3, 0, 2])),
    "CCZ": lambda: (qml.CCZ([3, 1, 0]), qml.CSWAP([2, 3, 0])),
    "swaps": lambda: (qml.SWAP([3, 1]), qml.ISWAP([0, 2]), qml.SISWAP([1, 3]), qml.ECR([2, 0])),
    "MultiControlledX": lambda: qml.MultiControlledX([3, 0, 2, 1], control_values=[1, 0, 0]),
    "QubitUnitary": lambda: qml.QubitUnitary(qml.matrix(qml.CRX(0.3, [0, 1])) @ np.diag([1, 1j, -1, 1]), [3, 1]),
    "ControlledQubitUnitary": lambda: qml.ControlledQubitUnitary(np.diag([1j, -1]), [2, 0], control_values=[0]),
    "DiagonalQubitUnitary": lambda: qml.DiagonalQubitUnitary(np.exp(1j * np.arange(4)), [3, 1]),
    "powers": lambda: (qml.pow(qml.X(0), 0.5), qml.pow(qml.Hadamard(1), 0.3), qml.pow(qml.T(2), -2), qml.S(0) ** 0.3),
    "power of a controlled gate": lambda: (qml.pow(qml.CNOT([0, 1]), 2), qml.pow(qml.CNOT([2, 1]), 0.5)),
    "power of a template": lambda: qml.pow(qml.QFT([0, 2, 1]), -3),
    "product": lambda: qml.prod(qml.X(0), qml.S(0), qml.CNOT([0, 3])),
    "scaled": lambda: qml.s_prod(1j, qml.Y(2)),
    "sum": lambda: qml.sum(qml.s_prod(0.6, qml.X(2)), qml.s_prod(0.8, qml.Z(2))),
    "exp": lambda: qml.exp(qml.X(0) + qml.Z(0) @ qml.Y(2), 0.3j),
    "controlled exp": lambda: qml.ctrl(qml.exp(qml.X(0) + qml.Z(0) @ qml.Y(2), -0.7j), [3, 1], control_values=[0, 1]),
    "exp of a projector": lambda: qml.exp(qml.Projector([1, 0], [3, 0]), -0.7j),
    "Barrier and Snapshot": lambda: (qml.Barrier([0, 2]), qml.Snapshot("here"), qml.X(1)),
    "QFT": lambda: qml.adjoint(qml.QFT)([3, 0, 2]),
    "numeric types": lambda: (qml.RX(np.float64(0.5), 0), qml.RY(3, 1), qml.RZ(np.array(0.25), 2), qml.RX(True, 3)),
    "whole turns": lambda: (qml.RX(2 * np.pi, 0), qml.PhaseShift(-4 * np.pi, 1), qml.CRZ(2 * np.pi, [0, 2])),
    "BasisState later": lambda: qml.BasisState([1, 0, 1], [3, 0, 2]),
    "StatePrep later": lambda: qml.StatePrep(np.array([0.5, 0.5j, -0.5, 0.5]), [3, 1]),
    "ApproxTimeEvolution": lambda: qml.ApproxTimeEvolution(qml.X(0) + qml.Z(0) @ qml.Y(2), 0.7, 2),
    "TrotterProduct": lambda: qml.TrotterProduct(qml.sum(qml.X(0), qml.Z(0) @ qml.Y(2)), 0.7, n=2, order=4),
    "Permute": lambda: qml.Permute([2, 0, 3, 1], range(4)),
    "GroverOperator": lambda: qml.GroverOperator([1, 0, 2]),
    "QuantumPhaseEstimation": lambda: qml.QuantumPhaseEstimation(qml.RX(0.3, 0), estimation_wires=[2, 1]),
}
"""What has no parameters."""

TEMPLATES = {
    "StronglyEntanglingLayers": ((2, 3, 3), lambda w: qml.StronglyEntanglingLayers(w, range(3), imprimitive=qml.CZ)),
    "BasicEntanglerLayers": ((2, 4), lambda w: qml.BasicEntanglerLayers(w, range(4), rotation=qml.RZ)),
    "AngleEmbedding": ((4,), lambda w: qml.AngleEmbedding(w, range(4), rotation="Y")),
    "IQPEmbedding": ((3,), lambda w: qml.IQPEmbedding(w, range(3), n_repeats=2, pattern=[[2, 0], [0, 1]])),
    "QAOAEmbedding": ((2, 6), lambda w: qml.QAOAEmbedding([0.1, 0.2, 0.3], w, range(3))),
    "DisplacedQAOA": ((2, 3), lambda w: qml.QAOAEmbedding([0.4, 0.1], w, range(2))),
    "RandomLayers": ((2, 5), lambda w: qml.RandomLayers(w, range(3), seed=7)),
    "SimplifiedTwoDesign": ((2, 3, 2), lambda w: qml.SimplifiedTwoDesign([0.1, 0.2, 0.3, 0.4], w, range(4))),
    "TwoLocalSwapNetwork": (
        (6,),
        lambda w: qml.TwoLocalSwapNetwork(
            range(4), lambda index, wires, param: qml.CRX(param, wires), w, fermionic=False
        ),
    ),
    "ParticleConservingU1": ((2, 3, 2), lambda w: qml.ParticleConservingU1(w, range(4), init_state=[1, 1, 0, 0])),
    "ParticleConservingU2": ((2, 7), lambda w: qml.ParticleConservingU2(w, range(4), init_state=[1, 1, 0, 0])),
    "GateFabric": ((2, 1, 2), lambda w: qml.GateFabric(w, range(4), init_state=[1, 1, 0, 0])),
    "MPS": ((3, 2), lambda w: qml.MPS(range(4), 2, _block, 2, w)),
    "TTN": ((3, 2), lambda w: qml.TTN(range(4), 2, _block, 2, w)),
    "layer": ((3, 2), lambda w: qml.layer(lambda w: (qml.RX(w[0], 0), qml.CRY(w[1], [0, 1])), 3, w)),
}
"""Templates with the shape of their weights."""


def _block(weights, wires):
    qml.RY(weights[0], wires[0])
    qml.RY(weights[1], wires[1])
    qml.CNOT(wires)


@pytest.mark.parametrize("name", GATES)
def test_gate_with_parameters_has_the_state_of_pennylane(name):
    def function(x, y):
        entangled()
        GATES[name](x, y)

    assert_states_agree(function, {"x": 0.731, "y": -1.234})


@pytest.mark.parametrize("name", FIXED)
def test_fixed_operation_has_the_state_of_pennylane(name):
    def function():
        entangled()
        FIXED[name]()

    assert_states_agree(function, {})


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_has_the_state_of_pennylane_and_parameters_in_row_major_order(name):
    shape, template = TEMPLATES[name]
    weights = np.random.default_rng(1).uniform(-2, 2, shape)
    circuit = assert_states_agree(lambda w: template(w), {"w": weights})
    assert [parameter.name for parameter in circuit.parameters] == [f"w[{k}]" for k in range(weights.size)]


def _random_operation(rng, x):
    """Draw an operation with its wires, angle, and whether it is inverted, controlled or raised to a power."""
    one = [qml.RX, qml.RY, qml.RZ, qml.PhaseShift]
    two = [qml.CRX, qml.CRY, qml.CRZ, qml.ControlledPhaseShift, qml.IsingXX, qml.IsingXY, qml.SingleExcitation]
    wires = rng.permutation(4).tolist()
    kind = rng.choice(len(one) + len(two))
    angle = rng.normal() * x[rng.integers(3)] + x[rng.integers(3)] * x[rng.integers(3)]
    operation = one[kind](angle, wires[0]) if kind < len(one) else two[kind - len(one)](angle, wires[:2])
    if rng.random() < 0.3:
        operation = qml.adjoint(operation)
    if rng.random() < 0.3:
        operation = qml.pow(operation, int(rng.integers(-2, 3)))
    if rng.random() < 0.4:
        qml.ctrl(operation, wires[2:], control_values=rng.integers(0, 2, 2).tolist())


@pytest.mark.parametrize("seed", range(10))
def test_random_circuits_have_the_state_of_pennylane(seed):
    def function(x):
        entangled()
        rng = np.random.default_rng(seed)
        for _ in range(15):
            _random_operation(rng, x)

    assert_states_agree(function, {"x": np.random.default_rng(seed).normal(size=3)})


def test_engine_runs_a_converted_circuit_for_many_samples():
    from qiskit_qml_ext.engine import statevectors

    def function(x):
        qml.IQPEmbedding(x, range(3))
        qml.ctrl(qml.PauliRot, 2)(x[0], "XY", wires=[0, 1])
        qml.ctrl(qml.GlobalPhase, [0, 1])(x[1] * x[2])

    circuit = from_pennylane(function, shapes={"x": (3,)})
    samples = np.random.default_rng(3).normal(size=(4, 3))
    for sample, amplitudes in zip(samples, statevectors(circuit, samples), strict=True):
        # the engine reproduces Qiskit's states to 1e-12
        expected = Statevector(circuit.assign_parameters(sample)).data
        np.testing.assert_allclose(amplitudes, expected, rtol=0, atol=1e-12)


def test_no_parameter_is_lost_where_an_angle_is_written_as_a_number():
    circuit = from_pennylane(lambda x: qml.RX(x, 0), values={"x": 0.5})
    assert circuit.num_parameters == 0
    assert circuit.data[0].params == [0.5]


def test_angles_of_low_precision_are_computed_in_double_precision():
    circuit = from_pennylane(lambda: (qml.RX(np.float32(0.1), 0), qml.RX(np.float16(0.5), 0)))
    assert [one.operation.params for one in circuit.data] == [[float(np.float32(0.1))], [0.5]]


def test_known_gates_stay_known():
    def function(x):
        qml.CNOT([0, 1])
        qml.CRX(x, [1, 0])
        qml.Toffoli([0, 1, 2])
        qml.adjoint(qml.S)(0)

    assert [one.operation.name for one in from_pennylane(function, shapes={"x": ()}).data] == [
        *("cx", "crx", "ccx", "sdg")
    ]


def test_first_state_preparation_sets_the_amplitudes_of_its_wires():
    amplitudes = np.array([1, 2j, 3, -4, 5, 6, 7j, 8]) / np.sqrt(204)

    def function(x):
        qml.AmplitudeEmbedding(amplitudes, [2, 0, 1])
        qml.RX(x, 2)

    assert_states_agree(function, {"x": 0.4})


def test_wires_of_any_kind_stand_in_the_order_of_first_use_and_idle_ones_stay():
    operations = [qml.RX(0.3, [("a", 1)]), qml.CNOT([("a", 1), "z"]), qml.RY(0.8, 7)]
    tape = qml.tape.QuantumScript(operations, [qml.expval(qml.Z("idle"))])
    circuit = from_pennylane(tape)
    order = [("a", 1), "z", 7, "idle"]
    assert circuit.num_qubits == 4
    np.testing.assert_allclose(state(circuit), pennylane_state(operations, order), rtol=0, atol=ATOL)


@pytest.mark.parametrize("wires", [[2, 0, 1], [3, 1], [1, 0], ["b", "a"], [5], [0, 2]])
def test_default_order_is_that_of_a_device_without_wires(wires):
    operations = [qml.RX(0.3 + place, wire) for place, wire in enumerate(wires)]
    tape = qml.tape.QuantumScript(operations, [qml.state()])
    expected = qml.execute([tape], qml.device("default.qubit"))[0]
    np.testing.assert_allclose(state(from_pennylane(tape)), expected, rtol=0, atol=ATOL)


def test_qnode_has_the_wires_of_its_device_and_its_keyword_defaults():
    @qml.qnode(qml.device("default.qubit", wires=["c", "a", "b"]))
    def qnode(weights, inputs, scale=0.5):
        qml.AngleEmbedding(inputs * scale, wires=["a", "b"])
        qml.StronglyEntanglingLayers(weights, wires=["a", "b"])
        return qml.state()

    rng = np.random.default_rng(2)
    arguments = {"weights": rng.normal(size=(2, 2, 3)), "inputs": rng.normal(size=2)}
    circuit = from_pennylane(qnode, shapes={"weights": (2, 2, 3), "inputs": (2,)})
    assert [parameter.name for parameter in circuit.parameters] == [
        *("inputs[0]", "inputs[1]"),
        *(f"weights[{k}]" for k in range(12)),
    ]
    np.testing.assert_allclose(state(bound(circuit, arguments)), qnode(**arguments), rtol=0, atol=ATOL)


def test_transforms_of_a_qnode_are_part_of_its_circuit():
    @qml.transforms.cancel_inverses
    @qml.qnode(qml.device("default.qubit", wires=1))
    def qnode(x):
        qml.Hadamard(0)
        qml.Hadamard(0)
        qml.RX(x, 0)
        return qml.state()

    assert [one.operation.name for one in from_pennylane(qnode, shapes={"x": ()}).data] == ["rx"]


def test_expectation_values_of_a_qnode_are_those_of_the_circuit():
    from qiskit.quantum_info import SparsePauliOp

    @qml.qnode(qml.device("default.qubit", wires=3))
    def qnode(x):
        qml.IQPEmbedding(x, wires=range(3))
        qml.BasicEntanglerLayers([[0.1, 0.2, 0.3]], wires=range(3))
        return qml.expval(qml.Z(0) @ qml.X(2))

    x = np.array([0.3, -0.7, 1.1])
    circuit = bound(from_pennylane(qnode, shapes={"x": (3,)}), {"x": x})
    # wire 0 is qubit 0, which Qiskit writes last
    value = Statevector(circuit).expectation_value(SparsePauliOp("XIZ")).real
    np.testing.assert_allclose(value, qnode(x), rtol=0, atol=ATOL)


def test_measurements_that_pennylane_defers_are_converted():
    @qml.defer_measurements
    @qml.qnode(qml.device("default.qubit"))
    def qnode(x):
        qml.RX(x, 0)
        qml.cond(qml.measure(0), qml.X)(1)
        return qml.expval(qml.Z(1))

    from qiskit.quantum_info import SparsePauliOp

    circuit = from_pennylane(qnode, shapes={"x": ()}).assign_parameters([0.7])
    places = [circuit.num_qubits - 1 - k for k in range(circuit.num_qubits)]
    values = [
        Statevector(circuit).expectation_value(SparsePauliOp("I" * k + "Z" + "I" * (len(places) - k - 1)))
        for k in places
    ]
    assert np.real(values).tolist() == pytest.approx([np.cos(0.7)] * len(values), abs=ATOL)
    assert float(qnode(0.7)) == pytest.approx(np.cos(0.7), abs=ATOL)


def test_empty_circuits_have_the_wires_that_they_are_given():
    assert from_pennylane(qml.tape.QuantumScript([])).num_qubits == 0
    circuit = from_pennylane(qml.tape.QuantumScript([]), wire_order=["a", "b"])
    assert (circuit.num_qubits, circuit.size()) == (2, 0)


def test_a_tape_is_not_changed():
    tape = qml.tape.QuantumScript([qml.StatePrep([0.6, 0.8], 0), qml.RX(0.3, 0)], [qml.state()])
    before = copy.copy(list(tape.operations))
    from_pennylane(tape)
    assert list(tape.operations) == before


def _measured():
    measured = qml.measure(0)
    qml.cond(measured, qml.X)(1)


REFUSED = {
    "channel": (lambda: qml.DepolarizingChannel(0.1, 0), "DepolarizingChannel.*noise to the target"),
    "measurement amid the circuit": (_measured, "MidMeasure.*defer_measurements"),
    "not unitary": (lambda: qml.Projector([1], [0]), "Projector.*not unitary"),
    "batch": (lambda: qml.RX(np.array([0.1, 0.2]), 0), "RX has 2 angles for one gate"),
    "not a number": (lambda: qml.RX(np.nan, 0), "RX has the angle nan; angles must be finite"),
    "complex angle": (lambda: qml.RX(0.1j, 0), "angles must be real"),
    "imaginary time": (lambda: qml.exp(qml.X(0), 0.3), "angles must be real"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_gate_is_refused_by_name(name):
    function, message = REFUSED[name]
    with pytest.raises(UnsupportedCircuitError, match=message):
        from_pennylane(function)


def test_a_scaled_gate_is_refused():
    with pytest.raises(UnsupportedCircuitError, match="not unitary"):
        from_pennylane(qml.tape.QuantumScript([qml.s_prod(2.0, qml.X(0))]))


LOOKS = {
    "branch": lambda x: qml.RX(x, 0) if x > 0 else qml.RY(x, 0),
    "equality": lambda x: qml.RX(x, 0) if x == 0 else qml.RY(x, 0),
    "truth": lambda x: qml.RX(x, 0) if x else qml.RY(x, 0),
    "float": lambda x: qml.RX(float(x), 0),
    "range": lambda x: [qml.RX(0.1, 0) for _ in range(x)],
    "matrix": lambda x: qml.QubitUnitary(np.diag([x, 1.0]).astype(complex), 0),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_function_that_needs_the_value_of_a_parameter_is_refused(name):
    with pytest.raises(UnsupportedCircuitError, match=re.escape("values= instead of shapes=")):
        from_pennylane(LOOKS[name], shapes={"x": ()})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: qml.RX(1j * x[0], 0), "angles must be real"),
        (lambda x: qml.RX(x, 0), "has 2 angles for one gate"),
        (lambda x: qml.StatePrep(x, [0]), "needs the values of its amplitudes|values= instead of shapes="),
        (lambda x: qml.evolve(qml.s_prod(x[0], qml.X(0)), 0.3), "only the time may be a parameter"),
    ],
)
def test_parameters_where_none_can_be_are_refused(function, message):
    with pytest.raises(UnsupportedCircuitError, match=message):
        from_pennylane(function, shapes={"x": (2,)})


def test_arguments_that_cannot_be_meant_are_refused():
    def function(x, y=0.1):
        qml.RX(x, 0)

    with pytest.raises(ValueError, match=r"signature \(x, y=0.1\)"):
        from_pennylane(function)
    with pytest.raises(ValueError, match="'z'"):
        from_pennylane(function, shapes={"x": (), "z": ()})
    with pytest.raises(ValueError, match="'x' is in shapes and in values"):
        from_pennylane(function, shapes={"x": ()}, values={"x": 0.1})
    with pytest.raises(TypeError, match=r"shapes\['x'\] must be a tuple .* 3 came"):
        from_pennylane(function, shapes={"x": 3})
    with pytest.raises(ValueError, match="tape has no arguments"):
        from_pennylane(qml.tape.QuantumScript([]), shapes={"x": ()})
    with pytest.raises(ValueError, match="wire_order has 0 twice"):
        from_pennylane(qml.tape.QuantumScript([qml.X(0)]), wire_order=[0, 1, 0])
    with pytest.raises(UnsupportedCircuitError, match="PauliX acts on 0, which is not among the wires"):
        from_pennylane(qml.tape.QuantumScript([qml.X(0)]), wire_order=[1])
    with pytest.raises(TypeError, match="source must be a QNode"):
        from_pennylane(3)
