"""Whether samples fit the parameters that they are bound to: their order, and the domain of the expressions."""

import re
from collections.abc import Sequence
from warnings import warn

import numpy as np
from qiskit.circuit import Parameter

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.exceptions import ParameterOrderWarning
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.program import AngleMap, RotationProgram
from qiskit_qml_ext.program.angles import FUNCTIONS

_PARTIAL = frozenset(FUNCTIONS.index(name) for name in ("div", "pow", "tan", "arcsin", "arccos", "exp", "log"))
_DIGITS = re.compile("[0-9]+")
_SHOWN = 12  # names in a message

_warned: set[tuple[str, ...]] = set()
_lock = Lock()


def warn_of_order(parameters: Sequence[Parameter], what: str = "The columns of the data") -> None:
    """Warn, once for each order, if values go to parameters in an order that their numbers contradict.

    Qiskit sorts single parameters by name, so that x10 comes before x2; the elements of a ``ParameterVector`` it sorts
    by index.

    Args:
        parameters: What the columns are bound to, in their order.
        what: What is bound to them, if not columns: the beginning of a sentence.
    """
    names = tuple(parameter.name for parameter in parameters)
    if names in _warned:
        return
    contradiction = _contradiction(names)
    if contradiction is None:
        return
    with _lock:
        if names in _warned:
            return
        _warned.add(names)
    order = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    warn(
        f"{what} are bound to the parameters in this order: {order}. It has {contradiction[0]!r} before "
        f"{contradiction[1]!r}, since Qiskit sorts the names of single parameters as text. Use a ParameterVector in "
        f"the circuit, or pass {what[0].lower()}{what[1:]} in this order.",
        ParameterOrderWarning,
        stacklevel=2,
    )


def check_domain(program: RotationProgram, columns: IndexArray | None, x: FloatArray, y: FloatArray | None) -> None:
    """Raise if a sample takes an expression of the circuit out of its domain, such as arccos of 2.

    Args:
        program: The feature map or a part of it.
        columns: The features that are the program's parameters; ``None`` for all.
        x: The samples that are called ``x_vec``, shape (n, features).
        y: Those called ``y_vec``, shape (m, features), or ``None``.

    Raises:
        ValueError: The message names the row, the columns and their values.
    """
    if _PARTIAL.isdisjoint(program.angles.functions.tolist()):
        return
    columns = np.arange(x.shape[1]) if columns is None else columns
    for name, samples in (("x_vec", x), ("y_vec", y)):
        if samples is not None:
            _refuse_angles_outside(name, samples, program, columns)


def _refuse_angles_outside(name: str, samples: FloatArray, program: RotationProgram, columns: IndexArray) -> None:
    angles = program.angles
    outside = np.argwhere(~np.isfinite(angles.evaluate(samples[:, columns])))
    if not len(outside):
        return
    row, angle = outside[0].tolist()
    involved = ", ".join(
        f"column {columns[place]} = {samples[row, columns[place]]:g} (parameter {program.parameters[place].name!r})"
        for place in _parameters_of(angles, angle)
    )
    raise ValueError(
        f"An angle of the feature map is not finite for row {row} of {name}: an expression such as arccos or log "
        f"leaves its domain at {involved}. Scale the data into the domain."
    )


def _contradiction(names: Sequence[str]) -> tuple[str, str] | None:
    """Return two names that differ in numbers only, of which the later one has the smaller numbers."""
    largest: dict[str, tuple[list[int], str]] = {}
    for name in names:
        numbers = [int(digits) for digits in _DIGITS.findall(name)]
        text = _DIGITS.sub("#", name)
        if text in largest and numbers < largest[text][0]:
            return largest[text][1], name
        largest[text] = numbers, name
    return None


def _parameters_of(angles: AngleMap, angle: int) -> list[int]:
    """List the parameters that an angle depends on."""
    driven: set[int] = set()
    atoms = list(angles.rows.row(angle)[0])
    while atoms:
        atom = atoms.pop()
        if atom < angles.num_parameters:
            driven.add(atom)
        else:
            node = atom - angles.num_parameters
            atoms += [*angles.left.row(node)[0], *angles.right.row(node)[0]]
    return sorted(driven)
