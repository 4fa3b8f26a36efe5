"""Losses of kernel matrices. To add one: write its file and list its class in ``KERNEL_LOSSES``."""

from qiskit_qml_ext.kernels.losses.alignment import AlignmentLoss
from qiskit_qml_ext.kernels.losses.choosing import KERNEL_LOSSES, kernel_loss_of
from qiskit_qml_ext.kernels.losses.likelihood import LikelihoodLoss
from qiskit_qml_ext.kernels.losses.loss import KernelLoss, NamedKernelLoss, evaluate_kernel_loss
from qiskit_qml_ext.kernels.losses.svc import SVCLoss
from qiskit_qml_ext.kernels.losses.svr import SVRLoss

__all__ = [
    "KERNEL_LOSSES",
    "AlignmentLoss",
    "KernelLoss",
    "LikelihoodLoss",
    "NamedKernelLoss",
    "SVCLoss",
    "SVRLoss",
    "evaluate_kernel_loss",
    "kernel_loss_of",
]
