"""Angles of R_ZZ folded into [0, π/2]: the same operator for every row of values, and nothing that a device refuses."""

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import RZZGate
from qiskit.converters import dag_to_circuit
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import Operator
from qiskit_ibm_runtime.fake_provider import FakeFractionalBackend, FakeManilaV2
from qiskit_ibm_runtime.utils.utils import is_valid_rzz_pub

from qiskit_qml_ext.exceptions import AngleOutOfRangeError
from qiskit_qml_ext.primitives.targets.angle_bounds import with_bounds_of_rzz
from qiskit_qml_ext.primitives.targets.fractional.folding import fold, folded_form, folded_pub, wrapped_rotation

DEVICE = with_bounds_of_rzz(FakeFractionalBackend().target)  # older clients do not say them
EDGES = [0.0, -0.0, math.pi / 2, -math.pi / 2, math.pi, -math.pi, 3 * math.pi / 2, 2 * math.pi, 4 * math.pi, -1e-300]
X = ParameterVector("x", 3)

# what encodings write as angles; the last ones round to either side of 0 or take a parameter twice
ANGLES = {
    "parameter": X[0],
    "negative": -X[1],
    "of several": 2 * X[0] - X[2] / 3,
    "product": X[0] * X[1],
    "ZZ encoding": 2 * (math.pi - X[0]) * (math.pi - X[1]),
    "function": 5 * X[2].sin(),
    "cancelling": (X[0] + X[1]) - X[1] - X[0],
    "number": 7.25,
    "negative number": -0.3,
    "good number": 0.4,
}


def layered(angles):
    """Return a circuit with each angle in two R_ZZ gates, and with a phase that is not bound."""
    circuit = QuantumCircuit(3, global_phase=X[0] * X[1])
    for place, angle in enumerate(angles):
        circuit.rx(X[place % 3], place % 3)
        circuit.rzz(angle, place % 3, (place + 1) % 3)
        circuit.ry(0.3, (place + 1) % 3)
        circuit.rzz(angle, (place + 2) % 3, place % 3)
    return circuit


def assert_same_rows(pub, folded):
    """Every row does what it did, by Qiskit's own operators, and the client's check of R_ZZ passes."""
    assert folded.shape == pub.shape
    assert not is_valid_rzz_pub(folded)
    for row in np.ndindex(pub.shape):
        before = Operator(pub.parameter_values.bind(pub.circuit, row))
        after = Operator(folded.parameter_values.bind(folded.circuit, row))
        assert before.equiv(after, atol=1e-9)


def test_every_angle_becomes_one_that_the_device_runs_and_does_the_same():
    rng = np.random.default_rng(1)
    angles = np.concatenate([EDGES, rng.uniform(-1e4, 1e4, 200), np.arange(-40, 41) * math.pi / 8])
    into, z, x = fold(angles)
    assert np.all((into >= 0) & (into <= math.pi / 2))
    for angle, small, needs_z, needs_x in zip(angles, into, z, x, strict=True):
        circuit = QuantumCircuit(2)
        if needs_x:
            circuit.x(0)
        circuit.rzz(small, 0, 1)
        if needs_x:
            circuit.x(0)
        if needs_z:
            circuit.z([0, 1])
        assert Operator(circuit).equiv(Operator(RZZGate(angle)), atol=1e-9)


@pytest.mark.parametrize("angle", [-2.4, 0.4, 7.25, -0.2, math.pi])
def test_the_transpiler_is_told_how_to_fold_fixed_angles(angle):
    folded = dag_to_circuit(wrapped_rotation([angle], None))
    assert Operator(folded).equiv(Operator(RZZGate(angle)), atol=1e-9)
    assert all(0 <= item.params[0] <= math.pi / 2 for item in folded.data if item.name == "rzz")


@pytest.mark.parametrize("label", ANGLES)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3)])
@pytest.mark.parametrize("scale", [0.3, 3.0, 300.0])
def test_rows_of_one_pub_do_the_same_after_folding(label, shape, scale):
    values = np.random.default_rng(2).normal(size=(*shape, 3)) * scale
    circuit = layered([ANGLES[label]])
    given = values[..., [0, 1, 2][: circuit.num_parameters]]
    pub = SamplerPub.coerce((circuit, given), 10)
    folded = folded_pub(pub, SamplerPub, DEVICE)
    assert_same_rows(pub, folded)
    assert folded.shots == 10


def test_many_kinds_of_angles_fold_in_one_circuit():
    values = np.concatenate([np.random.default_rng(3).normal(size=(6, 3)) * 4, [[0, 0, 0]], [[math.pi] * 3]])
    pub = SamplerPub.coerce((layered(ANGLES.values()), values), 1)
    assert_same_rows(pub, folded_pub(pub, SamplerPub, DEVICE))


def test_what_all_rows_have_in_common_is_no_column():
    circuit = QuantumCircuit(2)
    circuit.rzz(X[0], 0, 1)
    circuit.rzz(2 * X[1], 0, 1)

    def columns(values):
        return folded_pub((circuit, values), SamplerPub, DEVICE).circuit.num_parameters

    assert columns([[0.1, 0.2], [0.3, 0.4]]) == 2  # the plain angle as it is, the compound one as its value
    assert columns([[2.0, 0.2], [2.1, 0.4]]) == 2  # all of the first turned by π and flipped: numbers
    assert columns([[0.1, 0.2], [2.0, 1.2]]) == 6
    assert columns([2.0, 1.2]) == 0  # no rows, so all of it is numbers


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 2)])
def test_equal_rows_stay_rows(shape):
    """A primitive may take the shape of its results from the parameters."""
    circuit = QuantumCircuit(2)
    circuit.rzz(X[0] * X[1], 0, 1)
    for value in (0.0, 1.0, 2.0):
        folded = folded_pub((circuit, np.full((*shape, 2), value)), SamplerPub, DEVICE)
        assert folded.shape == shape
        assert folded.circuit.num_parameters == 1


def test_gates_with_the_same_angle_share_their_columns():
    circuit = QuantumCircuit(3)
    for pair in ((0, 1), (1, 2), (0, 2)):
        circuit.rzz(X[0] * X[1], *pair)
    assert folded_pub((circuit, [[1.0, 2.0], [0.1, 0.2]]), SamplerPub, DEVICE).circuit.num_parameters == 3


@pytest.mark.parametrize("values", [[[0.2, 0.3]], [[0.0, math.pi / 2], [1.0, 1.0]]])
def test_a_pub_within_the_limits_is_the_one_that_runs(values):
    circuit = QuantumCircuit(2)
    circuit.rzz(X[0], 0, 1)
    circuit.rzz(X[1], 0, 1)
    pub = SamplerPub.coerce((circuit, values), 5)
    assert folded_pub(pub, SamplerPub, DEVICE) is pub


def test_devices_without_such_limits_get_the_pub_as_it_is():
    pub = SamplerPub.coerce((layered([X[0]]), [[9.0, 1.0]]), 5)
    assert folded_pub(pub, SamplerPub, FakeManilaV2().target) is pub


def test_observables_and_precision_of_an_estimator_stay():
    circuit = layered([-X[0]])
    values = np.random.default_rng(4).normal(size=(4, 1, 2))
    pub = EstimatorPub.coerce((circuit, [["ZZI", "IXY"]], values, 0.1))
    folded = folded_pub(pub, EstimatorPub, DEVICE)
    assert (folded.shape, folded.precision) == ((4, 2), 0.1)
    assert folded.observables.tolist() == pub.observables.tolist()
    rows = SamplerPub(pub.circuit, pub.parameter_values), SamplerPub(folded.circuit, folded.parameter_values)
    assert_same_rows(*rows)


def test_names_of_new_parameters_are_not_taken_from_the_circuit():
    mine, other = Parameter("folded"), ParameterVector("folded", 3)
    circuit = QuantumCircuit(2)
    circuit.rzz(mine - other[2], 0, 1)
    circuit.rx(other[0], 0)
    pub = SamplerPub.coerce((circuit, np.random.default_rng(5).normal(size=(3, 3)) * 5), 1)
    assert_same_rows(pub, folded_pub(pub, SamplerPub, DEVICE))


def test_angles_within_control_flow_are_folded():
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.rzz(X[0] * 3, 0, 1)
        with circuit.for_loop(range(2)):
            circuit.rzz(-X[1], 0, 1)
    with otherwise:
        circuit.rzz(X[0], 1, 0)
    pub = SamplerPub.coerce((circuit, [[1.0, 0.2], [-3.0, 4.0], [50.0, 0.1]]), 1)
    folded = folded_pub(pub, SamplerPub, DEVICE)
    assert not is_valid_rzz_pub(folded)
    for row in range(3):
        before, after = (one.parameter_values.bind(one.circuit, (row,)) for one in (pub, folded))
        for branch in range(2):
            blocks = [
                next(item for item in bound.data if item.name == "if_else").operation for bound in (before, after)
            ]
            operators = [Operator(unrolled(flow.blocks[branch])) for flow in blocks]
            assert operators[0].equiv(operators[1], atol=1e-9)


def unrolled(block):
    """Return a block with its loops written out."""
    plain = QuantumCircuit(block.num_qubits)
    for item in block.data:
        places = [block.find_bit(qubit).index for qubit in item.qubits]
        if item.name == "for_loop":
            for _ in item.operation.params[0]:
                plain.compose(item.operation.blocks[0], places, inplace=True)
        else:
            plain.append(item.operation, places)
    return plain


@pytest.mark.parametrize("value", [2.0, -1.5, math.nan])
def test_an_expression_that_is_undefined_is_refused_with_its_row(value):
    circuit = QuantumCircuit(2)
    circuit.rzz(X[0].arccos(), 0, 1)
    with pytest.raises(AngleOutOfRangeError, match=r"the angle nan from row 1 .*acos.* Nothing was submitted"):
        folded_pub((circuit, [[0.5], [value]]), SamplerPub, DEVICE)


def test_no_row_at_all_is_no_error():
    pub = SamplerPub.coerce((layered([X[0]]), np.zeros((0, 2))), 5)
    assert folded_pub(pub, SamplerPub, DEVICE).shape == (0,)


def test_the_form_without_values_has_the_most_gates_that_folding_adds():
    circuit = layered([X[0], 0.4, -0.3])
    form = folded_form(circuit, DEVICE)
    gates, before = form.count_ops(), circuit.count_ops()
    assert gates["rzz"] == before["rzz"] == 6
    assert gates["rx"] == before["rx"] + 2 * 2  # two gates with a free angle
    assert gates["x"] == 2 * 2  # two with a negative number
    pub = SamplerPub.coerce((circuit, np.random.default_rng(6).normal(size=(9, 3)) * 9), 1)
    folded = folded_pub(pub, SamplerPub, DEVICE).circuit.count_ops()
    assert folded["rx"] + folded.get("x", 0) <= gates["rx"] + gates["x"]
    assert form.num_parameters == 3 + 3
