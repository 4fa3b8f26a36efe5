r"""Shift rules: the derivative of a trigonometric polynomial from its values at shifted points, exactly.

A function f(x) = a_0 + Σ_l (a_l cos Ω_l x + b_l sin Ω_l x) with the frequencies Ω_1 < … < Ω_R has

    f'(x) = Σ_μ c_μ (f(x + x_μ) - f(x - x_μ))/2   wherever   Σ_μ c_μ sin(Ω_l x_μ) = Ω_l  for every l.

One frequency gives the two-term rule (Mitarai et al., arXiv:1803.00745), ½ and 1 the four-term rule of controlled
rotations (Anselmetti et al., arXiv:2104.05695), 1…R that of Wierichs et al., arXiv:2107.12390. Σ|c| is what noise is
multiplied by; by Bernstein's inequality it is never below Ω_R.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from qiskit_qml_ext.arrays import FloatArray

_RESIDUAL = 1e-10  # of the largest frequency: above the rounding of a well-posed rule, far below any shot noise
_WASTE = 1.2  # times the least possible Σ|c| that the usual points may cost before better ones are looked for
_POINTS = 64  # candidates for each frequency where the usual points do not do


@dataclass(frozen=True, eq=False)
class ShiftRule:
    """f'(x) = Σ_s coefficients[s] f(x + shifts[s])."""

    shifts: FloatArray = field(repr=False)
    """In radians, shape (2R,)."""
    coefficients: FloatArray = field(repr=False)
    """Shape (2R,)."""

    @property
    def num_terms(self) -> int:
        """How many values the rule takes."""
        return len(self.shifts)

    @property
    def amplification(self) -> float:
        """Σ|c|: what the standard deviation of one value is multiplied by when shots are split in the best way."""
        return float(np.sum(np.abs(self.coefficients)))


@lru_cache(maxsize=1024)
def shift_rule(frequencies: tuple[float, ...]) -> ShiftRule:
    """Return the rule for functions with these frequencies, of least Σ|c| where the usual points allow it.

    Args:
        frequencies: The positive frequencies Ω_1 < … < Ω_R; none for a constant function.

    Returns:
        The rule, with 2R terms.

    Raises:
        ValueError: If the frequencies lie so close together that no rule is accurate.

    Example:
        >>> shift_rule((1.0,)).shifts.round(6).tolist(), shift_rule((1.0,)).coefficients.round(6).tolist()
        ([1.570796, -1.570796], [0.5, -0.5])
    """
    if not frequencies:
        return ShiftRule(np.zeros(0), np.zeros(0))
    wanted = np.array(frequencies, dtype=np.float64)
    largest = wanted[-1]
    points = (2 * np.arange(1, len(wanted) + 1) - 1) * np.pi / (2 * largest)
    factors = _solve(wanted, points)
    if factors is None or np.sum(np.abs(factors)) > _WASTE * largest:
        points, factors = _cheapest(wanted, points, factors)
    if factors is None:
        raise ValueError(
            f"The frequencies {', '.join(f'{one:g}' for one in frequencies)} have no accurate shift rule. "
            'Use method="finite_difference" or "spsa".'
        )
    return ShiftRule(np.concatenate([points, -points]), np.concatenate([factors, -factors]) / 2)


def _solve(frequencies: FloatArray, points: FloatArray) -> FloatArray | None:
    """Solve Σ_μ c_μ sin(Ω_l x_μ) = Ω_l; None where rounding would be seen."""
    matrix = np.sin(np.outer(frequencies, points))
    factors = np.asarray(np.linalg.lstsq(matrix, frequencies, rcond=None)[0], dtype=np.float64)
    residual = np.max(np.abs(matrix @ factors - frequencies))
    amplified = np.sum(np.abs(factors)) * np.finfo(np.float64).eps
    accurate = residual <= _RESIDUAL * frequencies[-1] and amplified <= _RESIDUAL * frequencies[-1]
    return factors if accurate else None


def _cheapest(
    frequencies: FloatArray, points: FloatArray, factors: FloatArray | None
) -> tuple[FloatArray, FloatArray | None]:
    """Find points with the least Σ|c| among many, as a linear program; its basic solutions use R points at most."""
    from scipy.optimize import linprog

    count = _POINTS * len(frequencies)
    period = np.pi / min(frequencies[0], float(np.min(np.diff(frequencies), initial=frequencies[0])))
    candidates = np.concatenate([points, np.arange(1, count + 1) * 2 * period / count])
    matrix = np.sin(np.outer(frequencies, candidates))
    solved = linprog(np.ones(2 * len(candidates)), A_eq=np.hstack([matrix, -matrix]), b_eq=frequencies)
    if solved.x is None:
        return points, factors
    used = np.flatnonzero(solved.x[: len(candidates)] + solved.x[len(candidates) :])
    better = _solve(frequencies, candidates[used])
    if better is None or (factors is not None and np.sum(np.abs(better)) >= np.sum(np.abs(factors))):
        return points, factors
    return candidates[used], better


def frequencies_of(eigenvalues: Sequence[float]) -> tuple[float, ...]:
    """Return the positive differences of eigenvalues: the frequencies of ⟨O⟩ by the angle of exp(-iφG)."""
    values = np.asarray(eigenvalues, dtype=np.float64)
    return distinct(np.abs(np.subtract.outer(values, values)).ravel())


def distinct(numbers: FloatArray) -> tuple[float, ...]:
    """Return the different positive numbers in ascending order; what rounding tells apart is one."""
    ordered = np.sort(numbers)
    apart = _RESIDUAL * max(float(ordered[-1]), 1e-300) if len(ordered) else 0.0
    kept: list[float] = []
    for number in ordered:
        if number > apart and (not kept or number - kept[-1] > apart):
            kept.append(float(number))
    return tuple(kept)
