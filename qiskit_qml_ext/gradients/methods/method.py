"""What a gradient method is: the small objects of this folder, one file each."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy.typing as npt
from qiskit import QuantumCircuit

from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.problem import Problem, pose
from qiskit_qml_ext.primitives import Connection


@runtime_checkable
class GradientMethod(Protocol):
    """A way to find the derivatives of expectation values; a class of one inherits the call that all share."""

    @property
    def name(self) -> str:
        """What ``method=`` calls it."""

    def reason(self, connection: Connection) -> str | None:
        """Say why ``"auto"`` takes this method on a connection; ``None`` if it does not suit."""

    def refusal(self, connection: Connection) -> str | None:
        """Say why the method cannot be used on a connection; ``None`` if it can."""

    def differentiate(self, problem: Problem, reason: str) -> JacobianEstimate:
        """Return the derivatives, shape (B, M, C)."""

    def jacobian(
        self,
        circuit: QuantumCircuit,
        observables: Observable | Sequence[Observable],
        values: npt.ArrayLike,
        *,
        parameters: Sequence[int] | None = None,
        connection: Connection | None = None,
    ) -> JacobianEstimate:
        """Return ⟨O⟩ and its derivatives; see :func:`qiskit_qml_ext.gradients.jacobian`."""
        problem = pose(circuit, observables, values, parameters=parameters, connection=connection)
        return differentiate(self, problem, "It was asked for.")


def differentiate(method: GradientMethod, problem: Problem, reason: str) -> JacobianEstimate:
    """Return what a method makes of a problem, with the axes that were given.

    Raises:
        ValueError: The method cannot be used on the connection.
    """
    refusal = method.refusal(problem.connection)
    if refusal is not None:
        raise ValueError(f"method={method.name!r} cannot be used on {problem.connection!r}: {refusal}")
    return method.differentiate(problem, reason).shaped(problem.batch, problem.axis)
