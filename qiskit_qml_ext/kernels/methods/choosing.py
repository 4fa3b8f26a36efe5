"""The methods by name, and which of them ``"auto"`` takes."""

from dataclasses import dataclass

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.methods.exact import ExactStates
from qiskit_qml_ext.kernels.methods.inversion_test import InversionTestCounts
from qiskit_qml_ext.kernels.methods.matrix_product_states import MatrixProductStates
from qiskit_qml_ext.kernels.methods.method import CircuitMethod, FidelityMethod
from qiskit_qml_ext.primitives import Connection

METHODS: tuple[FidelityMethod, ...] = (
    MatrixProductStates(),
    ExactStates(),
    InversionTestCounts(),
)
"""The methods; ``"auto"`` takes the first that has a reason, and the last one always has."""


@dataclass(frozen=True)
class ChosenMethod:
    """A method, and why it is the one."""

    method: FidelityMethod
    """The method."""
    reason: str
    """Why it was chosen, in words."""

    @property
    def name(self) -> str:
        """What ``method=`` calls it."""
        return self.method.name


def choose_method(name: str | FidelityMethod, connection: Connection, encoding: Encoding) -> ChosenMethod:
    """Return the method of a name, or a method as it is; ``"auto"`` takes the first one that suits.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a method.
    """
    if name != "auto":
        return ChosenMethod(method_named(name), f"method={name!r} was asked for")
    for method in METHODS:
        reason = method.reason(connection, encoding)
        if reason is not None:
            return ChosenMethod(method, reason)
    raise AssertionError("the last method suits every connection")


def choose_circuit_method(name: str | FidelityMethod, connection: Connection, encoding: Encoding) -> CircuitMethod:
    """Return the chosen method if it runs circuits, else the first one that does and suits.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a method.
    """
    chosen = choose_method(name, connection, encoding).method
    if isinstance(chosen, CircuitMethod):
        return chosen
    circuits = (method for method in METHODS if isinstance(method, CircuitMethod))
    return next(method for method in circuits if method.reason(connection, encoding) is not None)


def method_named(name: str | FidelityMethod) -> FidelityMethod:
    """Return the method of a name other than ``"auto"``; a method with settings of its own as it is.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a method.
    """
    if isinstance(name, FidelityMethod) and not isinstance(name, type):
        return name
    for method in METHODS:
        if method.name == name:
            return method
    known = f"one of {', '.join(repr(each) for each in ('auto', *(method.name for method in METHODS)))}"
    raise wrong_value("method", known, name) if isinstance(name, str) else wrong_kind("method", known, name)
