"""Kernels of the gradients of a trained circuit.

``gradients``: the gradients of samples, each circuit measured once. ``products``: their scalar products, without the
bias of shots, and their noise. ``tangent``, ``fisher``, ``path``: a kernel each.
"""

from qiskit_qml_ext.kernels.tangents.fisher import FisherKernel
from qiskit_qml_ext.kernels.tangents.path import PathKernel
from qiskit_qml_ext.kernels.tangents.tangent import TangentKernel, TrainedCircuitModel

__all__ = ["FisherKernel", "PathKernel", "TangentKernel", "TrainedCircuitModel"]
