"""Features whose inner products stand for a kernel, so that linear models replace kernel machines on large data.

``quantum_nystroem``: the kernel between samples and a few landmarks, chosen by a rule of ``landmarks``.
``random_fourier_surrogate``: waves with frequencies of a feature map's own spectrum.
"""

from qiskit_qml_ext.models.kernel_features.landmarks import LANDMARKS, LandmarkRule
from qiskit_qml_ext.models.kernel_features.leverage_scores import leverage_scores
from qiskit_qml_ext.models.kernel_features.quantum_nystroem import QuantumNystroem
from qiskit_qml_ext.models.kernel_features.random_fourier_surrogate import RandomFourierSurrogate
from qiskit_qml_ext.models.kernel_features.spectrum_conditions import SpectrumConditions

__all__ = [
    "LANDMARKS",
    "LandmarkRule",
    "QuantumNystroem",
    "RandomFourierSurrogate",
    "SpectrumConditions",
    "leverage_scores",
]
