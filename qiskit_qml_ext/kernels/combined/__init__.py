"""Sums and products of kernels, and the weights with which they go together."""

from qiskit_qml_ext.kernels.combined.combined import CombinedKernel

__all__ = ["CombinedKernel"]
