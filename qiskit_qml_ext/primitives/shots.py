"""Shots where nobody says how many, and the precision that shots give."""

import math

_ROUNDING = 1e-9  # (S^(-1/2))^(-2) may come out above S

DEFAULT_SHOTS = 1024
"""The shots of a circuit where neither the user nor the target says how many, as in Qiskit's own samplers."""


def precision_of(shots: int | None) -> float:
    """Return the standard error of a ±1 observable for a number of shots; 0 for exact results."""
    return 0.0 if shots is None else float(shots) ** -0.5


def precision_for(shots: float) -> float:
    """Return a precision that estimators of devices turn into so many shots: they round 1/precision² up."""
    return float((1 + 1e-12) / math.sqrt(shots))


def shots_of(precision: float | None, default: int | None) -> int:
    """Return the shots that an estimator takes for a precision, or by default; 0 where it is exact or not known."""
    if precision is None:
        return default or 0
    return 0 if precision == 0 else math.ceil(precision**-2 * (1 - _ROUNDING))
