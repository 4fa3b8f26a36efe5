"""Layouts of entangling gates, and the checks of settings."""

import numpy as np
import pytest
from qiskit import QuantumCircuit

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
