"""Quantum kernels.

**Rooms.** ``methods/``: ways to find fidelities, a file each. ``repairs/``: what makes a noisy matrix a better one, a
file each. ``losses/`` and ``training/``: kernels that are trained. ``tangents/``: kernels of gradients. ``combined/``:
sums and products. A new kernel is one file on ``base`` (or on ``encoded``, for the states of a feature map).
"""

from qiskit_qml_ext.kernels.abilities import ChangesTarget, PlansRuns, StatesErrors
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.combined import CombinedKernel
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate, RawKernel
from qiskit_qml_ext.kernels.repairs import Repair, clip_spectrum, shift_spectrum
from qiskit_qml_ext.kernels.tangents import FisherKernel, PathKernel, TangentKernel, TrainedCircuitModel
from qiskit_qml_ext.kernels.training import KernelTrainingStep, TrainableKernel

__all__ = [
    "ChangesTarget",
    "CombinedKernel",
    "FidelityKernel",
    "FisherKernel",
    "KernelEstimate",
    "KernelTrainingStep",
    "PathKernel",
    "PlansRuns",
    "QuantumKernel",
    "RawKernel",
    "Repair",
    "StatesErrors",
    "TangentKernel",
    "TrainableKernel",
    "TrainedCircuitModel",
    "clip_spectrum",
    "shift_spectrum",
]
