"""Exact simulation on this machine behind Qiskit's V2 primitives."""

from qiskit_qml_ext.primitives.exact.estimator import ExactEstimator
from qiskit_qml_ext.primitives.exact.sampler import ExactSampler

__all__ = ["ExactEstimator", "ExactSampler"]
