"""Checks of arguments that all modules share: each returns the value, or raises an error that names the argument.

A wrong kind is a ``TypeError``, a wrong value a ``ValueError``; both say what must be and what came.
"""

import functools
import inspect
import math
import numbers
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

Check: TypeAlias = Callable[[str, object], object]
"""A check of one argument: takes its name and value, and raises an error if the value cannot be meant."""

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")

LARGEST_SEED = 2**63 - 1
"""The largest seed of a connection: what fits into every random generator of the packages that seeds go to."""

LARGEST_SHOTS = 2**31 - 1
"""The most shots of one circuit: what fits into the integers of every simulator; no device takes nearly as many."""


def check_arguments(**more: Check) -> Callable[[Callable[Inputs, Output]], Callable[Inputs, Output]]:
    """Decorate a public function so that its arguments are checked before it does anything.

    An argument whose name stands in :data:`RULES` means the same in the whole package and is checked by that rule;
    rules for other names are given here. A function may check more by itself. NumPy's numbers reach it as Python's.

    Example:
        >>> @check_arguments()
        ... def draw(num_samples: int = 10) -> int:
        ...     return num_samples
        >>> draw(num_samples=2.5)
        Traceback (most recent call last):
            ...
        TypeError: num_samples must be a whole number, but 2.5 (float) came.
    """

    def decorate(function: Callable[Inputs, Output]) -> Callable[Inputs, Output]:
        signature = inspect.signature(function)
        rules = {name: rule for name, rule in {**RULES, **more}.items() if name in signature.parameters}
        by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = [name for name, parameter in signature.parameters.items() if parameter.kind in by_place]

        @functools.wraps(function)
        def checked(*args: Inputs.args, **kwargs: Inputs.kwargs) -> Output:
            numpy_scalars = False
            # ``signature.bind`` takes longer than many of the functions; what does not fit the call below refuses
            for name, value in zip(names, args, strict=False):
                if name in rules:
                    rules[name](name, value)
                    numpy_scalars |= isinstance(value, np.generic)
            for name, value in kwargs.items():
                if name in rules:
                    rules[name](name, value)
                    numpy_scalars |= isinstance(value, np.generic)
            if not numpy_scalars:
                return function(*args, **kwargs)
            # NumPy's numbers are meant as Python's; as they are, not every library takes them (as seeds, in JSON)
            plain = [_as_python(name, value, rules) for name, value in zip(names, args, strict=False)]
            plain += args[len(names) :]
            return function(*plain, **{name: _as_python(name, value, rules) for name, value in kwargs.items()})

        return checked

    return decorate


def _as_python(name: str, value: Any, rules: Mapping[str, Check]) -> Any:
    return value.item() if name in rules and isinstance(value, np.generic) else value


def whole_number(name: str, value: object, *, minimum: int = 1, maximum: int | None = None) -> int:
    """Return a whole number from ``minimum`` to ``maximum``; ``True`` and 2.0 are none."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, but {value!r} ({type(value).__name__}) came.")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, but {value} came.")
    if maximum is not None and value > maximum:
        raise ValueError(f"{name} must be at most {maximum}, but {value} came.")
    return int(value)


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
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, but {value!r} ({type(value).__name__}) came.")
    number = float(value)
    if math.isnan(number) or (math.isinf(number) and not infinite):
        raise ValueError(f"{name} must be a finite number, but {value} came.")
    if number < minimum or number > maximum or (above > -math.inf and number <= above) or number >= below:
        bounds = [
            f"{words} {bound:g}"
            for words, bound in (("at least", minimum), ("above", above), ("at most", maximum), ("below", below))
            if math.isfinite(bound)
        ]
        raise ValueError(f"{name} must be {' and '.join(bounds)}, but {value} came.")
    return number


def positive_number(name: str, value: object) -> float:
    """Return a positive finite number."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, but {value!r} ({type(value).__name__}) came.")
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be positive and finite, but {value!r} came.")
    return number


def one_of(name: str, value: object, choices: Sequence[str]) -> str:
    """Return one of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, but {value!r} came.")
    return value


def whole_numbers(name: str, values: object, *, minimum: int = 1, may_be_empty: bool = False) -> tuple[int, ...]:
    """Return a sequence of whole numbers, at least one unless that is said."""
    if isinstance(values, (str, bytes)) or not isinstance(values, (Iterable, np.ndarray)):
        raise TypeError(f"{name} must be a list of whole numbers, but {values!r} ({type(values).__name__}) came.")
    found = tuple(whole_number(f"each of {name}", value, minimum=minimum) for value in values)
    if not found and not may_be_empty:
        raise ValueError(f"{name} must hold at least one whole number, but it is empty.")
    return found


def optional_whole_numbers(name: str, values: object, *, minimum: int = 1) -> tuple[int, ...] | None:
    """Return a sequence of at least one whole number, or ``None`` where none was given."""
    return None if values is None else whole_numbers(name, values, minimum=minimum)


def real_numbers(name: str, values: object, *, above: float = -math.inf) -> tuple[float, ...]:
    """Return a sequence of at least one finite number."""
    if isinstance(values, (str, bytes)) or not isinstance(values, (Iterable, np.ndarray)):
        raise TypeError(f"{name} must be a list of numbers, but {values!r} ({type(values).__name__}) came.")
    found = tuple(real_number(f"each of {name}", value, above=above) for value in values)
    if not found:
        raise ValueError(f"{name} must hold at least one number, but it is empty.")
    return found


def _positive(name: str, value: object) -> object:
    return whole_number(name, value)


def _optional_positive(name: str, value: object) -> object:
    return optional_whole_number(name, value)


def _optional_non_negative(name: str, value: object) -> object:
    return optional_whole_number(name, value, minimum=0)


def _several(name: str, value: object) -> object:
    return whole_number(name, value, minimum=2)


def _fraction(name: str, value: object) -> object:
    return real_number(name, value, above=0.0, below=1.0)


def _positive_real(name: str, value: object) -> object:
    return real_number(name, value, above=0.0)


def _optional_positive_real(name: str, value: object) -> object:
    return None if value is None else real_number(name, value, above=0.0)


def _optional_price(name: str, value: object) -> object:
    return None if value is None else real_number(name, value, minimum=0.0)


def _non_negative_real(name: str, value: object) -> object:
    return real_number(name, value, minimum=0.0)


def _positions(name: str, value: object) -> object:
    if not isinstance(value, str):  # "all" and other words are the function's own
        whole_numbers(name, value, minimum=0)
    return value


def _distribution(name: str, value: object) -> object:
    if value is not None and not callable(getattr(value, "sample", None)):
        raise TypeError(
            f"{name} must be an InitialDistribution such as UniformDistribution(), but {value!r} "
            f"({type(value).__name__}) came."
        )
    return value


def _connection(name: str, value: object) -> object:
    if value is not None and not hasattr(value, "isa_circuit"):
        raise TypeError(f"{name} must come from connect(…), but {value!r} ({type(value).__name__}) came.")
    return value


def _precision(name: str, value: object) -> object:
    known = isinstance(value, (str, type, np.dtype)) and value in (
        "complex128",
        "complex64",
        np.complex128,
        np.complex64,
    )
    if not known:
        raise ValueError(f"{name} must be 'complex128' or 'complex64', but {value!r} came.")
    return value


def numeric_array(name: str, value: object) -> object:
    """Return an array-like of real numbers as it is; refuse what would become numbers that nobody meant.

    These are text, dates, complex numbers, missing values of pandas, and sparse and masked arrays.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(
            f"{name} must have all its values, but some of this masked array are missing. Fill or drop them."
        )
    if type(value).__module__.startswith("scipy.sparse"):
        raise TypeError(f"{name} must be a dense array, but a {type(value).__name__} came. Use its toarray().")
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":
            foreign = [one for one in array.ravel() if not isinstance(one, numbers.Real)]
            if foreign:
                raise TypeError(f"{foreign[0]!r} ({type(foreign[0]).__name__}) is among its values")
            array.astype(np.float64)
        elif array.dtype.kind not in "fiub":
            kinds = {"c": "complex numbers", "M": "dates", "m": "time spans", "U": "text", "S": "text"}
            raise TypeError(f"its values are {kinds.get(array.dtype.kind, array.dtype)}")
    except (TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise TypeError(
            f"{name} must be an array of real numbers, but {type(value).__name__} came: {reason}."
        ) from error
    return value


def _labels(name: str, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(f"{name} must have all its values, but some of this masked array are missing. Drop those rows.")
    if type(value).__module__.startswith("scipy.sparse"):
        raise TypeError(f"{name} must be a dense array, but a {type(value).__name__} came. Use its toarray().")
    array = np.asarray(value)
    missing = (
        [one for one in array.ravel() if one is None or type(one).__name__ == "NAType"] if array.dtype == object else ()
    )
    if missing:
        raise ValueError(f"{name} must have a label for every row, but {missing[0]!r} is among them. Drop those rows.")
    return value


def _optional_array(name: str, value: object) -> object:
    return None if value is None else numeric_array(name, value)


def _errors(name: str, value: object) -> object:
    if value is not None and not np.all(np.asarray(numeric_array(name, value)) >= 0):
        raise ValueError(f"{name} must be finite and not negative, but {value!r} came.")
    return value


def _depth(name: str, value: object) -> object:
    if value is not None and not callable(value):
        whole_number(name, value)
    return value


def _distributions(name: str, value: object) -> object:
    if value is None:
        return None
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list of InitialDistribution objects, but {value!r} came.")
    for one in value:
        _distribution(f"each of {name}", one)
    return value


def _classical_kernels(name: str, value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping from names to kernel matrices, but {type(value).__name__} came.")
    if not value:
        raise ValueError(f"{name} must hold at least one kernel matrix, but it is empty.")
    return value


def _two_probabilities(name: str, value: object) -> object:
    found = real_numbers(name, value)
    if len(found) != 2 or not all(0 <= one <= 1 for one in found):
        raise ValueError(f"{name} must be two probabilities, of one and of two qubits, but {value!r} came.")
    return value


def _not_plain(expected: str) -> Check:
    """A check that refuses words and numbers where an object is needed; the function itself knows which."""

    def check(name: str, value: object) -> object:
        if isinstance(value, (str, bytes, numbers.Number)):
            raise TypeError(f"{name} must be {expected}, but {value!r} ({type(value).__name__}) came.")
        return value

    return check


def _path(name: str, value: object) -> object:
    if value is not None and not isinstance(value, (str, os.PathLike)) and not hasattr(value, "path"):
        raise TypeError(f"{name} must be the path of a file or a Journal, but {value!r} ({type(value).__name__}) came.")
    return value


def _real(name: str, value: object) -> object:
    return real_number(name, value)


def _flag(name: str, value: object) -> object:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, but {value!r} ({type(value).__name__}) came.")
    return value


RULES: dict[str, Check] = {
    "X": _optional_array,
    "bandwidth": _non_negative_real,
    "center": _optional_array,
    "classical": _classical_kernels,
    "depolarizing": _two_probabilities,
    "depths": _depth,
    "directions": _optional_array,
    "distributions": _distributions,
    "feature": lambda name, value: whole_number(name, value, minimum=0),
    "journal": _path,
    "kernel_matrix": numeric_array,
    "path": _optional_array,
    "standard_errors": _errors,
    "task": lambda name, value: one_of(name, value, ("classification", "regression")),
    "bins": _several,
    "candidates": lambda name, value: real_numbers(name, value, above=0.0),
    "confidence": _fraction,
    "connection": _connection,
    "data": lambda name, value: one_of(name, value, ("uniform", "normal")),
    "default_precision": _non_negative_real,
    "default_shots": _positive,
    "distribution": _distribution,
    "dtype": _precision,
    "folds": lambda name, value: optional_whole_number(name, value, minimum=2),
    "gamma": _positive_real,
    "is_local": _flag,
    "jobs": lambda name, value: optional_whole_number(name, value, minimum=-1_000_000),
    "max_bond": _positive,
    "max_cost": _optional_price,
    "max_dimension": _positive,
    "max_executions": _optional_positive,
    "max_executions_per_job": _optional_positive,
    "max_memory": _optional_positive,
    "max_samples": _optional_positive,
    "max_strings": _positive,
    "mean": _fraction,
    "noise_samples": _positive,
    "noise": _not_plain("an Aer NoiseModel, an AerSimulator with noise, or a backend"),
    "num_data": _positive_real,
    "num_pairs": _several,
    "num_qubits": _optional_positive,
    "num_samples": _several,
    "num_walks": _several,
    "observable": _not_plain("an observable or a function from the number of qubits to one"),
    "optimization_level": lambda name, value: whole_number(name, value, minimum=0, maximum=3),
    "packing": lambda name, value: value if isinstance(value, bool) else whole_number(name, value),
    "packing_buffer": lambda name, value: whole_number(name, value, minimum=0),
    "parameters": _positions,
    "price_per_minute": _optional_price,
    "radius": _optional_positive_real,
    "regularization": _non_negative_real,
    "relative_precision": _positive_real,
    "repeats": _optional_positive,
    "resolution": _several,
    "seed": checked_seed,
    "shots": _optional_positive,
    "t": _positive,
    "target_qubits": _optional_positive,
    "test_fraction": _positive_real,
    "test_size": _optional_positive_real,
    "time_budget": _non_negative_real,
    "y": _labels,
    "trajectories": _positive,
    "transpile_trials": _positive,
}
"""What an argument of this name must be, wherever the package takes it."""


def _pairs_or_word(name: str, value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, (Sequence, np.ndarray)):
        raise TypeError(f"{name} must be a word or a list of pairs of qubits, but {value!r} came.")
    for pair in value:
        if np.ndim(pair) != 1 or len(pair) != 2 or pair[0] == pair[1]:
            raise ValueError(f"{name} must be pairs of different qubits, but {pair!r} is among them.")
    return value


def _edges(name: str, value: object) -> object:
    if isinstance(value, str):
        raise TypeError(f"{name} must be a list of pairs of vertices, but {value!r} came.")
    return _pairs_or_word(name, value)


def _optional_numbers(name: str, value: object) -> object:
    return None if value is None else real_numbers(name, value)


def _optional_angle(name: str, value: object) -> object:
    return None if value is None else real_number(name, value)


def _has(attribute: str, kind: str) -> Check:
    """A check that something has what makes it of a kind, since the kinds themselves are defined above this module."""

    def check(name: str, value: object) -> object:
        if value is not None and not hasattr(value, attribute):
            raise TypeError(f"{name} must be {kind} or None, but {value!r} ({type(value).__name__}) came.")
        return value

    return check


def _words(name: str, value: object) -> object:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list of words, but {value!r} ({type(value).__name__}) came.")
    return value


SETTING_RULES: dict[str, Check] = {
    "ansatz": _has("build", "an ansatz"),
    "edges": _edges,
    "entangling": _flag,
    "entanglement": _pairs_or_word,
    "feature_map": _has("build", "a feature map"),
    "fiducial": _has("num_qubits", "a QuantumCircuit"),
    "fiducial_angle": _optional_angle,
    "final_rotations": _flag,
    "first_layer": _flag,
    "high": _real,
    "initial_state": _flag,
    "low": _real,
    "padding": _real,
    "paulis": _words,
    "periodic": _flag,
    "phases": _flag,
    "point": _optional_numbers,
    "seed": lambda name, value: whole_number(name, value, minimum=0),
    "shared": _flag,
    "weights": _optional_numbers,
}
"""What a setting of this name must be, in every template and distribution that has it."""
