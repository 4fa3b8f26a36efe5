"""Quantum kernels.

**Rooms.** ``reduced_states/``: states of few qubits, measured or simulated, and how they are compared. ``methods/``:
ways to find fidelities, a file each. ``repairs/``: what makes a noisy matrix a better one, a file each. A new kernel is
one file on ``base`` (or on ``encoded``, for the states of a feature map).
"""

from qiskit_qml_ext.kernels.abilities import ChangesTarget, PlansRuns, StatesErrors
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.local import LocalKernel
from qiskit_qml_ext.kernels.methods import RandomisedMeasurements
from qiskit_qml_ext.kernels.projected import ProjectedKernel
from qiskit_qml_ext.kernels.reduced_states import MeasuredFeaturesKernel, PauliFeatures
from qiskit_qml_ext.kernels.repairs import Repair, clip_spectrum, shift_spectrum

__all__ = [
    "ChangesTarget",
    "FidelityKernel",
    "KernelEstimate",
    "LocalKernel",
    "MeasuredFeaturesKernel",
    "PauliFeatures",
    "PlansRuns",
    "ProjectedKernel",
    "QuantumKernel",
    "RandomisedMeasurements",
    "RawKernel",
    "Repair",
    "StatesErrors",
    "clip_spectrum",
    "shift_spectrum",
]
