"""Optimizers of trained models. To add one: write its file and list its class in ``OPTIMIZERS``."""

from qiskit_qml_ext.models.optimizers.adam import Adam
from qiskit_qml_ext.models.optimizers.choosing import OPTIMIZERS, optimizer_names, optimizer_of
from qiskit_qml_ext.models.optimizers.foreign import ForeignOptimizer
from qiskit_qml_ext.models.optimizers.gradient_descent import GradientDescent
from qiskit_qml_ext.models.optimizers.natural_gradient import NaturalGradient
from qiskit_qml_ext.models.optimizers.optimizer import Objective, Optimizer, SteppingOptimizer, Training
from qiskit_qml_ext.models.optimizers.scipy_minimizer import SciPyOptimizer
from qiskit_qml_ext.models.optimizers.spsa import SPSA, two_sided_estimates

__all__ = [
    "OPTIMIZERS",
    "SPSA",
    "Adam",
    "ForeignOptimizer",
    "GradientDescent",
    "NaturalGradient",
    "Objective",
    "Optimizer",
    "SciPyOptimizer",
    "SteppingOptimizer",
    "Training",
    "optimizer_names",
    "optimizer_of",
    "two_sided_estimates",
]
