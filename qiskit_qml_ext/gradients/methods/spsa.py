"""Derivatives along random directions: two evaluations a direction, whatever the number of parameters."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import checked_seed, positive_number, whole_number
from qiskit_qml_ext.gradients.error_propagation import DirectionErrors
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.problem import Problem
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import unitary_part


class SPSAGradient(GradientMethod):
    """ĝ = Δ (f(θ+cΔ) - f(θ-cΔ))/(2c) with random signs Δ, averaged over directions.

    Unbiased for quadratic functions only: E ĝ_i = ∂_i f + c²/6 (∂_i³ f + 3 Σ_{j≠i} ∂_i ∂_j² f) + O(c⁴). One direction
    has |ĝ|² = P |∇f|² in the mean, so that the spread over directions, not shots, is most of its error: the standard
    errors come from that spread, and are not known (NaN) for a single direction. An object draws new directions at each
    call, every object with the same seed the same ones.

    Args:
        perturbation: c, in the unit of the parameters.
        num_directions: Directions at each point.
        seed: Seed of the directions.

    References:
        Spall, IEEE Trans. Autom. Control 37, 332 (1992).
    """

    name = "spsa"

    def __init__(self, *, perturbation: float = 0.1, num_directions: int = 1, seed: int | None = 0):
        self.perturbation = positive_number("perturbation", perturbation)
        self.num_directions = whole_number("num_directions", num_directions)
        self.seed = checked_seed("seed", seed)
        self.rng = np.random.default_rng(self.seed)
        """Where the directions come from."""

    def reason(self, connection: Connection) -> str | None:
        """Never the first choice."""
        return None

    def refusal(self, connection: Connection) -> str | None:
        """Refuse nothing."""
        return None

    def differentiate(self, problem: Problem, reason: str) -> JacobianEstimate:
        """Return the estimates, shape (B, M, C)."""
        shape = (len(problem.values), self.num_directions, len(problem.columns))
        return along(problem, self.rng.choice([-1.0, 1.0], shape), self.perturbation, reason)


def along(problem: Problem, directions: FloatArray, perturbation: float, reason: str) -> JacobianEstimate:
    """Return the mean of the estimates along given directions, shape (B, D, C) with entries ±1."""
    batch, number, _ = directions.shape
    moves = np.zeros((batch, number, problem.values.shape[1]))
    moves[:, :, list(problem.columns)] = perturbation * directions
    moves = np.concatenate([np.zeros((batch, 1, moves.shape[2])), moves, -moves], axis=1)
    points = (problem.values[:, None] + moves).reshape(batch * moves.shape[1], -1)
    circuit = unitary_part(problem.circuit, timing=True)
    readings = read(circuit, points, problem.observables, problem.connection)
    evs = readings.values.reshape(batch, 1 + 2 * number, -1)
    slopes = (evs[:, 1 : 1 + number] - evs[:, 1 + number :]) / (2 * perturbation)
    propagation = DirectionErrors(slopes, directions)
    return JacobianEstimate(
        values=evs[:, 0],
        jacobian=np.einsum("bdm,bdc->bmc", slopes, directions) / number,
        value_errors=readings.errors.reshape(evs.shape)[:, 0],
        standard_errors=propagation.of_jacobian(),
        method="spsa",
        reason=reason,
        target=problem.connection.target_name,
        conditions=problem.conditions,
        num_evaluations=len(points),
        parameters=problem.names,
        propagation=propagation,
        bias=f"order c² (c = {perturbation:g})",
    )
