"""Circuits under controls: the oracle is the block matrix."""

import numpy as np
import pytest
from circuits.conversion import packages
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import PauliEvolutionGate, UnitaryGate
from qiskit.quantum_info import Operator, SparsePauliOp, random_unitary

from qiskit_qml_ext.circuits import from_cirq, from_pennylane
from qiskit_qml_ext.circuits.conversion.controls import controlled

pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")  # Qiskit's own exponential
X, Y = Parameter("x"), Parameter("y")


def circuit_with_everything() -> QuantumCircuit:
    circuit = QuantumCircuit(2, global_phase=X - 0.3)
    circuit.rx(X, 0)
    circuit.u(X, Y, X * Y, 1)
    circuit.cp(Y, 1, 0)
    circuit.iswap(0, 1)
    circuit.rzz(X, 0, 1)
    circuit.append(PauliEvolutionGate(SparsePauliOp(["XI", "ZY", "II"], [0.3, -0.7, 0.2]), time=Y), [1, 0])
    circuit.append(UnitaryGate(random_unitary(4, seed=1)), [1, 0])
    return circuit


@pytest.mark.parametrize("values", [[1], [0], [1, 0], [0, 0], [1, 0, 1]])
def test_controlled_circuit_is_the_circuit_in_one_block_and_nothing_in_the_others(values):
    circuit, angles = circuit_with_everything(), {X: 0.7, Y: -1.1}
    block = sum(value << place for place, value in enumerate(values))
    num_blocks = 2 ** len(values)
    expected = np.eye(4 * num_blocks, dtype=complex).reshape(4, num_blocks, 4, num_blocks)
    expected[:, block, :, block] = Operator(circuit.assign_parameters(angles)).data
    actual = Operator(controlled(circuit, values).assign_parameters(angles)).data
    np.testing.assert_allclose(actual, expected.reshape(actual.shape), rtol=0, atol=1e-10)  # rounding of long products


@pytest.mark.parametrize(("convert", "module"), [(from_pennylane, "pennylane"), (from_cirq, "cirq")])
def test_missing_package_says_what_to_install(monkeypatch, convert, module):
    packages.hide(monkeypatch, module)
    with pytest.raises(ImportError, match=rf'{module} is not installed. Run: pip install "qiskit-qml-ext\[{module}\]"'):
        convert(None)
