"""Measured answers to "will this train, and is this kernel any good?", each with its uncertainty."""

from qiskit_qml_ext.diagnostics.descriptors.effective_dimension import EffectiveDimension, effective_dimension
from qiskit_qml_ext.diagnostics.descriptors.entanglement import (
    StateDescriptor,
    entangling_capability,
    meyer_wallach,
    stabilizer_renyi_entropy,
)
from qiskit_qml_ext.diagnostics.descriptors.expressibility import Expressibility, expressibility, haar_frame_potential
from qiskit_qml_ext.diagnostics.descriptors.fourier import FourierSpectrum, fourier_spectrum
from qiskit_qml_ext.diagnostics.descriptors.lie_algebra import LieAlgebra, lie_algebra
from qiskit_qml_ext.diagnostics.diagnosis.diagnose import diagnose
from qiskit_qml_ext.diagnostics.diagnosis.findings import Advice, Finding, Skipped
from qiskit_qml_ext.diagnostics.diagnosis.report import Diagnosis
from qiskit_qml_ext.diagnostics.kernels.alignment import centred_alignment, ideal_kernel
from qiskit_qml_ext.diagnostics.kernels.bandwidth import (
    Bandwidth,
    product_bandwidth,
    product_encoding_moments,
    suggest_bandwidth,
)
from qiskit_qml_ext.diagnostics.kernels.concentration import KernelConcentration, kernel_concentration
from qiskit_qml_ext.diagnostics.kernels.geometric_difference import (
    GeometricDifference,
    geometric_difference,
)
from qiskit_qml_ext.diagnostics.kernels.health import KernelHealth, kernel_health
from qiskit_qml_ext.diagnostics.kernels.model_complexity import model_complexity
from qiskit_qml_ext.diagnostics.kernels.rbf_twin import KernelTwin, TwinCandidate, rbf_twin
from qiskit_qml_ext.diagnostics.kernels.scores import KernelScores, kernel_scores
from qiskit_qml_ext.diagnostics.kernels.shots import ShotsToResolve, shots_to_resolve
from qiskit_qml_ext.diagnostics.moments.chain_moments import ChainMoment, chain_second_moment
from qiskit_qml_ext.diagnostics.moments.moment_bounds import SecondMomentBounds, second_moment_bounds
from qiskit_qml_ext.diagnostics.moments.second_moments import SecondMoments, second_moments
from qiskit_qml_ext.diagnostics.moments.walkable import why_no_second_moments
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result
from qiskit_qml_ext.diagnostics.subject.observables import (
    averaged_local_observable,
    global_observable,
    global_projector,
    local_observable,
)
from qiskit_qml_ext.diagnostics.subject.shot_noise import ShotNoise
from qiskit_qml_ext.diagnostics.trainability.causes import PlateauCauses, plateau_causes
from qiskit_qml_ext.diagnostics.trainability.gradient_variance import GradientVariance, gradient_variance
from qiskit_qml_ext.diagnostics.trainability.initializations import InitializationComparison, compare_initializations
from qiskit_qml_ext.diagnostics.trainability.landscape import LossLandscape, loss_landscape
from qiskit_qml_ext.diagnostics.trainability.noise_plateau import NoiseInducedPlateau, noise_induced_plateau
from qiskit_qml_ext.diagnostics.trainability.scaling_data import Extrapolation
from qiskit_qml_ext.diagnostics.trainability.scaling_study import ScalingStudy, scaling_study
from qiskit_qml_ext.engine.pauli.propagation import PauliPropagation

__all__ = [
    "Advice",
    "Bandwidth",
    "ChainMoment",
    "Diagnosis",
    "EffectiveDimension",
    "Estimate",
    "Expressibility",
    "Extrapolation",
    "Finding",
    "FourierSpectrum",
    "GeometricDifference",
    "GradientVariance",
    "InitializationComparison",
    "KernelConcentration",
    "KernelHealth",
    "KernelScores",
    "KernelTwin",
    "LieAlgebra",
    "LossLandscape",
    "NoiseInducedPlateau",
    "PauliPropagation",
    "PlateauCauses",
    "Result",
    "ScalingStudy",
    "SecondMomentBounds",
    "SecondMoments",
    "ShotNoise",
    "ShotsToResolve",
    "Skipped",
    "StateDescriptor",
    "TwinCandidate",
    "averaged_local_observable",
    "centred_alignment",
    "chain_second_moment",
    "compare_initializations",
    "diagnose",
    "effective_dimension",
    "entangling_capability",
    "expressibility",
    "fourier_spectrum",
    "geometric_difference",
    "global_observable",
    "global_projector",
    "gradient_variance",
    "haar_frame_potential",
    "ideal_kernel",
    "kernel_concentration",
    "kernel_health",
    "kernel_scores",
    "lie_algebra",
    "local_observable",
    "loss_landscape",
    "meyer_wallach",
    "model_complexity",
    "noise_induced_plateau",
    "plateau_causes",
    "product_bandwidth",
    "product_encoding_moments",
    "rbf_twin",
    "scaling_study",
    "second_moment_bounds",
    "second_moments",
    "shots_to_resolve",
    "stabilizer_renyi_entropy",
    "suggest_bandwidth",
    "why_no_second_moments",
]
