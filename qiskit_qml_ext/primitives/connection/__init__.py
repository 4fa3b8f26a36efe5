"""Connections: a target together with how it is used, and all that runs through it."""

from qiskit_qml_ext.primitives.connection.connecting import connect
from qiskit_qml_ext.primitives.connection.connection import Connection
from qiskit_qml_ext.primitives.connection.rehearsal import Rehearsal, rehearse
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.usage import Usage

__all__ = ["Connection", "ConnectionSettings", "Rehearsal", "Usage", "connect", "rehearse"]
