"""Losses of trained models. To add one: write its file and list its class in ``LOSSES``."""

from qiskit_qml_ext.models.losses.choosing import LOSSES, compiled_loss, loss_of
from qiskit_qml_ext.models.losses.cross_entropy import CrossEntropyLoss
from qiskit_qml_ext.models.losses.hinge import HingeLoss
from qiskit_qml_ext.models.losses.huber import HuberLoss
from qiskit_qml_ext.models.losses.loss import GivesProbabilities, Loss, NamedLoss, evaluate_loss
from qiskit_qml_ext.models.losses.squared import SquaredLoss

__all__ = [
    "LOSSES",
    "CrossEntropyLoss",
    "GivesProbabilities",
    "HingeLoss",
    "HuberLoss",
    "Loss",
    "NamedLoss",
    "SquaredLoss",
    "compiled_loss",
    "evaluate_loss",
    "loss_of",
]
