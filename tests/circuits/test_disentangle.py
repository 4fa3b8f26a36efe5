"""The control's circuit: what is taken out, what stays, and whether a circuit entangles at all."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, ParameterVector
from qiskit.circuit.library import PauliEvolutionGate, QFTGate, RXXGate, XXPlusYYGate
from qiskit.quantum_info import SparseObservable, SparsePauliOp, Statevector, entropy, partial_trace

from qiskit_qml_ext.circuits import FEATURE_MAPS, without_entanglement
from qiskit_qml_ext.circuits.disentangle import has_entangling_gates

X = ParameterVector("x", 3)


def entanglement_of(circuit, seed=0):
    """Return the largest entropy of a qubit for random data, from Qiskit's own states."""
    values = np.random.default_rng(seed).uniform(0.2, 1.2, size=circuit.num_parameters)
    state = Statevector(circuit.assign_parameters(values))
    width = circuit.num_qubits
    return (
        max(entropy(partial_trace(state, [q for q in range(width) if q != kept]), base=2) for kept in range(width))
        if width > 1
        else 0.0
    )


def wrapped(*, entangling, name="barrier"):
    """Return two encodings, and a CX if asked for, as one gate whose name says nothing."""
    inner = QuantumCircuit(2, name=name)
    inner.rx(X[0], 0)
    inner.ry(X[1], 1)
    if entangling:
        inner.cx(0, 1)
    return inner.to_gate()


def on_two(operation):
    circuit = QuantumCircuit(2)
    circuit.ry(X[2], 0)
    circuit.rx(0.4, 1)
    circuit.append(operation, [0, 1])
    return circuit


# Qiskit's own way to the matrix of an evolution.
@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize(
    ("operation", "entangles"),
    [
        (wrapped(entangling=False), False),
        (wrapped(entangling=False, name="cx"), False),
        (wrapped(entangling=True), True),
        (wrapped(entangling=True, name="barrier"), True),
        (PauliEvolutionGate(SparsePauliOp(["ZI", "IX"], [1.0, 0.5]), X[0]), False),
        (PauliEvolutionGate(SparsePauliOp(["ZI", "ZX"], [1.0, 0.5]), X[0]), True),
        (PauliEvolutionGate([SparsePauliOp("ZI"), SparsePauliOp("IX")], X[0]), False),
        (PauliEvolutionGate(SparseObservable.from_list([("ZZ", 1.0), ("IX", 0.5)]), X[0]), True),
        (RXXGate(X[0]), True),
        (XXPlusYYGate(X[0]), True),
    ],
)
def test_what_counts_is_what_a_gate_does_and_not_what_it_is_called(operation, entangles):
    circuit = on_two(operation)
    assert has_entangling_gates(circuit) == entangles
    assert (entanglement_of(circuit) > 1e-3) == entangles
    before = circuit.copy()
    product = without_entanglement(circuit)
    assert circuit == before
    assert not has_entangling_gates(product)
    assert entanglement_of(product) < 1e-9
    if not entangles:
        values = [0.3, 0.7, 1.1][: circuit.num_parameters]
        assert (
            abs(Statevector(product.assign_parameters(values)).inner(Statevector(circuit.assign_parameters(values))))
            > 1 - 1e-9
        )


def test_encodings_inside_a_composite_gate_stay():
    product = without_entanglement(on_two(wrapped(entangling=True)))
    assert {parameter.name for parameter in product.parameters} == {"x[0]", "x[1]", "x[2]"}
    # Two levels deep, on other qubits, beside a barrier.
    outer = QuantumCircuit(3)
    outer.append(wrapped(entangling=True), [2, 0])
    outer.cz(0, 1)
    circuit = QuantumCircuit(3)
    circuit.barrier()
    circuit.append(outer.to_instruction(), [1, 2, 0])
    expected = QuantumCircuit(3)
    expected.barrier()
    expected.rx(X[0], 0)
    expected.ry(X[1], 1)
    assert without_entanglement(circuit) == expected


def test_a_controlled_gate_is_one_gate_and_leaves_nothing_behind():
    circuit = QuantumCircuit(3)
    circuit.rx(X[0], 0)
    circuit.append(QuantumCircuit(1).to_gate().control(1), [0, 1])
    circuit.crx(X[1], 0, 1)
    circuit.rzz(X[2], 1, 2)
    circuit.ccz(0, 1, 2)
    expected = QuantumCircuit(3)
    expected.rx(X[0], 0)
    assert without_entanglement(circuit) == expected


def test_a_gate_that_nobody_knows_counts_as_entangling():
    circuit = QuantumCircuit(2)
    circuit.append(Gate("h", 2, []), [0, 1])
    assert has_entangling_gates(circuit)
    assert not without_entanglement(circuit).data
    assert has_entangling_gates(on_two(QFTGate(2)))


@pytest.mark.parametrize("name", sorted(FEATURE_MAPS))
def test_every_feature_map_entangles_if_its_gates_say_so(name):
    feature_map = FEATURE_MAPS[name]()
    circuit = feature_map.build(3)
    assert has_entangling_gates(circuit) == (feature_map.two_qubit_gates(3) > 0)
    if not has_entangling_gates(circuit):
        assert entanglement_of(circuit) < 1e-9


TWO = ParameterVector("x", 2)


def states(circuit):
    return Statevector(circuit.assign_parameters(dict(zip(TWO, [0.4, 1.1], strict=True)), strict=False)).data


@pytest.mark.parametrize("name", ["barrier", "measure", "delay", "reset", "anything"])
@pytest.mark.parametrize("width", [2, 3])
def test_encodings_inside_of_a_custom_gate_stay_and_its_entanglers_go(name, width):
    inner, plain = QuantumCircuit(width, name=name), QuantumCircuit(width)
    for circuit in (inner, plain):
        circuit.ry(TWO[0], 0)
        circuit.rx(TWO[1], 1)
    inner.rzz(TWO[0], 0, 1)
    wrapped = QuantumCircuit(width)
    wrapped.append(inner.to_gate(), range(width))
    wrapped.crx(TWO[1], 1, 0)
    np.testing.assert_allclose(states(without_entanglement(wrapped)), states(plain), rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_single_qubit_terms_of_an_evolution_stay():
    circuit, plain = QuantumCircuit(3), QuantumCircuit(3)
    operator = SparsePauliOp(["XYZ", "IIX", "IYI", "ZII", "ZZI"], [0.9, 0.3, 0.4, 0.5, 0.6])
    circuit.append(PauliEvolutionGate(operator, TWO[0]), range(3))
    plain.rx(0.6 * TWO[0], 0)
    plain.ry(0.8 * TWO[0], 1)
    plain.rz(1.0 * TWO[0], 2)
    np.testing.assert_allclose(states(without_entanglement(circuit)), states(plain), rtol=0, atol=1e-12)


def test_plain_entanglers_go_and_the_argument_stays():
    circuit = QuantumCircuit(2, 2)
    circuit.ry(TWO[0], 0)
    circuit.barrier()
    circuit.cx(0, 1)
    circuit.measure([0, 1], [1, 0])
    copy = circuit.copy()
    assert list(without_entanglement(circuit).count_ops()) == ["measure", "ry", "barrier"]
    assert circuit == copy
