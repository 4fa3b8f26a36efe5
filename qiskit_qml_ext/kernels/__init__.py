"""Quantum kernels.

**Rooms.** ``methods/``: ways to find fidelities, a file each. ``repairs/``: what makes a noisy matrix a better one, a
file each. ``caching/``: entries that are found once for a whole search. ``adaptive/``: shots where they matter. A new
kernel is one file on ``base`` (or on ``encoded``, for the states of a feature map).
"""

from qiskit_qml_ext.kernels.abilities import ChangesTarget, PlansRuns, StatesErrors
from qiskit_qml_ext.kernels.adaptive import AdaptiveShots
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.caching import CachedKernel
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.measured_diagonal import MeasuredDiagonal
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

__all__ = [
    "AdaptiveShots",
    "CachedKernel",
    "ChangesTarget",
    "ClipPSD",
    "FidelityKernel",
    "KernelEstimate",
    "MeasuredDiagonal",
    "MitigateDepolarizing",
    "NearestCorrelation",
    "PlansRuns",
    "QuantumKernel",
    "RawKernel",
    "RegularizeByError",
    "Repair",
    "RepairStep",
    "ShiftPSD",
    "StatesErrors",
    "Symmetrize",
    "clip_spectrum",
    "shift_spectrum",
]
