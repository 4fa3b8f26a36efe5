"""From a name, or a loss, to the loss."""

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.checks.callables import can_take
from qiskit_qml_ext.kernels.losses.alignment import AlignmentLoss
from qiskit_qml_ext.kernels.losses.likelihood import LikelihoodLoss
from qiskit_qml_ext.kernels.losses.loss import KernelLoss, NamedKernelLoss
from qiskit_qml_ext.kernels.losses.svc import SVCLoss
from qiskit_qml_ext.kernels.losses.svr import SVRLoss

KERNEL_LOSSES: dict[str, type[NamedKernelLoss]] = {
    loss.name: loss for loss in (AlignmentLoss, LikelihoodLoss, SVCLoss, SVRLoss)
}
"""The losses by their short names."""


def kernel_loss_of(loss: object, task: str) -> KernelLoss:
    """Return the loss for a name or a callable.

    Args:
        loss: A name of :data:`KERNEL_LOSSES`, one of its classes' objects, or a callable with the signature of
            :class:`KernelLoss`.
        task: ``"classification"`` or ``"regression"``.

    Raises:
        TypeError: If it is neither a name nor a callable of two arguments.
        ValueError: If there is no such name, or it is no loss for the task; the message lists those that are.
    """
    names = ", ".join(repr(name) for name, kind in sorted(KERNEL_LOSSES.items()) if task in kind.tasks)
    chosen = KERNEL_LOSSES[loss]() if isinstance(loss, str) and loss in KERNEL_LOSSES else loss
    if isinstance(chosen, str) or (isinstance(chosen, NamedKernelLoss) and task not in chosen.tasks):
        raise wrong_value("loss", f"one of {names} or a callable for {task}", loss)
    if isinstance(chosen, type) or not callable(chosen) or not can_take(chosen, None, None):
        raise wrong_kind("loss", f"one of {names} or a callable loss(matrix, targets)", loss)
    return chosen
