"""Measured answers to "will this train, and is this kernel any good?", each with its uncertainty."""

from qiskit_qml_ext.diagnostics.alignment import centred_alignment, ideal_kernel
from qiskit_qml_ext.diagnostics.kernel_health import Estimate, KernelHealth, kernel_health
from qiskit_qml_ext.diagnostics.shots import ShotsToResolve, shots_to_resolve

__all__ = [
    "Estimate",
    "KernelHealth",
    "ShotsToResolve",
    "centred_alignment",
    "ideal_kernel",
    "kernel_health",
    "shots_to_resolve",
]
