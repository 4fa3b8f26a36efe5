"""Gates that are known by their matrix only. The other packages write the first wire as the most significant bit."""

import warnings

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator
from scipy.sparse import SparseEfficiencyWarning

from qiskit_qml_ext.arrays import ComplexArray
from qiskit_qml_ext.exceptions import UnsupportedCircuitError

MAX_DENSE_QUBITS = 8
"""Above this a matrix is not written into a circuit, nor is a decomposition compared with it."""

_SAME_MATRIX_ATOL = 1e-9  # above the rounding of some hundred gates, far below any other gate


def dense_circuit(matrix: ComplexArray, what: str) -> QuantumCircuit:
    """Return a circuit of one gate with a matrix.

    Args:
        matrix: Shape (2**n, 2**n), first wire most significant.
        what: The operation, for the error.

    Raises:
        UnsupportedCircuitError: If the matrix is not unitary.
    """
    num_qubits = matrix.shape[0].bit_length() - 1
    circuit = QuantumCircuit(num_qubits)
    try:
        circuit.append(UnitaryGate(matrix), circuit.qubits[::-1])
    except (QiskitError, ValueError) as error:
        raise UnsupportedCircuitError(
            f"{what} is not unitary, so that no gate stands for it. Leave it out of the circuit."
        ) from error
    return circuit


def has_matrix(circuit: QuantumCircuit, matrix: ComplexArray) -> bool:
    """Say whether a circuit without parameters has a matrix (first wire most significant), its phase included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SparseEfficiencyWarning)  # of Qiskit's own exact exponential
        ours = Operator(circuit.reverse_bits()).data
    return np.allclose(ours, matrix, rtol=0, atol=_SAME_MATRIX_ATOL)
