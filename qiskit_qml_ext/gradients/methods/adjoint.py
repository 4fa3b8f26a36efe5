"""Exact derivatives by the adjoint method: one pass forwards and one back for each observable."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.engine import expectation_jacobian
from qiskit_qml_ext.gradients.error_propagation import NoErrors
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.problem import Problem
from qiskit_qml_ext.primitives import Connection
from qiskit_qml_ext.program import lower


@dataclass(frozen=True)
class AdjointGradient(GradientMethod):
    """Exact, by all parameters at once, for any gate that the engine simulates. It needs an exact connection.

    References:
        Jones and Gacon, arXiv:2009.02823, algorithm 1.
    """

    name = "adjoint"

    def reason(self, connection: Connection) -> str | None:
        """Take exact connections."""
        return "The connection is exact: states are differentiated." if connection.is_exact else None

    def refusal(self, connection: Connection) -> str | None:
        """Refuse shots and devices."""
        return None if connection.is_exact else "it needs states, which only an exact connection has."

    def differentiate(self, problem: Problem, reason: str) -> JacobianEstimate:
        """Return exact derivatives, shape (B, M, C)."""
        connection = problem.connection
        values, jacobian = expectation_jacobian(
            lower(problem.circuit),
            problem.values,
            problem.observables,
            dtype=connection.dtype,
            max_memory=connection.max_memory,
        )
        chosen = np.asarray(jacobian[:, :, list(problem.columns)], dtype=np.float64)
        return JacobianEstimate(
            values=np.asarray(values, dtype=np.float64),
            jacobian=chosen,
            value_errors=np.zeros(values.shape),
            standard_errors=np.zeros(chosen.shape),
            method=self.name,
            reason=reason,
            target=connection.target_name,
            num_evaluations=len(problem.values),
            parameters=problem.names,
            propagation=NoErrors((*values.shape, len(problem.columns))),
        )
