"""The metric tensor of a circuit's states, exactly."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.gradients.problem import POSITIONS, pose
from qiskit_qml_ext.gradients.second_derivatives import require_exact
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import angles_and_slopes, lower, program_with_free_angles


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
    free, where = program_with_free_angles(program), problem.connection
    angles, slopes = angles_and_slopes(program, problem.values, problem.columns)
    moved = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
    shifts = np.zeros((1 + len(moved), angles.shape[1]))
    shifts[1 + np.arange(len(moved)), moved] = np.pi
    count = len(problem.columns)
    result = np.zeros((len(problem.values), count, count))
    for row in range(len(problem.values)):
        states = statevectors(free, angles[row] + shifts, dtype=where.dtype, max_memory=where.max_memory)
        psi, by_angle = states[0], states[1:] / 2
        overlaps = by_angle.conj() @ psi
        by_rotation = np.real(by_angle.conj() @ by_angle.T - np.outer(overlaps, overlaps.conj()))
        chain = slopes[row, moved]
        tensor = chain.T @ by_rotation @ chain
        result[row] = (tensor + tensor.T) / 2
    return result.reshape(*problem.batch, count, count)
