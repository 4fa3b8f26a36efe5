"""Checks of numbers, words and lists of them: each returns the value as plain Python, or raises an error.

A wrong kind is a ``TypeError``, a wrong value a ``ValueError``.
"""

import math
import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np

from qiskit_qml_ext.checks.refusals import wrong_kind, wrong_value

Check: TypeAlias = Callable[[str, object], object]
"""A check of one argument: takes its name and value, and raises an error if the value cannot be meant."""

LARGEST_SEED = 2**63 - 1
"""The largest seed of a connection: what fits into every random generator of the packages that seeds go to."""

LARGEST_SHOTS = 2**31 - 1
"""The most shots of one circuit: what fits into the integers of every simulator; no device takes nearly as many."""


def is_whole_number(value: object) -> bool:
    """Whether a value is a whole number, Python's or NumPy's; ``True`` and 2.0 are none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def quantum_circuit(name: str, value: object) -> object:
    """Return a circuit."""
    from qiskit import QuantumCircuit

    if not isinstance(value, QuantumCircuit):
        raise wrong_kind(name, "a QuantumCircuit", value)
    return value


def whole_number(name: str, value: object, *, minimum: int = 1, maximum: int | None = None) -> int:
    """Return a whole number from ``minimum`` to ``maximum``; ``True`` and 2.0 are none."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise wrong_kind(name, "a whole number", value)
    number = int(value)
    if number < minimum:
        raise wrong_value(name, f"at least {minimum}", number)
    if maximum is not None and number > maximum:
        raise wrong_value(name, f"at most {maximum}", number)
    return number


def at_least(minimum: int) -> Check:
    """Return the check that a value is a whole number of at least ``minimum``."""
    return lambda name, value: whole_number(name, value, minimum=minimum)


def optional_whole_number(name: str, value: object, *, minimum: int = 1, maximum: int | None = None) -> int | None:
    """Return a whole number, or ``None`` where none was given."""
    return None if value is None else whole_number(name, value, minimum=minimum, maximum=maximum)


def checked_seed(name: str, value: object) -> int | None:
    """Return a seed that is not negative, or ``None``."""
    return optional_whole_number(name, value, minimum=0)


def checked_seed_or_generator(name: str, value: object) -> object:
    """Return a generator as it is, or a seed that is not negative, or ``None``."""
    return value if isinstance(value, np.random.Generator) else checked_seed(name, value)


def real_number(
    name: str,
    value: object,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    infinite: bool = False,
) -> float:
    """Return a real number within bounds, ``above`` and ``below`` exclusive; infinite only where that is said."""
    number = _as_float(name, value)
    if math.isnan(number) or (math.isinf(number) and not infinite):
        raise ValueError(f"{name} must be a finite number, but {value} came.")
    too_small = number < minimum or (above > -math.inf and number <= above)
    if too_small or number > maximum or (below < math.inf and number >= below):
        bounds = [
            f"{words} {bound:g}"
            for words, bound in (("at least", minimum), ("above", above), ("at most", maximum), ("below", below))
            if math.isfinite(bound)
        ]
        raise ValueError(f"{name} must be {' and '.join(bounds)}, but {value} came.")
    return number


def positive_number(name: str, value: object) -> float:
    """Return a positive finite number."""
    number = _as_float(name, value)
    if not (math.isfinite(number) and number > 0):
        raise wrong_value(name, "positive and finite", value)
    return number


def truth_value(name: str, value: object) -> bool:
    """Return ``True`` or ``False``."""
    if not isinstance(value, (bool, np.bool_)):
        raise wrong_kind(name, "True or False", value)
    return bool(value)


def text(name: str, value: object) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str):
        raise wrong_kind(name, "a text", value)
    if not value.strip():
        raise wrong_value(name, "a text that is not empty", value)
    return value


def texts(name: str, values: object) -> tuple[str, ...]:
    """Return a list or tuple of texts, which may be empty; one text alone is none."""
    if not isinstance(values, (list, tuple)):
        raise wrong_kind(name, "a list of texts", values)
    return tuple(text(f"each of {name}", value) for value in values)


def one_of(name: str, value: object, choices: Sequence[str]) -> str:
    """Return one of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise wrong_value(name, f"one of {', '.join(map(repr, choices))}", value)
    return value


def whole_numbers(name: str, values: object, *, minimum: int = 1, may_be_empty: bool = False) -> tuple[int, ...]:
    """Return a sequence of whole numbers, at least one unless that is said."""
    checked = tuple(
        whole_number(f"each of {name}", value, minimum=minimum) for value in _listed(name, values, "whole ")
    )
    if not checked and not may_be_empty:
        raise ValueError(f"{name} must hold at least one whole number, but it is empty.")
    return checked


def optional_whole_numbers(name: str, values: object, *, minimum: int = 1) -> tuple[int, ...] | None:
    """Return a sequence of at least one whole number, or ``None`` where none was given."""
    return None if values is None else whole_numbers(name, values, minimum=minimum)


def real_numbers(name: str, values: object, *, above: float = -math.inf) -> tuple[float, ...]:
    """Return a sequence of at least one finite number."""
    checked = tuple(real_number(f"each of {name}", value, above=above) for value in _listed(name, values))
    if not checked:
        raise ValueError(f"{name} must hold at least one number, but it is empty.")
    return checked


def _as_float(name: str, value: object) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise wrong_kind(name, "a number", value)
    return float(value)


def _listed(name: str, values: object, kind: str = "") -> Iterable[object]:
    if isinstance(values, (str, bytes)) or not isinstance(values, (Iterable, np.ndarray)):
        raise wrong_kind(name, f"a list of {kind}numbers", values)
    return values
