"""The methods by name, and which of them ``"auto"`` takes."""

from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.gradients.methods.adjoint import AdjointGradient
from qiskit_qml_ext.gradients.methods.finite_difference import FiniteDifferenceGradient
from qiskit_qml_ext.gradients.methods.hadamard_test import HadamardTestGradient
from qiskit_qml_ext.gradients.methods.method import GradientMethod
from qiskit_qml_ext.gradients.methods.parameter_shift import ParameterShiftGradient
from qiskit_qml_ext.gradients.methods.spsa import SPSAGradient
from qiskit_qml_ext.primitives import Connection

METHODS: dict[str, type[GradientMethod]] = {
    "adjoint": AdjointGradient,
    "parameter_shift": ParameterShiftGradient,
    "finite_difference": FiniteDifferenceGradient,
    "spsa": SPSAGradient,
    "hadamard_test": HadamardTestGradient,
}
"""The methods by name; ``"auto"`` takes the first that has a reason."""


def choose_method(
    method: str | GradientMethod, connection: Connection, *, name: str = "method"
) -> tuple[GradientMethod, str]:
    """Return a method and why it is the one, in a sentence.

    Args:
        method: A name or a method.
        connection: Where circuits run.
        name: What errors call the argument.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a method.
    """
    if isinstance(method, GradientMethod) and not isinstance(method, type):
        return method, "It was asked for."
    if not isinstance(method, str):
        raise wrong_kind(name, "a word or a gradient method such as ParameterShiftGradient()", method)
    if method != "auto":
        if method not in METHODS:
            raise wrong_value(name, f"one of {', '.join(map(repr, ('auto', *METHODS)))}", method)
        return METHODS[method](), "It was asked for."
    for kind in METHODS.values():
        candidate = kind()
        reason = candidate.reason(connection)
        if reason is not None:
            return candidate, reason
    raise AssertionError("shift rules suit every connection that is not exact")
