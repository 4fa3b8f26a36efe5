"""Derivatives by shift rules: exact but for shots, on anything that estimates expectation values."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods.free_circuit import free_circuit
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.methods.shift_rules import shift_rule
from qiskit_qml_ext.gradients.problem import Problem
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.primitives import Connection


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
        free = free_circuit(problem.circuit)
        angles = free.angles(problem.values)
        slopes = free.slopes(problem.values)[:, :, list(problem.columns)]
        if not np.all(np.isfinite(slopes)):
            raise ValueError(
                "values lie where an angle of the circuit has no finite derivative (as arccos has at 1). Move them."
            )
        moved = np.flatnonzero(np.any(slopes != 0, axis=(0, 2)))
        rules = [shift_rule(free.frequencies[angle]) for angle in moved]
        starts = np.concatenate([[1], 1 + np.cumsum([rule.num_terms for rule in rules])]).astype(int)
        shifts = np.zeros((starts[-1], angles.shape[1]))
        for angle, rule, start in zip(moved, rules, starts, strict=False):
            shifts[start : start + rule.num_terms, angle] = rule.shifts
        points = free.in_order(angles[:, None, :] + shifts[None])
        batch, count = points.shape[:2]
        readings = read(free.circuit, points.reshape(batch * count, -1), problem.observables, problem.connection)
        evs = readings.values.reshape(batch, count, -1)
        variances = readings.errors.reshape(batch, count, -1) ** 2
        weights = np.zeros((len(moved), count))
        for place, (rule, start) in enumerate(zip(rules, starts, strict=False)):
            weights[place, start : start + rule.num_terms] = rule.coefficients
        by_angle = np.einsum("gs,bsm->bgm", weights, evs)
        noise = np.einsum("gs,bsm->bgm", weights**2, variances)
        return JacobianEstimate(
            values=evs[:, 0],
            jacobian=np.einsum("bgm,bgc->bmc", by_angle, slopes[:, moved]),
            value_errors=np.sqrt(variances[:, 0]),
            standard_errors=np.sqrt(np.einsum("bgm,bgc->bmc", noise, slopes[:, moved] ** 2)),
            method=self.name,
            reason=reason,
            target=problem.connection.target_name,
            num_evaluations=batch * count,
            parameters=problem.names,
        )
