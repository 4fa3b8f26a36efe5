"""Optimizers of trained models. To add one: write its file and list its class in ``OPTIMIZERS``."""

from qiskit_qml_ext.optimizers.adam import Adam
from qiskit_qml_ext.optimizers.choosing import OPTIMIZERS, optimizer_names, optimizer_of
from qiskit_qml_ext.optimizers.foreign import ForeignOptimizer
from qiskit_qml_ext.optimizers.gradient_descent import GradientDescent
from qiskit_qml_ext.optimizers.natural_gradient import NaturalGradient
from qiskit_qml_ext.optimizers.optimizer import Objective, Optimizer, SteppingOptimizer, Training
from qiskit_qml_ext.optimizers.scipy_minimizer import SciPyOptimizer
from qiskit_qml_ext.optimizers.spsa import SPSA, two_sided_estimates

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
