"""Which evaluator and which gradient method a model takes, and why."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.engine import Observable
from qiskit_qml_ext.gradients import AdjointGradient, GradientMethod
from qiskit_qml_ext.gradients.methods import METHODS, choose_method
from qiskit_qml_ext.models.variational.connected_evaluator import ConnectedEvaluator
from qiskit_qml_ext.models.variational.evaluator import Evaluator, ExactEvaluator
from qiskit_qml_ext.models.variational.model_circuit import ModelCircuit
from qiskit_qml_ext.optimizers import Optimizer
from qiskit_qml_ext.primitives import Connection, connect


@dataclass(frozen=True)
class ChosenGradient:
    """How a model finds the gradient of its loss."""

    method: str | None
    """The name of the method; ``None`` where the optimizer takes values only."""
    reason: str
    """Why it is the one, in a sentence."""


def choose_evaluator(
    model: ModelCircuit,
    observables: Sequence[Observable],
    connection: object,
    gradient: object,
    optimizer: Optimizer,
) -> tuple[Evaluator, ChosenGradient]:
    """Return where a model's circuit is evaluated, and how its gradient is found.

    Args:
        model: The circuit.
        observables: What is read.
        connection: A connection; ``None`` is exact.
        gradient: ``"auto"``, the name of a gradient method, or such an object, which is copied.
        optimizer: What will ask for gradients, if it does.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If the method cannot be used on the connection, or was asked for with an optimizer that takes no
            gradients.
        UnsupportedObservableError: If the connection cannot measure an observable.
    """
    where = _checked_connection(connection)
    method, reason = _chosen_method(gradient, where)
    refusal = method.refusal(where)
    if refusal is not None:
        raise ValueError(
            f"gradient={gradient!r} cannot be used on {where!r}: {refusal} Use gradient='auto', which takes "
            f"{choose_method('auto', where)[0].name!r} there."
        )
    chosen = ChosenGradient(method.name, reason)
    if not getattr(optimizer, "takes_gradients", True):
        if gradient != "auto":
            raise ValueError(
                f"gradient={gradient!r} came, but the optimizer {optimizer!r} takes values only. Use gradient='auto', "
                "or an optimizer that takes gradients, such as 'adam'."
            )
        chosen = ChosenGradient(None, "The optimizer takes values of the loss only.")
    if where.is_exact and isinstance(method, AdjointGradient):
        return ExactEvaluator(model, observables, where), chosen
    return ConnectedEvaluator(model, observables, where, method), chosen


def _checked_connection(connection: object) -> Connection:
    if connection is None:
        return connect()
    if not isinstance(connection, Connection):
        raise wrong_kind("connection", "what connect(…) returns, or None", connection)
    return connection


def _chosen_method(gradient: object, connection: Connection) -> tuple[GradientMethod, str]:
    names = ("auto", *METHODS)
    if isinstance(gradient, str):
        if gradient not in names:
            raise wrong_value("gradient", f"one of {', '.join(map(repr, names))}, or a gradient method", gradient)
        return choose_method(gradient, connection)
    if isinstance(gradient, type) or not isinstance(gradient, GradientMethod):
        raise wrong_kind("gradient", f"one of {', '.join(map(repr, names))}, or a gradient method", gradient)
    return choose_method(deepcopy(gradient), connection)
