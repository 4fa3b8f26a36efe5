"""Features whose inner products stand for a kernel, so that linear models replace kernel machines on large data.

``quantum_nystroem``: the kernel between samples and a few landmarks; ``landmarks``: how they are chosen, one rule each.
"""

from qiskit_qml_ext.models.kernel_features.landmarks import LANDMARKS, LandmarkRule
from qiskit_qml_ext.models.kernel_features.leverage_scores import leverage_scores
from qiskit_qml_ext.models.kernel_features.quantum_nystroem import QuantumNystroem

__all__ = ["LANDMARKS", "LandmarkRule", "QuantumNystroem", "leverage_scores"]
