"""The gradient methods, one file each, and what they share."""

from qiskit_qml_ext.gradients.methods.adjoint import AdjointGradient
from qiskit_qml_ext.gradients.methods.choosing import METHODS, choose_method
from qiskit_qml_ext.gradients.methods.finite_difference import FiniteDifferenceGradient
from qiskit_qml_ext.gradients.methods.hadamard_test import HadamardTestGradient
from qiskit_qml_ext.gradients.methods.method import GradientMethod, differentiate
from qiskit_qml_ext.gradients.methods.parameter_shift import ParameterShiftGradient
from qiskit_qml_ext.gradients.methods.spsa import SPSAGradient

__all__ = [
    "METHODS",
    "AdjointGradient",
    "FiniteDifferenceGradient",
    "GradientMethod",
    "HadamardTestGradient",
    "ParameterShiftGradient",
    "SPSAGradient",
    "choose_method",
    "differentiate",
]
