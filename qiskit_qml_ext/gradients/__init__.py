"""Gradients of expectation values behind one interface.

methods/: adjoint, shifts, differences, SPSA, ancilla      differentiation: ``jacobian``, ``vjp``, ``jvp``, ``hvp``
problem, parameter_rows, readings: asked and read          second_derivatives, hessian_products: ``hessian``
commuting_layers, metric: ``metric_tensor``                error_propagation: errors of what shares evaluations
jacobian_estimate, product_estimate, matrix_estimate       outcome_derivatives: of probabilities
…_plugins, equal_objects: for qiskit-machine-learning
"""

from qiskit_qml_ext.gradients.differentiation import hvp, jacobian, jvp, vjp
from qiskit_qml_ext.gradients.estimator_plugins import AdjointEstimatorGradient, ShiftEstimatorGradient
from qiskit_qml_ext.gradients.jacobian_estimate import JacobianEstimate
from qiskit_qml_ext.gradients.matrix_estimate import MatrixEstimate
from qiskit_qml_ext.gradients.methods import (
    AdjointGradient,
    FiniteDifferenceGradient,
    GradientMethod,
    HadamardTestGradient,
    ParameterShiftGradient,
    SPSAGradient,
)
from qiskit_qml_ext.gradients.metric import metric_tensor
from qiskit_qml_ext.gradients.product_estimate import ProductEstimate
from qiskit_qml_ext.gradients.sampler_plugins import AdjointSamplerGradient, ShiftSamplerGradient
from qiskit_qml_ext.gradients.second_derivatives import hessian

__all__ = [
    "AdjointEstimatorGradient",
    "AdjointGradient",
    "AdjointSamplerGradient",
    "FiniteDifferenceGradient",
    "GradientMethod",
    "HadamardTestGradient",
    "JacobianEstimate",
    "MatrixEstimate",
    "ParameterShiftGradient",
    "ProductEstimate",
    "SPSAGradient",
    "ShiftEstimatorGradient",
    "ShiftSamplerGradient",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "metric_tensor",
    "vjp",
]
