"""The kinds of things that run circuits, one file each, and how a target's name or object selects one."""

from qiskit_qml_ext.primitives.targets.aer import AerTarget
from qiskit_qml_ext.primitives.targets.backend import BackendTarget
from qiskit_qml_ext.primitives.targets.exact import ExactTarget
from qiskit_qml_ext.primitives.targets.isa import isa_circuit
from qiskit_qml_ext.primitives.targets.primitive import PrimitiveTarget
from qiskit_qml_ext.primitives.targets.resolving import resolve_target
from qiskit_qml_ext.primitives.targets.runtime import MODES, RuntimeTarget, fake_backend
from qiskit_qml_ext.primitives.targets.target import Target

__all__ = [
    "MODES",
    "AerTarget",
    "BackendTarget",
    "ExactTarget",
    "PrimitiveTarget",
    "RuntimeTarget",
    "Target",
    "fake_backend",
    "isa_circuit",
    "resolve_target",
]
