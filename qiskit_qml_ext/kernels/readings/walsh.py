"""The Walsh coefficients of a function of the Hamming weight, and the signs of them, whatever the number of qubits."""

from fractions import Fraction

import numpy as np

from qiskit_qml_ext.arrays import FloatArray

_ROUNDING = Fraction(1, 2**50)  # eight times that of a double: values of f such as 1 - h/n are rounded


def walsh_coefficients(values: FloatArray) -> FloatArray:
    """Return Σ_z f(|z|) (-1)^(u·z) / 2ⁿ for |u| = 0, …, n.

    Outcomes z with h ones contribute the Krawtchouk polynomial K_h(w) = Σ_j (-1)^j C(w, j) C(n - w, h - j) for |u| = w.
    The factor 2⁻ⁿ keeps the numbers below max |f|.

    Args:
        values: f(0), …, f(n), shape (n + 1,).

    Returns:
        Shape (n + 1,).

    Examples:
        >>> import numpy as np
        >>> (8 * walsh_coefficients(np.array([1.0, 1.0, 0.0, 0.0]))).tolist()
        [4.0, 2.0, 0.0, -2.0]
    """
    n = len(values) - 1
    return np.array([float(_sum(values, _krawtchouk(n, weight)) / 2**n) for weight in range(n + 1)])


def first_negative(values: FloatArray) -> int | None:
    """Return the smallest |u| whose Walsh coefficient is negative by more than the rounding of f; ``None`` for none.

    Coefficients can be 2ⁿ times smaller than f and still decide, so that the sums are exact.
    """
    n = len(values) - 1
    for weight in range(n + 1):
        polynomials = _krawtchouk(n, weight)
        uncertain = _ROUNDING * _sum(np.abs(values), [abs(number) for number in polynomials])
        if _sum(values, polynomials) < -uncertain:
            return weight
    return None


def _krawtchouk(n: int, weight: int) -> list[int]:
    """Return K_0(w), …, K_n(w) by (h + 1) K_{h+1} = (n - 2w) K_h - (n - h + 1) K_{h-1}."""
    before, now, polynomials = 0, 1, []
    for h in range(n + 1):
        polynomials.append(now)
        before, now = now, ((n - 2 * weight) * now - (n - h + 1) * before) // (h + 1)
    return polynomials


def _sum(values: FloatArray, numbers: list[int]) -> Fraction:
    return sum((Fraction(value) * number for value, number in zip(values.tolist(), numbers, strict=True)), Fraction(0))
