"""Parameters of a circuit, by themselves or by name."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.parametervector import ParameterVectorElement

ParameterNames: TypeAlias = str | ParameterVector | Sequence[Parameter | str]
"""The name of a ``ParameterVector`` or the vector, for its elements in their order; or a list of parameters, of their
names, and of names of vectors."""

_SHOWN = 12  # names in a message


def listed_names(parameters: Iterable[Parameter]) -> str:
    """Return the names of parameters for a message, the first of them if there are many."""
    names = [parameter.name for parameter in parameters]
    return (", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")) or "none"


def named_parameters(argument: str, names: ParameterNames, parameters: Sequence[Parameter]) -> list[Parameter]:
    """Return the parameters of a circuit that are meant, in the order in which they are named.

    Args:
        argument: What the names are called, for messages.
        names: Names of parameters; see :data:`ParameterNames`.
        parameters: All parameters of the circuit.

    Raises:
        TypeError: These are no names.
        ValueError: One is not there, could mean two things, or comes twice.
    """
    is_list = isinstance(names, Iterable) and not isinstance(names, (Parameter, str))
    if not (is_list or (isinstance(names, str) and _elements(names, parameters))):
        raise TypeError(
            f"{argument} must be a list of parameters or of their names, or the name of one ParameterVector, but "
            f"{names!r} came. The circuit has {listed_names(parameters)}."
        )
    listed = [names] if isinstance(names, str) else names
    chosen = [parameter for name in listed for parameter in parameters_of(argument, name, parameters)]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"{argument} has a parameter twice: {listed_names(chosen)}. Name each once.")
    return chosen


def parameters_of(argument: str, name: object, parameters: Sequence[Parameter]) -> list[Parameter]:
    """Return the parameter of a name, or the elements of the vector of that name that a circuit has, in their order.

    Args:
        argument: What the name belongs to, for messages.
        name: A parameter, its name, or the name of a ``ParameterVector``.
        parameters: All parameters of the circuit.

    Raises:
        ValueError: None is meant, or both a parameter and a vector.
    """
    alone = [one for one in parameters if (one.name == name if isinstance(name, str) else one == name)]
    elements = _elements(name, parameters)
    if alone and elements:
        raise ValueError(
            f"{argument} has {name!r}, but the circuit has both a parameter and a ParameterVector of that name. Rename "
            "one of them, or give the parameters themselves."
        )
    if not (alone or elements):
        raise ValueError(
            f"{argument} has {name!s}, which is no parameter of the circuit; it has {listed_names(parameters)}. "
            "Parameters are the same only if they are the same object: take them from circuit.parameters, or give "
            "their names."
        )
    return alone or elements


def _elements(name: object, parameters: Sequence[Parameter]) -> list[Parameter]:
    elements = [one for one in parameters if isinstance(one, ParameterVectorElement) and one.vector.name == name]
    return sorted(elements, key=lambda one: one.index)
