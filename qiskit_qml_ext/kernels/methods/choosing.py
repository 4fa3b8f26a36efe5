"""The methods by name, and which of them ``"auto"`` takes."""

from dataclasses import dataclass

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.methods.exact import ExactStates
from qiskit_qml_ext.kernels.methods.inversion_test import InversionTestCounts
from qiskit_qml_ext.kernels.methods.matrix_product_states import MatrixProductStates
from qiskit_qml_ext.kernels.methods.method import CircuitMethod, FidelityMethod
from qiskit_qml_ext.kernels.methods.randomised_measurements import RandomisedMeasurements
from qiskit_qml_ext.kernels.methods.swap_test import SwapTestCounts
from qiskit_qml_ext.primitives import Connection

METHODS: tuple[FidelityMethod, ...] = (
    MatrixProductStates(),
    ExactStates(),
    SwapTestCounts(),
    RandomisedMeasurements(),
    InversionTestCounts(),
)
"""The methods; ``"auto"`` takes the first that has a reason, and the last one always has."""

OTHER_NAMES = {"inversion": "sampled"}
"""Second names of methods: the inversion test is what is sampled where nothing else is said."""


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


def choose_method(method: str | FidelityMethod, connection: Connection, encoding: Encoding) -> ChosenMethod:
    """Return a method as it is or by its name; that of ``"auto"`` is the first that suits connection and encoding.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a method.
    """
    if method != "auto":
        return ChosenMethod(method_named(method), f"method={method!r} was asked for")
    for candidate in METHODS:
        reason = candidate.reason(connection, encoding)
        if reason is not None:
            return ChosenMethod(candidate, reason)
    raise AssertionError("the last method suits every connection")


def choose_circuit_method(method: str | FidelityMethod, connection: Connection, encoding: Encoding) -> CircuitMethod:
    """Return the chosen method if it runs circuits, else the first one that does and suits.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a method.
    """
    chosen = choose_method(method, connection, encoding).method
    if isinstance(chosen, CircuitMethod):
        return chosen
    circuits = (candidate for candidate in METHODS if isinstance(candidate, CircuitMethod))
    return next(candidate for candidate in circuits if candidate.reason(connection, encoding) is not None)


def method_named(method: str | FidelityMethod) -> FidelityMethod:
    """Return a method as it is, or that of a name other than ``"auto"``.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a method.
    """
    if isinstance(method, FidelityMethod) and not isinstance(method, type):
        return method
    for candidate in METHODS:
        if method in (candidate.name, *(other for other, one in OTHER_NAMES.items() if one == candidate.name)):
            return candidate
    known = f"one of {', '.join(map(repr, ('auto', *(candidate.name for candidate in METHODS), *OTHER_NAMES)))}"
    raise wrong_value("method", known, method) if isinstance(method, str) else wrong_kind("method", known, method)
