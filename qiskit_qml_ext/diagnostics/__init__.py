"""Measured answers to "will this train, and is this kernel any good?", each with its uncertainty."""

from qiskit_qml_ext.diagnostics.alignment import centred_alignment, ideal_kernel
from qiskit_qml_ext.diagnostics.causes import PlateauCauses, plateau_causes
from qiskit_qml_ext.diagnostics.estimate import Estimate, Result
from qiskit_qml_ext.diagnostics.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.diagnostics.initializations import InitializationComparison, compare_initializations
from qiskit_qml_ext.diagnostics.kernel_health import KernelHealth, kernel_health
from qiskit_qml_ext.diagnostics.observables import (
    averaged_local_observable,
    global_observable,
    global_projector,
    local_observable,
)
from qiskit_qml_ext.diagnostics.scaling_study import Extrapolation, ScalingStudy, scaling_study
from qiskit_qml_ext.diagnostics.shots import ShotsToResolve, shots_to_resolve

__all__ = [
    "Estimate",
    "Extrapolation",
    "GradientVariance",
    "InitializationComparison",
    "KernelHealth",
    "PlateauCauses",
    "Result",
    "ScalingStudy",
    "ShotsToResolve",
    "averaged_local_observable",
    "centred_alignment",
    "compare_initializations",
    "global_observable",
    "global_projector",
    "gradient_variance",
    "ideal_kernel",
    "kernel_health",
    "local_observable",
    "plateau_causes",
    "scaling_study",
    "shots_to_resolve",
]
