"""The metric tensor of a circuit's states, exactly."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.gradients.problem import POSITIONS, pose
from qiskit_qml_ext.gradients.second_derivatives import require_exact
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import RotationProgram, angles_and_slopes, lower, program_with_free_angles


@check_arguments(parameters=POSITIONS)
def metric_tensor(
    circuit: QuantumCircuit,
    values: npt.ArrayLike,
    *,
    connection: Connection | None = None,
    parameters: Sequence[int] | None = None,
) -> FloatArray:
    r"""Return the Fubini-Study metric g_ij = Re(⟨∂_iψ|∂_jψ⟩ - ⟨∂_iψ|ψ⟩⟨ψ|∂_jψ⟩); the quantum Fisher information is 4 g.

    A rotation's derivative is a state again, ∂ψ/∂φ_g = ψ(φ_g + π)/2, so that R + 1 states and the chain rule suffice.

    Args:
        circuit: The circuit.
        values: Parameter values, shape (…, P).
        connection: An exact connection; the default.
        parameters: Positions to differentiate by; all by default.

    Returns:
        Symmetric, positive semidefinite matrices, shape (…, parameters, parameters).

    Raises:
        ValueError: The connection is not exact, or ``values`` has the wrong shape.

    Example:
        >>> from qiskit.circuit import Parameter
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("a"), 0)
        >>> metric_tensor(circuit, [0.3]).round(12).tolist()
        [[0.25]]
    """
    width = circuit.num_qubits if isinstance(circuit, QuantumCircuit) else 1
    nothing = SparsePauliOp("I" * max(width, 1))
    problem = pose(circuit, nothing, values, parameters=parameters, connection=connection)
    require_exact(problem.connection, "metric_tensor")
    program = lower(circuit)
    angles, slopes = angles_and_slopes(program, problem.values, problem.columns)
    moved = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
    count = len(problem.columns)
    result = np.zeros((len(problem.values), count, count))
    at_once = max(1, _MAX_BYTES // (16 * (1 + len(moved)) << program.num_qubits))
    for first in range(0, len(result), at_once):
        rows = slice(first, first + at_once)
        by_rotation = _of_rotations(program, angles[rows], moved, problem.connection)
        chain = slopes[rows, moved]
        tensors = chain.swapaxes(1, 2) @ by_rotation @ chain
        result[rows] = (tensors + tensors.swapaxes(1, 2)) / 2
    return result.reshape(*problem.batch, count, count)


def _of_rotations(
    program: RotationProgram, angles: FloatArray, moved: IndexArray, connection: Connection
) -> FloatArray:
    """Return the metric by the angles of some rotations, shape (B, D, D), for all angles (B, R)."""
    shifts = np.zeros((1 + len(moved), angles.shape[1]))
    shifts[1 + np.arange(len(moved)), moved] = np.pi
    points = (angles[:, None] + shifts).reshape(len(angles) * len(shifts), angles.shape[1])
    free = program_with_free_angles(program)
    states = statevectors(free, points, dtype=connection.dtype, max_memory=connection.max_memory)
    states = states.reshape(len(angles), len(shifts), 1 << program.num_qubits)
    by_angle = states[:, 1:] / 2
    overlaps = by_angle.conj() @ states[:, 0, :, None]
    products = by_angle.conj() @ by_angle.swapaxes(1, 2)
    return np.asarray(np.real(products - overlaps @ overlaps.conj().swapaxes(1, 2)), dtype=np.float64)


_MAX_BYTES = 2**27  # of states at once
