"""Hessians of expectation values: exact ones by shifting exact gradients, estimated ones by shifting twice."""

from collections.abc import Sequence

import numpy as np
from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.engine import Observable, expectation_jacobian
from qiskit_qml_ext.gradients.matrix_estimate import MatrixEstimate
from qiskit_qml_ext.gradients.methods.double_shifts import double_shifts
from qiskit_qml_ext.gradients.parameter_rows import ParameterChoice, ParameterValues, check_choice, chosen_columns
from qiskit_qml_ext.gradients.problem import Problem, pose, why_not_states
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import angles_and_slopes, lower, program_with_free_angles

_MAX_NUMBERS = 1 << 23  # derivatives that are held at a time: 64 MiB


@check_arguments(parameters=check_choice, other_parameters=check_choice)
def hessian(
    circuit: QuantumCircuit,
    observables: Observable | Sequence[Observable],
    values: ParameterValues,
    *,
    connection: Connection | None = None,
    parameters: ParameterChoice | None = None,
    other_parameters: ParameterChoice | None = None,
) -> MatrixEstimate:
    """Return the second derivatives of expectation values, or a block of them, with standard errors.

    With free angles φ_g(θ), D_g = ∂C/∂φ_g and D_gh = ∂²C/∂φ_g∂φ_h,

        ∂_k ∂_l C = Σ_gh ∂_kφ_g ∂_lφ_h D_gh + Σ_g ∂_k∂_lφ_g D_g.

    On exact connections D_gh is the two-term rule on exact gradients, two of them for each rotation that the smaller
    side of the block moves: second derivatives by one input and all weights cost a few gradients. Elsewhere each D_gh
    is the product of two shift rules, in the user's own gates: 4 evaluations a pair of rotations, 2 for D_gg, so that
    whole Hessians are for small circuits.

    Args:
        circuit: The circuit.
        observables: One observable or a list of M.
        values: Parameter values, shape (…, P), or by name; see :func:`jacobian`.
        connection: Where circuits run; exact by default.
        parameters: Positions or names of what the rows belong to; all by default.
        other_parameters: Positions or names of what the columns belong to; those of the rows by default.

    Returns:
        The estimate; its ``matrix`` has the shape (…, M, rows, columns), without an axis for a single observable.
        Estimates are symmetric as exact ones are.

    Raises:
        ValueError: Shapes do not fit, or an angle has no finite derivative.
        UnsupportedObservableError: An estimator cannot measure an observable.

    Example:
        >>> from qiskit.circuit import Parameter
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("a"), 0)
        >>> hessian(circuit, SparsePauliOp("Z"), [0.5]).matrix.round(6).tolist()  # -cos(0.5)
        [[-0.877583]]
    """
    problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
    others = problem.columns
    if other_parameters is not None:
        others = chosen_columns("other_parameters", other_parameters, circuit)
    found = _exact(problem, others) if problem.connection.is_exact else _estimated(problem, others)
    matrix, errors, method, reason, evaluations = found
    outer = (*problem.batch, *problem.axis, len(problem.columns), len(others))
    names = [parameter.name for parameter in circuit.parameters]
    return MatrixEstimate(
        matrix=matrix.reshape(outer),
        standard_errors=errors.reshape(outer),
        method=method,
        reason=reason,
        target=problem.connection.target_name,
        conditions=problem.conditions,
        num_evaluations=evaluations,
        rows=problem.names,
        columns=tuple(names[place] for place in others),
    )


def require_exact(connection: Connection, what: str, remedy: str) -> None:
    """Refuse a connection that is not exact.

    Raises:
        ValueError: It has shots, or runs elsewhere.
    """
    if not connection.is_exact:
        raise ValueError(
            f"connection must be exact for {what}, which is computed from states, but {connection!r} came. {remedy}"
        )


def finite(slopes: FloatArray) -> None:
    """Refuse points where an angle has no derivative.

    Raises:
        ValueError: One of these is not finite.
    """
    if not np.all(np.isfinite(slopes)):
        raise ValueError(
            "values lie where an angle of the circuit has no finite derivative (as arccos has at 1). Move them."
        )


def curvatures(problem: Problem, first: FloatArray, points: FloatArray) -> FloatArray:
    """Return Σ_g D_g ∂_k∂_lφ_g for each observable.

    Args:
        problem: The circuit and the parameters.
        first: Derivatives by the rotations' own angles, shape (B, M, R).
        points: Parameter values, shape (B, P).

    Returns:
        Shape (B, M, C, C).
    """
    return _curvatures(problem, first, points, problem.columns)


_Found = tuple[FloatArray, FloatArray, str, str, int]


def _exact(problem: Problem, others: tuple[int, ...]) -> _Found:
    """The Hessians with their errors, the method, why and the evaluations."""
    shape = (len(problem.values), len(problem.observables), len(problem.columns), len(others))
    result, evaluations = np.zeros(shape), 0
    size = len(problem.observables) * len(lower(problem.circuit).rotations) ** 2
    step = max(1, _MAX_NUMBERS // max(size, 1))
    for start in range(0, len(problem.values), step):
        rows = slice(start, start + step)
        result[rows], count = _at(problem, problem.values[rows], others)
        evaluations += count
    reason = "The connection is exact: gradients by states are shifted."
    return result, np.zeros(shape), "adjoint", reason, evaluations


def _at(problem: Problem, points: FloatArray, others: tuple[int, ...]) -> tuple[FloatArray, int]:
    """The Hessians at some points, shape (B, M, rows, columns), and how many gradients were taken."""
    program, where = lower(problem.circuit), problem.connection
    angles, by_rows = angles_and_slopes(program, points, problem.columns)
    by_columns = angles_and_slopes(program, points, others)[1]
    finite(by_rows)
    finite(by_columns)
    sides = [np.flatnonzero(np.any(slopes != 0, axis=(0, 2))) for slopes in (by_rows, by_columns)]
    swapped = len(sides[1]) < len(sides[0])
    moved, slopes, rest = (sides[1], by_columns, by_rows) if swapped else (sides[0], by_rows, by_columns)
    number = len(moved)
    shifts = np.zeros((1 + 2 * number, angles.shape[1]))
    shifts[1 + np.arange(number), moved] = np.pi / 2
    shifts[1 + number + np.arange(number), moved] = -np.pi / 2
    shifted = (angles[:, None] + shifts).reshape(len(points) * len(shifts), -1)
    _, taken = expectation_jacobian(
        program_with_free_angles(program),
        shifted,
        problem.observables,
        dtype=where.dtype,
        max_memory=where.max_memory,
    )
    shape = (len(points), len(shifts), len(problem.observables), angles.shape[1])
    gradients = np.asarray(taken, dtype=np.float64).reshape(shape)
    second = (gradients[:, 1 : 1 + number] - gradients[:, 1 + number :]) / 2
    result = np.einsum("bgmh,bgk,bhl->bmkl", second, slopes[:, moved], rest, optimize=True)
    result = result.swapaxes(2, 3) if swapped else result
    if others == problem.columns:
        result = (result + result.swapaxes(2, 3)) / 2
    return result + _curvatures(problem, gradients[:, 0], points, others), len(shifted)


def _curvatures(problem: Problem, first: FloatArray, points: FloatArray, others: tuple[int, ...]) -> FloatArray:
    """Σ_g D_g ∂_k∂_lφ_g for each observable, shape (B, M, rows, columns)."""
    program = lower(problem.circuit)
    batch, count, _ = first.shape
    if program.angles.is_affine:
        return np.zeros((batch, count, len(problem.columns), len(others)))
    weights = np.zeros((batch, count, program.angles.num_angles))
    for place, rotation in enumerate(program.rotations):
        weights[:, :, rotation.angle] += first[:, :, place]
    full = program.angles.curvature(np.repeat(points, count, axis=0), weights.reshape(batch * count, -1))
    block = full[:, list(problem.columns)][:, :, list(others)]
    return block.reshape(batch, count, len(problem.columns), len(others))


def _estimated(problem: Problem, others: tuple[int, ...]) -> _Found:
    shifts = double_shifts(problem.circuit, problem.values, problem.columns, others)
    readings = read(shifts.circuit, shifts.rows, problem.observables, problem.connection)
    shape = (len(problem.values), shifts.num_points, len(problem.observables))
    matrix = shifts.combined(readings.values.reshape(shape))
    errors = shifts.combined_errors(readings.errors.reshape(shape))
    reason = f"{why_not_states(problem.connection)} shift rules have no bias of their own."
    return matrix, errors, "parameter_shift", reason, len(shifts.rows)
