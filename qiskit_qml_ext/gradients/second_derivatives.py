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

_MAX_NUMBERS = 1 << 23  # derivatives that are held at a time: 64 MiB


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
    size = count * len(lower(circuit).rotations) ** 2
    step = max(1, _MAX_NUMBERS // max(size, 1))
    for start in range(0, len(problem.values), step):
        rows = slice(start, start + step)
        result[rows] = _at(problem, problem.values[rows])
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


def _at(problem: Problem, points: FloatArray) -> FloatArray:
    """The Hessians at some points, shape (B, M, C, C)."""
    program, where = lower(problem.circuit), problem.connection
    angles, slopes = angles_and_slopes(program, points, problem.columns)
    moved = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
    number = len(moved)
    shifts = np.zeros((1 + 2 * number, angles.shape[1]))
    shifts[1 + np.arange(number), moved] = np.pi / 2
    shifts[1 + number + np.arange(number), moved] = -np.pi / 2
    shifted = (angles[:, None] + shifts).reshape(len(points) * len(shifts), -1)
    _, read = expectation_jacobian(
        program_with_free_angles(program),
        shifted,
        problem.observables,
        dtype=where.dtype,
        max_memory=where.max_memory,
    )
    gradients = np.asarray(read, dtype=np.float64).reshape(len(points), len(shifts), len(problem.observables), -1)
    second = (gradients[:, 1 : 1 + number] - gradients[:, 1 + number :])[..., moved] / 2
    chain = slopes[:, moved]
    result = np.einsum("bgmh,bgk,bhl->bmkl", second, chain, chain, optimize=True)
    return (result + result.swapaxes(2, 3)) / 2 + _curvatures(problem, gradients[:, 0], points)


def _curvatures(problem: Problem, first: FloatArray, points: FloatArray) -> FloatArray:
    """Σ_g D_g ∂_k∂_lφ_g for each observable, shape (B, M, C, C)."""
    program, columns = lower(problem.circuit), list(problem.columns)
    batch, count, _ = first.shape
    weights = np.zeros((batch, count, program.angles.num_angles))
    for place, rotation in enumerate(program.rotations):
        weights[:, :, rotation.angle] += first[:, :, place]
    full = program.angles.curvature(np.repeat(points, count, axis=0), weights.reshape(batch * count, -1))
    return full[:, columns][:, :, columns].reshape(batch, count, len(columns), len(columns))
