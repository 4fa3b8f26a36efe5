"""Kernels that are trained: what is trained, how the loss goes back to it, and one training.

``trained_map``: weights and bandwidth in one vector; ``trained_projection``: and γ. ``exact_pairs``, ``counted_pairs``,
``estimated_pairs``: matrices and gradients by states, by counts of shifted circuits, and by any other method;
``projected_pairs``: those of projected kernels. ``objective``, ``training_run``: what optimizers see. ``trainable``,
``trainable_projected``: the kernels, on ``with_trained_map``.
"""

from qiskit_qml_ext.kernels.training.trainable import TrainableKernel
from qiskit_qml_ext.kernels.training.trainable_projected import TrainableProjectedKernel
from qiskit_qml_ext.kernels.training.training_run import KernelTrainingStep

__all__ = ["KernelTrainingStep", "TrainableKernel", "TrainableProjectedKernel"]
