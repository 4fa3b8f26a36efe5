"""From a name, or a loss, to the loss."""

from qiskit_qml_ext.checks import positive_number, wrong_kind, wrong_value
from qiskit_qml_ext.checks.callables import can_take
from qiskit_qml_ext.engine.compiled.training import CROSS_ENTROPY, HINGE, HUBER, SQUARED
from qiskit_qml_ext.models.losses.cross_entropy import CrossEntropyLoss
from qiskit_qml_ext.models.losses.hinge import HingeLoss
from qiskit_qml_ext.models.losses.huber import HuberLoss
from qiskit_qml_ext.models.losses.loss import Loss, NamedLoss
from qiskit_qml_ext.models.losses.squared import SquaredLoss

LOSSES: dict[str, type[NamedLoss]] = {loss.name: loss for loss in (CrossEntropyLoss, HingeLoss, HuberLoss, SquaredLoss)}
"""The losses by their short names."""


_COMPILED: dict[type, int] = {SquaredLoss: SQUARED, HuberLoss: HUBER, HingeLoss: HINGE, CrossEntropyLoss: CROSS_ENTROPY}


def compiled_loss(loss: Loss) -> tuple[int, float] | None:
    """Return which compiled loss is the same, and its setting; ``None`` for a loss of one's own, subclasses included.

    Raises:
        ValueError: If the setting is not valid.
    """
    kind = _COMPILED.get(type(loss))
    if kind is None:
        return None
    return kind, positive_number("delta", loss.delta) if isinstance(loss, HuberLoss) else 0.0


def loss_of(loss: object, task: str) -> Loss:
    """Return the loss for a name or a callable.

    Args:
        loss: A name of :data:`LOSSES`, one of its classes' objects, or a callable with the signature of :class:`Loss`.
        task: ``"classification"`` or ``"regression"``.

    Raises:
        TypeError: If it is neither a name nor a callable of two arguments.
        ValueError: If there is no such name, or it is no loss for the task; the message lists those that are.
    """
    names = ", ".join(repr(name) for name, kind in sorted(LOSSES.items()) if task in kind.tasks)
    chosen = LOSSES[loss]() if isinstance(loss, str) and loss in LOSSES else loss
    if isinstance(chosen, str) or (isinstance(chosen, NamedLoss) and task not in chosen.tasks):
        raise wrong_value("loss", f"one of {names} or a callable for {task}", loss)
    if isinstance(chosen, type) or not callable(chosen) or not can_take(chosen, None, None):
        raise wrong_kind("loss", f"one of {names} or a callable loss(outputs, targets)", loss)
    return chosen
