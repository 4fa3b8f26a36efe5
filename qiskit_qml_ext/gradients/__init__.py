"""Gradients of expectation values behind one interface.

methods/: adjoint, shifts, differences, SPSA, ancilla     differentiation: ``jacobian``, ``vjp``, ``jvp``
problem, readings: what is asked, what was read           second_derivatives, metric: ``hessian``, ``metric_tensor``
jacobian_estimate: what comes back                        estimator_plugins: for qiskit-machine-learning
"""

from qiskit_qml_ext.gradients.differentiation import jacobian, jvp, vjp
from qiskit_qml_ext.gradients.estimator_plugins import AdjointEstimatorGradient, ShiftEstimatorGradient
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.methods import (
    AdjointGradient,
    FiniteDifferenceGradient,
    GradientMethod,
    HadamardTestGradient,
    ParameterShiftGradient,
    SPSAGradient,
)
from qiskit_qml_ext.gradients.metric import metric_tensor
from qiskit_qml_ext.gradients.second_derivatives import hessian

__all__ = [
    "AdjointEstimatorGradient",
    "AdjointGradient",
    "FiniteDifferenceGradient",
    "GradientMethod",
    "HadamardTestGradient",
    "JacobianEstimate",
    "ParameterShiftGradient",
    "SPSAGradient",
    "ShiftEstimatorGradient",
    "hessian",
    "jacobian",
    "jvp",
    "metric_tensor",
    "vjp",
]
