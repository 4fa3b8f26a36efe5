"""Derivatives by shift rules: exact but for shots, on anything that estimates expectation values."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.checks import wrong_value
from qiskit_qml_ext.gradients.error_propagation import AngleErrors, observables_are_independent
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.methods.shifted_points import shifted_points
from qiskit_qml_ext.gradients.problem import Problem, why_not_states
from qiskit_qml_ext.gradients.readings import Question, read_all
from qiskit_qml_ext.primitives import Connection

_SPLITS = ("auto", "by_coefficient", "equal")
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

    split: str = "auto"
    """How shots are split between the terms of a rule, whose sum stays the same: ``"by_coefficient"`` gives term i the
    share |c_i|/Σ|c|, the best where nothing is known of the terms' variances; ``"equal"`` the connection's shots to
    each. They differ for rules of more than two terms: four terms have a variance of σ²/S instead of 1.5 σ²/S. Terms
    with other shots are other PUBs, so that ``"auto"`` splits on simulators only: devices would run more jobs."""
    name = "parameter_shift"

    def __post_init__(self) -> None:
        if self.split not in _SPLITS:
            raise wrong_value("split", f"one of {', '.join(map(repr, _SPLITS))}", self.split)

    def reason(self, connection: Connection) -> str | None:
        """Take whatever is not exact."""
        if connection.is_exact:
            return None
        return f"{why_not_states(connection)} shift rules have no bias of their own."

    def refusal(self, connection: Connection) -> str | None:
        """Refuse to split shots that the connection does not know."""
        if self.split != "by_coefficient" or connection.is_exact or connection.shots is not None:
            return None
        return "split='by_coefficient' needs the connection's shots, but a primitive of your own has its own."

    def differentiate(self, problem: Problem, reason: str) -> JacobianEstimate:
        """Return the derivatives, shape (B, M, C)."""
        shifted = shifted_points(problem.circuit, problem.values, problem.columns)
        batch, count, _ = shifted.points.shape
        shares = np.tile(shifted.shares, batch) if self._splits(problem.connection) else None
        question = Question(shifted.circuit, shifted.rows, problem.observables, shares)
        readings = read_all([question], problem.connection)[0]
        shape = (batch, count, len(problem.observables))
        values, errors = readings.values.reshape(shape), readings.errors.reshape(shape)
        propagation = AngleErrors(
            errors=shifted.errors(errors),
            slopes=shifted.slopes,
            angles_independent=True,  # a primitive that may repeat its noise has one PUB
            observables_independent=observables_are_independent(problem.connection),
        )
        return JacobianEstimate(
            values=values[:, 0],
            jacobian=shifted.derivatives(values),
            value_errors=errors[:, 0],
            standard_errors=propagation.of_jacobian(),
            method=self.name,
            reason=reason if shifted.keeps_gates else f"{reason} {_TAKEN_APART}",
            target=problem.connection.target_name,
            conditions=problem.conditions,
            num_evaluations=len(shifted.rows),
            parameters=problem.names,
            propagation=propagation,
        )

    def _splits(self, connection: Connection) -> bool:
        return not connection.is_exact and (
            self.split == "by_coefficient" or (self.split == "auto" and connection.may_vary_shots)
        )
