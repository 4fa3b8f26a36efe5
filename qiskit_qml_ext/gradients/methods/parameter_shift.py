"""Derivatives by shift rules: exact but for shots, on anything that estimates expectation values."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.methods.shifted_points import shifted_points
from qiskit_qml_ext.gradients.problem import Problem
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.primitives import Connection

_TAKEN_APART = (
    "The circuit ran as Pauli rotations, not in its own gates: one of them has no few frequencies (an evolution under "
    "terms that do not commute, or a gate with modifiers)."
)


@dataclass(frozen=True)
class ParameterShiftGradient(GradientMethod):
    """Every free angle of a gate is shifted by the rule of its own frequencies, and the chain rule does the rest.

    Two terms for a rotation or a controlled phase, four for a controlled rotation, 2R for R frequencies. A parameter of
    several gates, or in an expression, is the sum over its gates: ∂C/∂θ = Σ_g ∂C/∂φ_g · ∂φ_g/∂θ. All points of all
    samples are one PUB. Standard errors follow from those of the estimator.

    References:
        Mitarai et al., arXiv:1803.00745; Schuld et al., arXiv:1811.11184; Wierichs et al., arXiv:2107.12390.
    """

    name = "parameter_shift"

    def reason(self, connection: Connection) -> str | None:
        """Take whatever is not exact."""
        if connection.is_exact:
            return None
        return f"Values on {connection.target_name} are estimates: shift rules have no bias, whatever the noise."

    def refusal(self, connection: Connection) -> str | None:
        """Refuse nothing."""
        return None

    def differentiate(self, problem: Problem, reason: str) -> JacobianEstimate:
        """Return the derivatives, shape (B, M, C)."""
        shifted = shifted_points(problem.circuit, problem.values, problem.columns)
        readings = read(shifted.circuit, shifted.rows, problem.observables, problem.connection)
        shape = (*shifted.points.shape[:2], len(problem.observables))
        values, variances = readings.values.reshape(shape), readings.errors.reshape(shape) ** 2
        return JacobianEstimate(
            values=values[:, 0],
            jacobian=shifted.derivatives(values),
            value_errors=np.sqrt(variances[:, 0]),
            standard_errors=np.sqrt(shifted.variances(variances)),
            method=self.name,
            reason=reason if shifted.keeps_gates else f"{reason} {_TAKEN_APART}",
            target=problem.connection.target_name,
            num_evaluations=len(shifted.rows),
            parameters=problem.names,
        )
