"""Quantum kernels.

**Rooms.** ``methods/``: ways to find fidelities, a file each. ``repairs/``: what makes a noisy matrix a better one, a
file each. A new kernel is one file on ``base`` (or on ``encoded``, for the states of a feature map).
"""

from qiskit_qml_ext.kernels.abilities import ChangesTarget, PlansRuns, StatesErrors
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.repairs import Repair, clip_spectrum, shift_spectrum
from qiskit_qml_ext.kernels.training import KernelTrainingStep, TrainableKernel

__all__ = [
    "ChangesTarget",
    "FidelityKernel",
    "KernelEstimate",
    "KernelTrainingStep",
    "PlansRuns",
    "QuantumKernel",
    "RawKernel",
    "Repair",
    "StatesErrors",
    "TrainableKernel",
    "clip_spectrum",
    "shift_spectrum",
]
