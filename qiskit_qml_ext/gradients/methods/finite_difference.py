"""Derivatives by central differences of the fourth order: for anything that has values at all."""

from dataclasses import dataclass, replace

import numpy as np

from qiskit_qml_ext.checks import positive_number
from qiskit_qml_ext.gradients.error_propagation import AngleErrors, observables_are_independent
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.problem import Problem
from qiskit_qml_ext.gradients.readings import read
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import unitary_part

_STENCIL = np.array([-2.0, -1.0, 1.0, 2.0])
_WEIGHTS = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0  # f' = Σ w f(x + s h)/h + h⁴ f⁽⁵⁾/30
_EXACT_STEP = 1e-3  # rounding 1e-13 and h⁴ = 1e-12 balance
NOISY_STEP = 0.3  # σ/h against h⁴/30: the bias is below 3e-4 |f⁽⁵⁾|
_SAME = 1e-10  # rounding of expectation values, far below the noise of any number of shots


@dataclass(frozen=True)
class FiniteDifferenceGradient(GradientMethod):
    """(f(x-2h) - 8 f(x-h) + 8 f(x+h) - f(x+2h))/(12h) for each parameter, a bias of h⁴/30 times the fifth derivative.

    Standard errors are those of shots; the bias, which the estimate names, is not in them.
    """

    step: float | None = None
    """h in the unit of the parameter; by default 0.001 where values are exact and 0.3 elsewhere, where a small step
    would divide the noise of the shots by next to nothing. An estimator of your own is exact if it states no errors and
    gives the same values twice; to find that out, it is asked with both steps."""
    name = "finite_difference"

    def __post_init__(self) -> None:
        if self.step is not None:
            positive_number("step", self.step)

    def reason(self, connection: Connection) -> str | None:
        """Never the first choice."""
        return None

    def refusal(self, connection: Connection) -> str | None:
        """Refuse nothing."""
        return None

    def differentiate(self, problem: Problem, reason: str) -> JacobianEstimate:
        """Return the derivatives, shape (B, M, C)."""
        if self.step is not None or problem.connection.is_exact:
            return self._differences(problem, reason, self.step or _EXACT_STEP)
        estimate = self._differences(problem, reason, NOISY_STEP)
        if np.any(estimate.value_errors) or np.any(estimate.standard_errors):
            return estimate
        again = self._differences(problem, reason, _EXACT_STEP)
        errors = np.any(again.value_errors) or np.any(again.standard_errors)
        exact = not errors and np.allclose(again.values, estimate.values, rtol=_SAME, atol=_SAME)
        evaluations = estimate.num_evaluations + again.num_evaluations
        return replace(again if exact else estimate, num_evaluations=evaluations)

    def _differences(self, problem: Problem, reason: str, step: float) -> JacobianEstimate:
        """Return the differences with one step."""
        columns, batch = list(problem.columns), len(problem.values)
        moves = np.zeros((1 + 4 * len(columns), problem.values.shape[1]))
        for place, column in enumerate(columns):
            moves[1 + 4 * place : 5 + 4 * place, column] = step * _STENCIL
        points = (problem.values[:, None] + moves[None]).reshape(batch * len(moves), -1)
        circuit = unitary_part(problem.circuit, timing=True)
        readings = read(circuit, points, problem.observables, problem.connection)
        evs = readings.values.reshape(batch, len(moves), -1)
        errors = readings.errors.reshape(evs.shape)
        shape = (batch, len(columns), 4, evs.shape[2])
        weights = _WEIGHTS / step
        variances = np.einsum("s,bcsm->bcm", weights**2, errors[:, 1:].reshape(shape) ** 2)
        propagation = AngleErrors(
            errors=np.sqrt(variances),
            slopes=np.broadcast_to(np.eye(len(columns)), (batch, len(columns), len(columns))),
            angles_independent=True,
            observables_independent=observables_are_independent(problem.connection),
        )
        return JacobianEstimate(
            values=evs[:, 0],
            jacobian=np.einsum("s,bcsm->bmc", weights, evs[:, 1:].reshape(shape)),
            value_errors=errors[:, 0],
            standard_errors=propagation.of_jacobian(),
            method=self.name,
            reason=reason,
            target=problem.connection.target_name,
            conditions=problem.conditions,
            num_evaluations=len(points),
            parameters=problem.names,
            propagation=propagation,
            bias=f"h⁴/30 times the fifth derivative (h = {step:g})",
        )
