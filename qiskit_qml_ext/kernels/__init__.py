"""Quantum kernels."""

from qiskit_qml_ext.kernels.estimate import KernelEstimate
from qiskit_qml_ext.kernels.fidelity import FidelityKernel
from qiskit_qml_ext.kernels.repair import clip_spectrum, shift_spectrum

__all__ = ["FidelityKernel", "KernelEstimate", "clip_spectrum", "shift_spectrum"]
