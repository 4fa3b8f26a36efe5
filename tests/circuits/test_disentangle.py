"""The control experiment keeps what acts on single qubits, whatever gates are called and however they are wrapped."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_qml_ext.circuits import without_entanglement

X = ParameterVector("x", 2)


def states(circuit):
    return Statevector(circuit.assign_parameters(dict(zip(X, [0.4, 1.1], strict=True)), strict=False)).data


@pytest.mark.parametrize("name", ["barrier", "measure", "delay", "reset", "anything"])
@pytest.mark.parametrize("width", [2, 3])
def test_encodings_inside_of_a_custom_gate_stay_and_its_entanglers_go(name, width):
    inner, plain = QuantumCircuit(width, name=name), QuantumCircuit(width)
    for circuit in (inner, plain):
        circuit.ry(X[0], 0)
        circuit.rx(X[1], 1)
    inner.rzz(X[0], 0, 1)
    wrapped = QuantumCircuit(width)
    wrapped.append(inner.to_gate(), range(width))
    wrapped.crx(X[1], 1, 0)
    np.testing.assert_allclose(states(without_entanglement(wrapped)), states(plain), rtol=0, atol=1e-12)


def test_single_qubit_terms_of_an_evolution_stay():
    circuit, plain = QuantumCircuit(3), QuantumCircuit(3)
    operator = SparsePauliOp(["XYZ", "IIX", "IYI", "ZII", "ZZI"], [0.9, 0.3, 0.4, 0.5, 0.6])
    circuit.append(PauliEvolutionGate(operator, X[0]), range(3))
    plain.rx(0.6 * X[0], 0)
    plain.ry(0.8 * X[0], 1)
    plain.rz(1.0 * X[0], 2)
    np.testing.assert_allclose(states(without_entanglement(circuit)), states(plain), rtol=0, atol=1e-12)


def test_plain_entanglers_go_and_the_argument_stays():
    circuit = QuantumCircuit(2, 2)
    circuit.ry(X[0], 0)
    circuit.barrier()
    circuit.cx(0, 1)
    circuit.measure([0, 1], [1, 0])
    copy = circuit.copy()
    assert list(without_entanglement(circuit).count_ops()) == ["measure", "ry", "barrier"]
    assert circuit == copy
