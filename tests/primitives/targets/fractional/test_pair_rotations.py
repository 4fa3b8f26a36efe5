"""CX·RZ·CX written as R_ZZ: the same operator, on every circuit that can be thought of."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter, ParameterVector
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate, zz_feature_map
from qiskit.quantum_info import Operator, SparsePauliOp, random_unitary
from qiskit.transpiler import PassManager

from qiskit_qml_ext.primitives.targets.fractional.pair_rotations import OpenedPairs, PairRotations, SwappedRotations

X = ParameterVector("x", 3)
REWRITE = PassManager([OpenedPairs(frozenset()), PairRotations(), SwappedRotations()])


def assert_same(circuit, rewritten):
    values = dict(zip(circuit.parameters, (0.7, -1.9, 4.4), strict=False))
    before = Operator(circuit.assign_parameters(values))
    after = Operator(rewritten.assign_parameters({key: values[key] for key in rewritten.parameters}))
    assert before.equiv(after, atol=1e-9)


def pair(*names, closing=(0, 1)):
    """Return CX, then gates by name on the target or the control ("c:…"), then CX."""
    circuit = QuantumCircuit(3)
    circuit.cx(0, 1)
    for name in names:
        wire = 0 if name.startswith("c:") else 1
        gate = name.removeprefix("c:")
        if gate in ("rz", "p", "rx"):
            getattr(circuit, gate)(X[0], wire)
        elif gate in ("cx", "cz", "rzz"):
            getattr(circuit, gate)(*((X[1],) if gate == "rzz" else ()), wire, 2)
        elif gate == "cx to it":
            circuit.cx(2, wire)
        elif gate == "barrier":
            circuit.barrier()
        else:
            getattr(circuit, gate)(wire)
    circuit.cx(*closing)
    return circuit


@pytest.mark.parametrize(
    "names",
    [
        ("rz",),
        ("p",),
        ("s",),
        ("tdg",),
        ("z",),
        ("p", "s"),
        ("p", "c:rz"),
        ("c:t", "rz"),
        ("rz", "c:cz"),
        ("rz", "c:cx"),
        ("rz", "c:rzz"),
        ("c:p", "rz", "c:cz", "sdg"),
    ],
)
def test_diagonal_gates_between_two_cx_become_one_rotation_of_the_pair(names):
    circuit = pair(*names)
    rewritten = REWRITE.run(circuit)
    assert rewritten.count_ops()["rzz"] == 1 + names.count("c:rzz")
    assert rewritten.count_ops().get("cx", 0) == names.count("c:cx")
    assert_same(circuit, rewritten)


@pytest.mark.parametrize(
    ("names", "closing"),
    [
        *((("rx",), (0, 1)), (("rz",), (1, 0)), (("rz",), (0, 2)), (("rz", "c:h"), (0, 1)), (("rz", "c:rx"), (0, 1))),
        *((("rz", "cx"), (0, 1)), (("rz", "c:cx to it"), (0, 1)), (("rz", "barrier"), (0, 1)), ((), (0, 1))),
    ],
)
def test_others_stay(names, closing):
    circuit = pair(*names, closing=closing)
    rewritten = REWRITE.run(circuit)
    assert dict(rewritten.count_ops()) == dict(circuit.count_ops())
    assert_same(circuit, rewritten)


@pytest.mark.parametrize("order", ["rotation first", "swap first"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_swap_beside_a_rotation_takes_three_cx_together_with_it(order, turned):
    circuit = QuantumCircuit(2)
    places = (1, 0) if turned else (0, 1)
    if order == "rotation first":
        circuit.rzz(X[0], 0, 1)
        circuit.swap(*places)
    else:
        circuit.swap(0, 1)
        circuit.rzz(X[0], *places)
    rewritten = REWRITE.run(circuit)
    assert rewritten.count_ops() == {"cx": 3, "rz": 1}
    assert_same(circuit, rewritten)


def test_random_circuits_stay_the_same():
    rng, changed = np.random.default_rng(7), 0
    for _ in range(150):
        circuit = QuantumCircuit(4)
        pairs = [rng.choice(4, 2, replace=False).tolist() for _ in range(2)]
        for _ in range(rng.integers(5, 30)):
            kind, (first, second), one = rng.integers(10), pairs[rng.integers(2)], int(rng.integers(4))
            if kind < 5:
                circuit.cx(*((second, first) if rng.random() < 0.2 else (first, second)))
            elif kind == 5:
                circuit.rz(X[int(rng.integers(3))] * 0.5 + rng.normal(), one)
            elif kind == 6:
                getattr(circuit, ["s", "tdg", "z", "h"][rng.integers(4)])(one)
            elif kind == 7:
                circuit.p(X[0] * X[1], one)
            elif kind == 8:
                getattr(circuit, ["cz", "swap"][rng.integers(2)])(first, second)
            else:
                circuit.rzz(X[2], first, second)
        rewritten = REWRITE.run(circuit)
        changed += rewritten.count_ops().get("rzz", 0) != circuit.count_ops().get("rzz", 0)
        assert_same(circuit, rewritten)
    assert changed > 30


def test_definitions_of_gates_of_pairs_are_opened_at_any_depth():
    inner = zz_feature_map(2, reps=1).to_gate(label="mine")
    outer = QuantumCircuit(2, name="outer")
    outer.append(inner, [1, 0])
    circuit = QuantumCircuit(3)
    circuit.append(outer.to_gate(), [0, 2])
    rewritten = REWRITE.run(circuit)
    assert rewritten.count_ops()["rzz"] == 1
    assert "cx" not in rewritten.count_ops()
    assert_same(circuit, rewritten)


def test_evolutions_of_pairs_take_one_rotation_each():
    circuit = QuantumCircuit(2)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XX", "YZ"]), Parameter("t")), [0, 1])
    rewritten = REWRITE.run(circuit)
    assert sum(item.operation.num_qubits == 2 for item in rewritten.data) == 2
    assert_same(circuit.decompose(), rewritten)


def test_matrices_and_gates_without_a_definition_stay_closed():
    circuit = QuantumCircuit(2)
    circuit.append(UnitaryGate(random_unitary(4, seed=1)), [0, 1])
    circuit.append(Gate("opaque", 2, []), [0, 1])
    assert [item.operation.name for item in REWRITE.run(circuit).data] == ["unitary", "opaque"]


def test_blocks_of_control_flow_are_rewritten():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.cx(0, 1)
        circuit.p(X[0], 1)
        circuit.cx(0, 1)
    (flow,) = (item.operation for item in REWRITE.run(circuit).data if item.name == "if_else")
    assert flow.blocks[0].count_ops() == {"rzz": 1}


@pytest.mark.parametrize("between", [(), ("rz",), ("rzz",), ("cx",), ("h",)])
def test_two_rotations_of_a_pair_with_diagonal_gates_between_them_become_one(between):
    circuit = QuantumCircuit(3)
    circuit.rzz(X[0], 0, 1)
    for name in between:
        getattr(circuit, name)(
            *((X[1],) if name.startswith("rz") else ()), *((1, 2) if name in ("rzz", "cx") else (1,))
        )
    circuit.cx(1, 0)
    circuit.p(-X[2], 0)
    circuit.cx(1, 0)
    rewritten = REWRITE.run(circuit)
    assert rewritten.count_ops()["rzz"] == 1 + between.count("rzz") + between.count("h")
    assert_same(circuit, rewritten)
