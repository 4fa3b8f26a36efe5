"""Models that follow scikit-learn's conventions."""

from qiskit_qml_ext.models.support_vectors import QuantumSVC, QuantumSVR
from qiskit_qml_ext.models.variational.training_run import TrainingStep
from qiskit_qml_ext.models.variational_classifier import VariationalClassifier
from qiskit_qml_ext.models.variational_regressor import VariationalRegressor

__all__ = ["QuantumSVC", "QuantumSVR", "TrainingStep", "VariationalClassifier", "VariationalRegressor"]
