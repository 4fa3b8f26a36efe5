"""The exceptions that callers may want to tell apart from plain ``ValueError`` and ``TypeError``."""


class QmlExtError(Exception):
    """Base class of the package's own errors."""


class UnsupportedCircuitError(QmlExtError, ValueError):
    """A circuit contains something that the called function cannot treat; the message names the instruction."""


class StateTooLargeError(QmlExtError, MemoryError):
    """Not even one state fits the memory budget; the message says how much would be needed."""
