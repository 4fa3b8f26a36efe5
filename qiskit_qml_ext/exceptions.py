"""The exceptions that callers may want to tell apart from plain ``ValueError`` and ``TypeError``."""

from qiskit.exceptions import QiskitError


class QmlExtError(Exception):
    """Base class of the package's own errors."""


class UnsupportedCircuitError(QmlExtError, QiskitError, ValueError):
    """A circuit contains something that the called function cannot treat; the message names the instruction.

    It is a ``QiskitError`` too, since that is what Qiskit's reference primitives raise.
    """

    def __str__(self) -> str:
        return str(self.message)  # QiskitError shows the message in quotation marks


class StateTooLargeError(QmlExtError, MemoryError):
    """Not even one state fits the memory budget; the message says how much would be needed."""
