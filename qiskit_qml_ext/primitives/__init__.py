"""Everything that runs circuits, behind Qiskit's V2 primitives."""

from qiskit_qml_ext.primitives.connecting import connect
from qiskit_qml_ext.primitives.connection import Connection
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.exact_estimator import ExactEstimator
from qiskit_qml_ext.primitives.exact_sampler import ExactSampler
from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator, JournaledSampler, Policy
from qiskit_qml_ext.primitives.run_plan import RunPlan
from qiskit_qml_ext.primitives.usage import Usage

__all__ = [
    "Connection",
    "ExactEstimator",
    "ExactSampler",
    "Journal",
    "JournaledEstimator",
    "JournaledSampler",
    "Policy",
    "RunPlan",
    "Usage",
    "circuit_key",
    "connect",
]
