"""Gradients of expectation values."""

from qiskit_qml_ext.gradients.adjoint import AdjointEstimatorGradient

__all__ = ["AdjointEstimatorGradient"]
