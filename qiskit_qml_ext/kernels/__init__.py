"""Quantum kernels.

**Rooms.** ``methods/``: ways to find fidelities, a file each. ``readings/``: what else outcomes say, a file each;
``outcomes/``: what is kept of them; ``outcome_kernels/``: the kernels of readings. ``reduced_states/``: states of few
qubits, measured or simulated, and how they are compared. ``repairs/``: what makes a noisy matrix a better one, a file
each. ``losses/`` and ``training/``: kernels that are trained. ``tangents/``: kernels of gradients. ``combined/``: sums
and products. ``caching/``: entries that are found once for a whole search. ``adaptive/``: shots where they matter.
``tiles/``: large matrices over processes, clusters and disks. A new kernel is one file on ``base`` (or on ``encoded``,
for the states of a map).
"""

from qiskit_qml_ext.kernels.abilities import ChangesTarget, LearnsFromLabels, PlansRuns, StatesErrors
from qiskit_qml_ext.kernels.adaptive import AdaptiveShots, EvenErrors
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.caching import CachedKernel
from qiskit_qml_ext.kernels.combined import CombinedKernel
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.kernel_estimate import KeptOutcomes, KernelEstimate, RawKernel, ReinterpretedKernel
from qiskit_qml_ext.kernels.local import LocalKernel
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal
from qiskit_qml_ext.kernels.methods import MatrixProductStates, RandomisedMeasurements
from qiskit_qml_ext.kernels.outcome_kernels import BitFlipTolerantKernel, HammingKernel, OutcomeKernel
from qiskit_qml_ext.kernels.projected import ProjectedKernel
from qiskit_qml_ext.kernels.readings import Reading, ReadoutErrors
from qiskit_qml_ext.kernels.reduced_states import MeasuredFeaturesKernel, PauliFeatures
from qiskit_qml_ext.kernels.repairs import (
    ClipPSD,
    MitigateDepolarizing,
    NearestCorrelation,
    RegularizeByError,
    Repair,
    RepairStep,
    ShiftPSD,
    Symmetrize,
    clip_spectrum,
    shift_spectrum,
)
from qiskit_qml_ext.kernels.tangents import FisherKernel, PathKernel, TangentKernel, TrainedCircuitModel
from qiskit_qml_ext.kernels.tiles import compute_kernel_estimate, compute_kernel_matrix
from qiskit_qml_ext.kernels.training import KernelTrainingStep, TrainableKernel, TrainableProjectedKernel

__all__ = [
    "AdaptiveShots",
    "BitFlipTolerantKernel",
    "CachedKernel",
    "ChangesTarget",
    "ClipPSD",
    "CombinedKernel",
    "EvenErrors",
    "FidelityKernel",
    "FisherKernel",
    "HammingKernel",
    "KeptOutcomes",
    "KernelEstimate",
    "KernelTrainingStep",
    "LearnsFromLabels",
    "LocalKernel",
    "MatrixProductStates",
    "MeasuredDiagonal",
    "MeasuredFeaturesKernel",
    "MitigateDepolarizing",
    "NearestCorrelation",
    "OutcomeKernel",
    "PathKernel",
    "PauliFeatures",
    "PlansRuns",
    "ProjectedKernel",
    "QuantumKernel",
    "RandomisedMeasurements",
    "RawKernel",
    "Reading",
    "ReadoutErrors",
    "RegularizeByError",
    "ReinterpretedKernel",
    "Repair",
    "RepairStep",
    "ShiftPSD",
    "StatesErrors",
    "Symmetrize",
    "TangentKernel",
    "TrainableKernel",
    "TrainableProjectedKernel",
    "TrainedCircuitModel",
    "clip_spectrum",
    "compute_kernel_estimate",
    "compute_kernel_matrix",
    "shift_spectrum",
]
