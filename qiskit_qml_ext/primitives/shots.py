"""Shots where nobody says how many, and the precision that shots give."""

DEFAULT_SHOTS = 1024
"""The shots of a circuit where neither the user nor the target says how many, as in Qiskit's own samplers."""


def precision_of(shots: int | None) -> float:
    """Return the standard error of a ±1 observable for a number of shots; 0 for exact results."""
    return 0.0 if shots is None else float(shots) ** -0.5
