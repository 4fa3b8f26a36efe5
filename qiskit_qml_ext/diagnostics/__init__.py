"""Measured answers to "will this train, and is this kernel any good?", each with its uncertainty."""

from qiskit_qml_ext.diagnostics.alignment import centred_alignment, ideal_kernel
from qiskit_qml_ext.diagnostics.estimate import Estimate, Result
from qiskit_qml_ext.diagnostics.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.diagnostics.kernel_health import KernelHealth, kernel_health
from qiskit_qml_ext.diagnostics.observables import (
    averaged_local_observable,
    global_observable,
    global_projector,
    local_observable,
)
from qiskit_qml_ext.diagnostics.shots import ShotsToResolve, shots_to_resolve

__all__ = [
    "Estimate",
    "GradientVariance",
    "KernelHealth",
    "Result",
    "ShotsToResolve",
    "averaged_local_observable",
    "centred_alignment",
    "global_observable",
    "global_projector",
    "gradient_variance",
    "ideal_kernel",
    "kernel_health",
    "local_observable",
    "shots_to_resolve",
]
