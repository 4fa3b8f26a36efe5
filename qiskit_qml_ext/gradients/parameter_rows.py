"""Values of a circuit's parameters as rows, and which of them are differentiated by: by position or by name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import (
    ParameterNames,
    listed_names,
    named_parameters,
    numeric_array,
    parameters_of,
    whole_numbers,
    wrong_value,
)

ParameterValues: TypeAlias = npt.ArrayLike | Mapping[str, npt.ArrayLike] | Mapping[Parameter, npt.ArrayLike]
"""Values of all parameters, shape (…, P), columns in the order of ``circuit.parameters``; or by name: numbers of shape
(…) for a parameter, (…, K) for a ``ParameterVector`` with K elements in the circuit. Leading axes are broadcast."""

ParameterChoice: TypeAlias = Sequence[int] | ParameterNames
"""Positions in ``circuit.parameters``; or parameters, their names and names of vectors, in an order of one's own."""


def check_choice(name: str, value: object) -> object:
    """Return what ``parameters`` must be: positions, names, or None for all."""
    return value if value is None or _has_names(value) else whole_numbers(name, value, minimum=0)


def chosen_columns(name: str, choice: ParameterChoice, circuit: QuantumCircuit) -> tuple[int, ...]:
    """Return the columns of chosen parameters, in the order in which they are chosen.

    Args:
        name: What the choice is called, for messages.
        choice: Positions or names.
        circuit: The circuit.

    Raises:
        TypeError: These are neither whole numbers nor names.
        ValueError: One is not there, or comes twice.
    """
    number = circuit.num_parameters
    if _has_names(choice):
        place = {parameter: column for column, parameter in enumerate(circuit.parameters)}
        return tuple(place[one] for one in named_parameters(name, choice, list(place)))
    columns = whole_numbers(name, choice, minimum=0)
    if max(columns) >= number or len(set(columns)) < len(columns):
        raise wrong_value(name, f"different positions from 0 to {number - 1}", list(columns))
    return columns


def parameter_rows(circuit: QuantumCircuit, values: ParameterValues) -> FloatArray:
    """Return values of all parameters, shape (…, P).

    Raises:
        TypeError: These are no real numbers.
        ValueError: The shape does not fit, a value is not finite, or a parameter has no value or two.
    """
    if isinstance(values, Mapping):
        points = _by_name(circuit, values)
    else:
        numeric_array("values", values)
        points = np.asarray(values, dtype=np.float64)
    if points.ndim < 1 or points.shape[-1] != circuit.num_parameters:
        raise ValueError(
            f"values must have one number for each of the circuit's {circuit.num_parameters} parameters on the last "
            f"axis, but the shape {points.shape} came."
        )
    if not np.all(np.isfinite(points)):
        raise ValueError("values must be finite numbers, but NaN or an infinity is among them.")
    return points


def _by_name(
    circuit: QuantumCircuit, values: Mapping[str, npt.ArrayLike] | Mapping[Parameter, npt.ArrayLike]
) -> FloatArray:
    parameters = list(circuit.parameters)
    place = {parameter: column for column, parameter in enumerate(parameters)}
    given: list[tuple[list[int], FloatArray]] = []
    for name, numbers in values.items():
        meant = parameters_of("values", name, parameters)
        is_vector = isinstance(name, str) and all(one.name != name for one in meant)
        given.append(([place[one] for one in meant], _numbers(name, numbers, meant, is_vector=is_vector)))
    columns = [column for some, _ in given for column in some]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise ValueError(f"values has {listed_names(parameters[column] for column in twice)} twice. Give each once.")
    missing = [parameter for column, parameter in enumerate(parameters) if column not in set(columns)]
    if missing:
        raise ValueError(
            f"values has no numbers for {listed_names(missing)}. Give all parameters of the circuit, by their own "
            "names or by those of their vectors."
        )
    try:
        batch = np.broadcast_shapes(*(numbers.shape[:-1] for _, numbers in given))
    except ValueError as error:
        shapes = ", ".join(f"{name}: {np.shape(numbers)}" for name, numbers in values.items())
        raise ValueError(f"values has leading axes that do not fit together: {shapes}.") from error
    rows = np.empty((*batch, len(parameters)))
    for some, numbers in given:
        rows[..., some] = numbers
    return rows


def _numbers(name: object, numbers: npt.ArrayLike, meant: Sequence[Parameter], *, is_vector: bool) -> FloatArray:
    """The values of one entry, with its parameters on the last axis."""
    numeric_array(f"values[{str(name)!r}]", numbers)
    array = np.asarray(numbers, dtype=np.float64)
    if not is_vector:
        return array[..., None]
    if array.ndim < 1 or array.shape[-1] != len(meant):
        raise ValueError(
            f"values[{name!r}] must have {len(meant)} numbers on the last axis, for {listed_names(meant)}, but the "
            f"shape {array.shape} came."
        )
    return array


def _has_names(choice: object) -> bool:
    return isinstance(choice, str | Parameter) or (
        isinstance(choice, Iterable) and any(isinstance(one, str | Parameter) for one in choice)
    )
