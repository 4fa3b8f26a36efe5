"""Layouts of entangling gates, and the checks of settings."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import n_local

from qiskit_qml_ext.circuits import AngleFeatureMap, IQPFeatureMap, entangled_pairs, without_entanglement
from qiskit_qml_ext.circuits.entanglement import count_pairs, entangled_blocks


@pytest.mark.parametrize(
    ("entanglement", "pairs"),
    [
        ("none", []),
        (None, []),
        ("linear", [(0, 1), (1, 2), (2, 3)]),
        ("reverse_linear", [(2, 3), (1, 2), (0, 1)]),
        ("circular", [(3, 0), (0, 1), (1, 2), (2, 3)]),
        ("full", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
        ("pairwise", [(0, 1), (2, 3), (1, 2)]),
        ("sca", [(3, 0), (0, 1), (1, 2), (2, 3)]),
        ([(0, 2), (3, 1)], [(0, 2), (3, 1)]),
        (np.array([[1, 0]]), [(1, 0)]),
    ],
)
def test_layouts_are_qiskits(entanglement, pairs):
    assert entangled_pairs(entanglement, 4) == pairs
    assert count_pairs(entanglement, 4, 3) == 3 * len(pairs)


def test_sca_shifts_and_turns_from_layer_to_layer():
    assert entangled_pairs("sca", 4, layer=1) == [(3, 2), (0, 3), (1, 0), (2, 1)]


@pytest.mark.parametrize("name", ["linear", "reverse_linear", "circular", "full", "pairwise", "sca"])
def test_one_qubit_has_no_pairs(name):
    assert entangled_pairs(name, 1) == []


NAMES = ["linear", "reverse_linear", "circular", "full", "pairwise", "sca"]


@pytest.mark.parametrize(
    ("name", "size", "num_qubits"),
    [
        (name, size, num_qubits)
        for name in NAMES
        for size in ((2,) if name == "pairwise" else (2, 3))  # Qiskit refuses the others, and so do we; see below
        for num_qubits in range(size, 8)
    ],
)
def test_every_layout_places_blocks_where_n_local_does(name, size, num_qubits):
    layers = 9  # "sca" comes round after as many layers as there are qubits, or twice as many
    circuit = n_local(num_qubits, [], [{2: "cx", 3: "ccx"}[size]], entanglement=name, reps=layers)
    placed = [tuple(circuit.find_bit(qubit).index for qubit in part.qubits) for part in circuit.data]
    ours = [entangled_blocks(name, num_qubits, block_size=size, layer=layer) for layer in range(layers)]
    assert [block for layer in ours for block in layer] == placed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num_qubits", [1, 2, 5])
def test_blocks_of_one_qubit_are_those_of_n_local_in_ascending_order(name, num_qubits):
    circuit = n_local(num_qubits, [], ["x"], entanglement=name, reps=1)
    placed = sorted((circuit.find_bit(part.qubits[0]).index,) for part in circuit.data)
    assert entangled_blocks(name, num_qubits, block_size=1) == placed


@pytest.mark.parametrize("pairs", [[(0, 2), (3, 1)], [(1, 0)], [(0, 1), (1, 2), (0, 1)]])
def test_pairs_of_ones_own_are_placed_where_n_local_places_them(pairs):
    circuit = n_local(4, [], ["cx"], entanglement=pairs, reps=2)
    placed = [tuple(circuit.find_bit(qubit).index for qubit in part.qubits) for part in circuit.data]
    assert entangled_pairs(pairs, 4) + entangled_pairs(pairs, 4, layer=1) == placed


def test_blocks_of_other_sizes():
    assert entangled_blocks("none", 3, block_size=1) == [(0,), (1,), (2,)]
    assert entangled_blocks("linear", 4, block_size=3) == [(0, 1, 2), (1, 2, 3)]
    assert entangled_blocks("full", 2, block_size=3) == []
    with pytest.raises(ValueError, match="'pairwise' names pairs, but blocks of 3 qubits are needed"):
        entangled_blocks("pairwise", 4, block_size=3)


@pytest.mark.parametrize(
    ("entanglement", "message"),
    [
        ("ring", "entanglement must be one of 'none', 'linear'"),
        ([(0, 0)], r"entry \(0, 0\), but every entry must be a pair of different qubits from 0 to 2"),
        ([(0, 3)], r"entry \(0, 3\)"),
        ([(0, 1, 2)], r"entry \(0, 1, 2\)"),
        ([5], "entry 5"),
    ],
)
def test_bad_layouts_are_refused(entanglement, message):
    with pytest.raises(ValueError, match=message):
        entangled_pairs(entanglement, 3)


@pytest.mark.parametrize(
    ("bandwidth", "error"),
    [(-1.0, ValueError), (np.inf, ValueError), ("a", TypeError), (True, TypeError), ([[1]], TypeError)],
)
def test_bad_bandwidths_are_refused(bandwidth, error):
    with pytest.raises(error, match="bandwidth"):
        AngleFeatureMap(bandwidth=bandwidth).build(1)


def test_templates_with_array_settings_are_equal_by_value():
    assert AngleFeatureMap(bandwidth=np.array([1.0, 2.0])) == AngleFeatureMap(bandwidth=[1.0, 2.0])
    assert AngleFeatureMap(bandwidth=np.array([1.0, 2.0])) != AngleFeatureMap(bandwidth=[1.0, 3.0])
    assert AngleFeatureMap() != IQPFeatureMap()


def test_plain_circuit_loses_its_entangling_gates():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.rz(0.5, 1)
    product = without_entanglement(circuit)
    assert [instruction.operation.name for instruction in product.data] == ["h", "rz"]
    assert circuit.size() == 3
    assert without_entanglement(IQPFeatureMap()) == IQPFeatureMap(entanglement="none")
    wrapped = QuantumCircuit(3)
    wrapped.append(IQPFeatureMap(reps=1).build(3).to_gate(), range(3))
    flat = without_entanglement(wrapped)
    assert all(len(instruction.qubits) == 1 for instruction in flat.data)
    assert set(flat.parameters) == set(wrapped.parameters)
