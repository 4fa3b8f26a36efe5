"""Exact products of Hessians with vectors, from a fixed number of gradients."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.engine import expectation_jacobian
from qiskit_qml_ext.gradients.problem import Problem
from qiskit_qml_ext.gradients.second_derivatives import curvatures, finite, require_exact
from qiskit_qml_ext.program import angles_and_slopes, lower, program_with_free_angles

_PLACES = np.array([1.0, 2.0, 3.0, 4.0])
_WEIGHTS = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])  # f' = Σ w (f(x+ph) - f(x-ph))/h + h⁸ f⁽⁹⁾/630
_MAX_NUMBERS = 1 << 23  # derivatives that are held at a time: 64 MiB

NUM_GRADIENTS = 1 + 2 * len(_PLACES)
"""Gradients that a product takes."""


def hessian_products(problem: Problem, tangents: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return expectation values (B, M) and Σ_l ∂_k ∂_l ⟨O⟩ tangents_l, shape (B, M, C).

    Args:
        problem: What to differentiate, on an exact connection.
        tangents: The vectors, shape (B, C).
    """
    require_exact(problem.connection, "hvp", "Take the product with hessian(…) there.")
    count = len(problem.observables)
    values = np.zeros((len(problem.values), count))
    products = np.zeros((len(problem.values), count, len(problem.columns)))
    size = NUM_GRADIENTS * count * len(lower(problem.circuit).rotations)
    step = max(1, _MAX_NUMBERS // max(size, 1))
    for start in range(0, len(problem.values), step):
        rows = slice(start, start + step)
        values[rows], products[rows] = _at(problem, problem.values[rows], tangents[rows])
    return values, products


def _at(problem: Problem, points: FloatArray, tangents: FloatArray) -> tuple[FloatArray, FloatArray]:
    program, where = lower(problem.circuit), problem.connection
    angles, slopes = angles_and_slopes(program, points, problem.columns)
    finite(slopes)
    direction = np.einsum("brc,bc->br", slopes, tangents)
    frequency = np.sum(np.abs(direction), axis=1)  # by Bernstein |f⁽⁹⁾| <= frequency⁹ max|f|
    unit = direction / np.where(frequency > 0, frequency, 1.0)[:, None]
    # where h⁸/630 meets the rounding of gradients over h, a few units of the last place
    step = 2 * np.finfo(where.dtype).eps ** (1 / 9)
    places = step * np.concatenate([[0.0], _PLACES, -_PLACES])
    moved = angles[:, None, :] + places[None, :, None] * unit[:, None, :]
    expected, read = expectation_jacobian(
        program_with_free_angles(program),
        moved.reshape(len(points) * NUM_GRADIENTS, -1),
        problem.observables,
        dtype=where.dtype,
        max_memory=where.max_memory,
    )
    shape = (len(points), NUM_GRADIENTS, len(problem.observables), -1)
    gradients = np.asarray(read, dtype=np.float64).reshape(*shape[:3], angles.shape[1])
    weights = np.concatenate([[0.0], _WEIGHTS, -_WEIGHTS]) / step
    along = np.einsum("s,bsmr,b->bmr", weights, gradients, frequency)
    products = np.einsum("bmr,brc->bmc", along, slopes)
    if not program.angles.is_affine:
        products += np.einsum("bmkl,bl->bmk", curvatures(problem, gradients[:, 0], points), tangents)
    values = np.asarray(expected, dtype=np.float64).reshape(shape[:3])[:, 0]
    return values, products
