"""A slow and simple NumPy simulator of rotation programs: the oracle that the compiled engine is tested against.

One sample at a time, one operation at a time, dense vectors, nothing fused. Bit order as in Qiskit: qubit 0 is the
least significant bit of a basis state's index.
"""

import numpy as np
import numpy.typing as npt

from qiskit_qml_ext.arrays import ComplexArray, FloatArray
from qiskit_qml_ext.program import CliffordGate, DenseUnitary, InitialState, PauliRotation, RotationProgram

_S = np.diag([1.0, 1.0j])
_H = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0)
_CLIFFORD_MATRICES: dict[str, ComplexArray] = {
    "h": _H.astype(np.complex128),
    "s": _S,
    "sdg": _S.conj(),
    "sx": _H @ _S @ _H,
    "sxdg": _H @ _S.conj() @ _H,
    "x": np.array([[0, 1], [1, 0]], dtype=np.complex128),
    "y": np.array([[0, -1j], [1j, 0]]),
    "z": np.diag([1.0, -1.0]).astype(np.complex128),
    "cx": np.eye(4, dtype=np.complex128)[[0, 3, 2, 1]],
    "cz": np.diag([1.0, 1.0, 1.0, -1.0]).astype(np.complex128),
    "swap": np.eye(4, dtype=np.complex128)[[0, 2, 1, 3]],
}


def apply_pauli(state: ComplexArray, x: int, z: int) -> ComplexArray:
    """P(x, z) applied to one state of shape (2**n,)."""
    indices = np.arange(len(state))
    signs = 1.0 - 2.0 * (np.bitwise_count(indices & z) % 2)
    result = np.empty_like(state)
    result[indices ^ x] = 1j ** ((x & z).bit_count()) * signs * state
    return result


def apply_matrix(state: ComplexArray, matrix: ComplexArray, qubits: tuple[int, ...]) -> ComplexArray:
    """A matrix on some qubits applied to one state; bit j of the matrix's index belongs to ``qubits[j]``."""
    num_qubits = len(state).bit_length() - 1
    axes = [num_qubits - 1 - qubit for qubit in reversed(qubits)]
    tensor = np.moveaxis(state.reshape((2,) * num_qubits), axes, range(len(qubits)))
    shape = tensor.shape
    moved = (matrix @ tensor.reshape(len(matrix), -1)).reshape(shape)
    return np.ascontiguousarray(np.moveaxis(moved, range(len(qubits)), axes)).reshape(-1)


def statevector(program: RotationProgram, values: npt.ArrayLike) -> ComplexArray:
    """The state for one sample.

    Args:
        program: The program.
        values: Parameter values, shape (P,).

    Returns:
        Amplitudes, shape (2**n,).
    """
    angles = program.angles.evaluate(np.reshape(np.asarray(values, dtype=np.float64), (1, program.num_parameters)))[0]
    state = np.zeros(2**program.num_qubits, dtype=np.complex128)
    state[0] = 1.0 if program.phase is None else np.exp(1j * angles[program.phase])
    for operation in program.operations:
        if isinstance(operation, PauliRotation):
            half = angles[operation.angle] / 2.0
            state = np.cos(half) * state - 1j * np.sin(half) * apply_pauli(state, operation.x, operation.z)
        elif isinstance(operation, CliffordGate):
            state = apply_matrix(state, _CLIFFORD_MATRICES[operation.name], operation.qubits)
        elif isinstance(operation, DenseUnitary):
            state = apply_matrix(state, operation.matrix, operation.qubits)
        else:
            assert isinstance(operation, InitialState)
            first_column = np.zeros((len(operation.amplitudes),) * 2, dtype=np.complex128)
            first_column[:, 0] = operation.amplitudes  # acts on |0…0> only, so the other columns do not matter
            state = apply_matrix(state, first_column, operation.qubits)
    return state


def expectation(state: ComplexArray, matrix: ComplexArray) -> complex:
    """<ψ|O|ψ> for a dense matrix O."""
    return complex(np.vdot(state, matrix @ state))


def gram(states_x: ComplexArray, states_y: ComplexArray) -> FloatArray:
    """|<x|y>|² for all pairs of rows, shape (n, m)."""
    return np.abs(states_x.conj() @ states_y.T) ** 2
