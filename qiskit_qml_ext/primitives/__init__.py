"""Everything that runs circuits, behind Qiskit's V2 primitives.

content, written: what circuits and work are, as keys      exact/: exact primitives on this machine
measurement, pub_values, shots, forks: what all need       pricing/: what circuits take, before anything runs
approximation, angle_limits: what a device runs otherwise  targets/: the kinds of things that run circuits
journal/: work that survives                               replay/: what was measured, given again
connection/: a target together with how it is used
"""

from qiskit_qml_ext.primitives.connection import Connection, ConnectionSettings, Rehearsal, Usage, connect, rehearse
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.exact import ExactEstimator, ExactSampler
from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator, JournaledSampler, Policy
from qiskit_qml_ext.primitives.pricing import CircuitPrice, Quota, RunPlan

__all__ = [
    "CircuitPrice",
    "Connection",
    "ConnectionSettings",
    "ExactEstimator",
    "ExactSampler",
    "Journal",
    "JournaledEstimator",
    "JournaledSampler",
    "Policy",
    "Quota",
    "Rehearsal",
    "RunPlan",
    "Usage",
    "circuit_key",
    "connect",
    "rehearse",
]
