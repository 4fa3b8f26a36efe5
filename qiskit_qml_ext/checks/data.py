"""Checks of data that come in as arrays, tables or lists: they are refused rather than turned into other numbers."""

import numbers

import numpy as np


def numeric_array(name: str, value: object) -> object:
    """Return an array-like of real numbers as it is; refuse what would become numbers that nobody meant.

    These are text, dates, complex numbers, missing values of pandas, sparse and masked arrays, and tensors that a
    gradient is asked of, which would end here.
    """
    _check_dense(name, value, "Fill or drop them.")
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
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # the last one of torch
        reason = str(error).splitlines()[0].rstrip(".")
        raise TypeError(
            f"{name} must be an array of real numbers, but {type(value).__name__} came: {reason}."
        ) from error
    return value


def labels(name: str, value: object) -> object:
    """Return labels as they are, one for every row; refuse missing ones."""
    _check_dense(name, value, "Drop those rows.")
    array = np.asarray(value)
    missing = (
        [one for one in array.ravel() if one is None or type(one).__name__ == "NAType"] if array.dtype == object else ()
    )
    if missing:
        raise ValueError(f"{name} must have a label for every row, but {missing[0]!r} is among them. Drop those rows.")
    return value


def standard_errors(name: str, value: object) -> object:
    """Return an array-like of numbers that are not negative as it is."""
    if not np.all(np.asarray(numeric_array(name, value)) >= 0):
        raise ValueError(f"{name} must be finite and not negative, but {value!r} came.")
    return value


def _check_dense(name: str, value: object, advice: str) -> None:
    rows = value if isinstance(value, (list, tuple)) else [value]
    if any(isinstance(one, np.ma.MaskedArray) and np.ma.is_masked(one) for one in rows):
        raise TypeError(f"{name} must have all its values, but some of this masked array are missing. {advice}")
    if type(value).__module__.startswith("scipy.sparse"):
        raise TypeError(f"{name} must be a dense array, but a {type(value).__name__} came. Use its toarray().")
