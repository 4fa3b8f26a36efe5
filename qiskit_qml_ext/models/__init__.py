"""Models that follow scikit-learn's conventions."""

from qiskit_qml_ext.models.support_vectors import QuantumSVC, QuantumSVR

__all__ = ["QuantumSVC", "QuantumSVR"]
