"""Everything that runs circuits, behind Qiskit's V2 primitives."""

from qiskit_qml_ext.primitives.connection import Connection, Usage, connect
from qiskit_qml_ext.primitives.content import circuit_key

__all__ = ["Connection", "Usage", "circuit_key", "connect"]
