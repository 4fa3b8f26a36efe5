"""Exact Hessians of expectation values, by shifting exact gradients."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.engine import Observable, expectation_jacobian
from qiskit_qml_ext.gradients.problem import POSITIONS, Problem, pose
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import angles_and_slopes, lower, program_with_free_angles


@check_arguments(parameters=POSITIONS)
def hessian(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: npt.ArrayLike,
    *,
    connection: Connection | None = None,
    parameters: Sequence[int] | None = None,
) -> FloatArray:
    """Return the exact second derivatives of expectation values.

    With the rotations' own angles φ_g(θ), D_g = ∂C/∂φ_g and D_gh = ∂²C/∂φ_g∂φ_h,

        ∂_k ∂_l C = Σ_gh ∂_kφ_g ∂_lφ_h D_gh + Σ_g ∂_k∂_lφ_g D_g,

    where D_gh is the two-term rule on exact gradients: 2 R gradients for R rotations.

    Args:
        circuit: The circuit.
        observables: One observable or a list of M.
        values: Parameter values, shape (…, P).
        connection: An exact connection; the default.
        parameters: Positions to differentiate by; all by default.

    Returns:
        Symmetric matrices, shape (…, M, parameters, parameters), without an axis for a single observable.

    Raises:
        ValueError: The connection is not exact, or shapes do not fit.
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    require_exact(problem.connection, "hessian")
    count, columns = len(problem.observables), len(problem.columns)
    result = np.zeros((len(problem.values), count, columns, columns))
    for row in range(len(problem.values)):
        result[row] = _at(problem, problem.values[row : row + 1])
    return result.reshape(*problem.batch, *problem.axis, columns, columns)


def require_exact(connection: Connection, what: str) -> None:
    """Refuse a connection that is not exact.

    Raises:
        ValueError: It has shots, or runs elsewhere.
    """
    if not connection.is_exact:
        raise ValueError(
            f"connection must be exact for {what}, which is computed from states, but {connection!r} came."
        )


def _at(problem: Problem, point: FloatArray) -> FloatArray:
    """The Hessians at one point, shape (M, C, C)."""
    program = lower(problem.circuit)
    where, columns = problem.connection, list(problem.columns)
    angles, slopes = angles_and_slopes(program, point, columns)
    moved = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
    shifts = np.zeros((1 + 2 * len(moved), angles.shape[1]))
    shifts[1 + np.arange(len(moved)), moved] = np.pi / 2
    shifts[1 + len(moved) + np.arange(len(moved)), moved] = -np.pi / 2
    _, gradients = expectation_jacobian(
        program_with_free_angles(program),
        angles + shifts,
        problem.observables,
        dtype=where.dtype,
        max_memory=where.max_memory,
    )
    first = np.asarray(gradients[0], dtype=np.float64)
    up, down = gradients[1 : 1 + len(moved)], gradients[1 + len(moved) :]
    second = np.asarray((up - down)[:, :, moved] / 2, dtype=np.float64)
    chain = slopes[0, moved]
    result = np.einsum("gmh,gk,hl->mkl", second, chain, chain)
    result = (result + result.transpose(0, 2, 1)) / 2
    return result + _curvatures(problem, first, point)


def _curvatures(problem: Problem, first: FloatArray, point: FloatArray) -> FloatArray:
    """Σ_g D_g ∂_k∂_lφ_g for each observable, shape (M, C, C)."""
    program = lower(problem.circuit)
    weights = np.zeros((len(first), program.angles.num_angles))
    for place, rotation in enumerate(program.rotations):
        weights[:, rotation.angle] += first[:, place]
    full = program.angles.curvature(np.repeat(point, len(first), axis=0), weights)
    return full[:, list(problem.columns)][:, :, list(problem.columns)]
