"""Checks of arguments that several modules share."""

import numpy as np


def checked_positive(name: str, value: object) -> int | None:
    """Return a whole number of at least 1, or ``None``; anything else is an error that names the argument."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number or None, but {value!r} ({type(value).__name__}) came.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, but {value} came.")
    return int(value)


def checked_seed(seed: object) -> int | None:
    """Return a seed that is not negative, or ``None``; anything else is an error."""
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed must be a whole number or None, but {seed!r} ({type(seed).__name__}) came.")
    if seed < 0:
        raise ValueError(f"seed must not be negative, but {seed} came.")
    return int(seed)
