"""Checks of functions and methods that users hand in."""

import inspect
from collections.abc import Callable


def can_take(function: Callable[..., object], *arguments: object, **settings: object) -> bool:
    """Whether a function can be called with these arguments, by its signature; true where it has none to look at."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions in C have none
        return True
    try:
        signature.bind(*arguments, **settings)
    except TypeError:
        return False
    return True
