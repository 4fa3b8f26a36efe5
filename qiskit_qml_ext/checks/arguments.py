"""The arguments of a public function are checked before it does anything."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np

from qiskit_qml_ext.checks.rules import RULES
from qiskit_qml_ext.checks.values import Check

Inputs = ParamSpec("Inputs")
Output = TypeVar("Output")


def check_arguments(**more: Check) -> Callable[[Callable[Inputs, Output]], Callable[Inputs, Output]]:
    """Decorate a public function so that its arguments are checked before it does anything.

    An argument whose name stands in :data:`~qiskit_qml_ext.checks.rules.RULES` means the same in the whole package and
    is checked by that rule; rules for other names, and stricter ones, are given here. A function may check more by
    itself. NumPy's numbers reach it as Python's.

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
