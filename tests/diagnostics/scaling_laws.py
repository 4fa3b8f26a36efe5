"""Laws of variances with the verdicts that are true of them, and settings of studies: widths and errors."""

from collections.abc import Callable

import numpy as np

BARREN, POWER, CONSTANT = "barren plateau", "polynomial", "constant"
_LN2 = np.log(2)

LAWS: dict[str, tuple[Callable, set[str]]] = {
    "2^-n": (lambda n: -n * _LN2, {BARREN}),
    "1/(2^n + 1)": (lambda n: -np.log(2**n + 1), {BARREN}),
    "(3/8)^n": (lambda n: n * np.log(3 / 8), {BARREN}),
    "1.3^-n": (lambda n: -n * np.log(1.3), {BARREN}),
    "n 2^-n": (lambda n: np.log(n) - n * _LN2, {BARREN}),
    "2^-n / n": (lambda n: -np.log(n) - n * _LN2, {BARREN}),
    "n^(1/2) e^(-0.4 n)": (lambda n: 0.5 * np.log(n) - 0.4 * n, {BARREN}),
    "1/(2n - 1)": (lambda n: -np.log(2 * n - 1), {POWER}),
    "n^-2": (lambda n: -2 * np.log(n), {POWER}),
    "n^-3": (lambda n: -3 * np.log(n), {POWER}),
    "n^-1/2": (lambda n: -0.5 * np.log(n), {POWER}),
    "(n + 3)^-2": (lambda n: -2 * np.log(n + 3), {POWER}),
    "(n + 10)^-3": (lambda n: -3 * np.log(n + 10), {POWER}),
    "1/(n ln n)": (lambda n: -np.log(n) - np.log(np.log(n)), {POWER}),
    "(ln n + 1/2)/n^2": (lambda n: -2 * np.log(n) + np.log(np.log(n) + 0.5), {POWER}),
    "constant": (lambda n: 0 * n - 1.3, {CONSTANT}),
    "1 + 1/n": (lambda n: np.log(1 + 1 / n), {CONSTANT}),
    "0.02 + 2^-n": (lambda n: np.log(0.02 + 2.0**-n), {CONSTANT}),
    "1/32 + 1/n^2": (lambda n: np.log(1 / 32 + 1 / n**2), {CONSTANT}),
    # between a power and an exponential, or neither: no verdict is true
    "n^(-log2 n)": (lambda n: -np.log(n) * np.log2(n), set()),
    "e^(-2 n^(1/2))": (lambda n: -2 * np.sqrt(n), set()),
    "e^(-3 n^0.3)": (lambda n: -3 * n**0.3, set()),
    "2^-n at odd, 1/2 at even n": (lambda n: np.where(n % 2 == 1, -n * _LN2, -_LN2), set()),
    "1/n up to 8, then 2^-n": (lambda n: np.where(n <= 8, -np.log(n), -np.log(8) - (n - 8) * _LN2), {BARREN}),
}
"""ln of the variance at n qubits, and the verdicts that are true."""


def _widths(*parts) -> np.ndarray:
    return np.array(sorted({n for part in parts for n in part}), dtype=float)


SETTINGS = {
    "2 to 8, 12 %": (_widths(range(2, 9)), 0.12),
    "2 to 10, 8 %": (_widths(range(2, 11)), 0.08),
    "2 to 10, 20 %": (_widths(range(2, 11)), 0.2),
    "2 to 14, 5 %": (_widths(range(2, 15)), 0.05),
    "even from 2 to 14, 8 %": (_widths(range(2, 15, 2)), 0.08),
    "2 to 10, 8 %, with exact 16, 32, 64": (_widths(range(2, 11), (16, 32, 64)), 0.08),
    "2 to 10, 8 %, with exact 16, 24, 32": (_widths(range(2, 11), (16, 24, 32)), 0.08),
    "4 to 48 with gaps, 10 % up to 14, then exact": (_widths((4, 6, 8, 12, 16, 25, 32, 48)), 0.1),
    "2 to 10, exact": (_widths(range(2, 11)), 1e-6),
}
"""Widths and the relative errors of variances up to 14 qubits; wider ones are exact, as from walks."""


def draw(law: str, setting: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Widths, log variances with noise, and their errors."""
    n, error = SETTINGS[setting]
    errors = np.where(n > 14, 1e-6, error)
    return n, LAWS[law][0](n) + rng.normal(size=len(n)) * errors, errors


def truths(law: str, setting: str) -> set[str]:
    """The true verdicts; of a law that treats odd widths differently, where only even ones are studied, theirs."""
    if "odd" in law and np.all(SETTINGS[setting][0] % 2 == 0):
        return {CONSTANT}
    return LAWS[law][1]
