"""The angle rows of one tile: expressions, sines and cosines for W samples at once, and their derivatives.

The compiled counterpart of :class:`qiskit_qml_ext.program.AngleMap` (which is its oracle). A *row* is the argument r
of one step of the plan, for instance half a rotation angle; all rows are evaluated before the first gate of a tile
runs.
"""

import math

import numpy as np

from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.kernels import Integers, Real
from qiskit_qml_ext.engine.simd import all_within, floor, load, muladd, negate, select_less, splat, store

AngleData = tuple[
    Integers, Integers, Integers, Real, Real, Integers, Integers, Real, Real, Integers, Integers, Real, Real
]  # fmt: skip
"""An angle map for compiled code: functions, then starts, atoms, coefficients, offsets of left, right and rows."""

# mypy: disable-error-code="no-any-return"
# numpy functions of a float have no precise type

# π/2 in three parts, each but the last with 33 significant bits, so that k times a part is exact for |k| < 2^20
_PIO2_1 = 1.57079632673412561417e00
_PIO2_2 = 6.07710050630396597660e-11
_PIO2_3 = 2.02226624879595063154e-21
_TWO_OVER_PI = 0.63661977236758134308
_LARGE = 1.0e6  # beyond, the exact products above do not hold and the C library's slower reduction is used


@njit
def sines_and_cosines(angles: Real, cosines: Real, sines: Real, count: int) -> int:
    """Cos and sin of ``count`` float64 values (a multiple of 8), to about one unit in the last place.

    Returns 0 if a value is not finite, else 1.

    Cody-Waite reduction to |t| <= π/4, then Taylor-type minimax polynomials of degree 13 and 14.
    """
    finite = 1
    for start in range(0, count, 8):
        angle = load(angles, start)
        if not all_within(angle, splat(angle, _LARGE)):
            finite &= all_within(angle, splat(angle, np.inf))
            for lane in range(start, start + 8):
                cosines[lane] = math.cos(angles[lane])
                sines[lane] = math.sin(angles[lane])
            continue
        half = splat(angle, 0.5)
        one = splat(angle, 1.0)
        k = floor(muladd(angle, splat(angle, _TWO_OVER_PI), half))
        t = muladd(negate(k), splat(angle, _PIO2_1), angle)
        t = muladd(negate(k), splat(angle, _PIO2_2), t)
        t = muladd(negate(k), splat(angle, _PIO2_3), t)
        u = t * t
        p = splat(angle, 1.58962301576546568060e-10)
        p = muladd(p, u, splat(angle, -2.50507477628578072866e-8))
        p = muladd(p, u, splat(angle, 2.75573136213857245213e-6))
        p = muladd(p, u, splat(angle, -1.98412698295895385996e-4))
        p = muladd(p, u, splat(angle, 8.33333333332211858878e-3))
        p = muladd(p, u, splat(angle, -1.66666666666666307295e-1))
        sine = muladd(p * u, t, t)
        p = splat(angle, -1.13585365213876817300e-11)
        p = muladd(p, u, splat(angle, 2.08757008419747316778e-9))
        p = muladd(p, u, splat(angle, -2.75573141792967388112e-7))
        p = muladd(p, u, splat(angle, 2.48015872888517045348e-5))
        p = muladd(p, u, splat(angle, -1.38888888888730564116e-3))
        p = muladd(p, u, splat(angle, 4.16666666666665929218e-2))
        cosine = muladd(u * u, p, muladd(negate(half), u, one))
        # quadrant k mod 4: 0 (c, s), 1 (-s, c), 2 (-c, -s), 3 (s, -c)
        quadrant = k - splat(angle, 4.0) * floor(k * splat(angle, 0.25))
        odd = quadrant - splat(angle, 2.0) * floor(quadrant * half)
        c = select_less(odd, half, cosine, sine)
        s = select_less(odd, half, sine, cosine)
        shifted = quadrant - splat(angle, 1.5)  # cos is negative in quadrants 1 and 2, sin in 2 and 3
        c = select_less(shifted * shifted, one, negate(c), c)
        s = select_less(splat(angle, 0.0), shifted, negate(s), s)
        store(cosines, start, c)
        store(sines, start, s)
    return finite


@njit
def _function(code: int, a: float, b: float) -> float:
    """The elementary functions of :data:`qiskit_qml_ext.program.angles.FUNCTIONS`, by position."""
    if code == 10:
        return a * b
    if code == 0:
        return math.sin(a)
    if code == 1:
        return math.cos(a)
    if code == 2:
        return math.tan(a)
    if code == 3:
        return np.arcsin(a)
    if code == 4:
        return np.arccos(a)
    if code == 5:
        return math.atan(a)
    if code == 6:
        return math.exp(a)
    if code == 7:
        return np.log(a)
    if code == 8:
        return abs(a)
    if code == 9:
        return np.sign(a)
    if code == 11:
        return a / b
    return np.power(a, b)


@njit
def _derivatives(code: int, a: float, b: float) -> tuple[float, float]:
    """Partial derivatives of :func:`_function`."""
    if code == 10:
        return b, a
    if code == 0:
        return math.cos(a), 0.0
    if code == 1:
        return -math.sin(a), 0.0
    if code == 2:
        return 1.0 / math.cos(a) ** 2, 0.0
    if code == 3:
        return 1.0 / np.sqrt(1.0 - a * a), 0.0
    if code == 4:
        return -1.0 / np.sqrt(1.0 - a * a), 0.0
    if code == 5:
        return 1.0 / (1.0 + a * a), 0.0
    if code == 6:
        return math.exp(a), 0.0
    if code == 7:
        return 1.0 / a, 0.0
    if code == 8:
        return np.sign(a), 0.0
    if code == 9:
        return 0.0, 0.0
    if code == 11:
        return 1.0 / b, -a / (b * b)
    by_base = 0.0 if b == 0.0 else b * np.power(a, b - 1.0)
    by_exponent = np.power(a, b) * np.log(a) if a > 0.0 else 0.0
    return by_base, by_exponent


@njit
def affine(
    starts: Integers, entries: Integers, coefficients: Real, offset: float, row: int, atoms: Real, w: int, lane: int
) -> float:
    """One affine row for one sample."""
    total = offset
    for entry in range(starts[row], starts[row + 1]):
        total += coefficients[entry] * atoms[entries[entry] * w + lane]
    return total


@njit
def evaluate_rows(
    values: Real, first: int, w: int, functions: Integers,
    left_starts: Integers, left_atoms: Integers, left_coefficients: Real, left_offsets: Real,
    right_starts: Integers, right_atoms: Integers, right_coefficients: Real, right_offsets: Real,
    starts: Integers, entries: Integers, coefficients: Real, offsets: Real,
    atoms: Real, angles: Real,
) -> None:  # fmt: skip
    """Fill ``atoms`` (A, w) and ``angles`` (R, w) for samples ``first`` to ``first + w``; the last is repeated."""
    batch, num_parameters = values.shape
    for lane in range(w):
        row_of_values = values[min(first + lane, batch - 1)]
        for parameter in range(num_parameters):
            atoms[parameter * w + lane] = row_of_values[parameter]
    for node in range(len(functions)):
        code = functions[node]
        for lane in range(w):
            a = affine(left_starts, left_atoms, left_coefficients, left_offsets[node], node, atoms, w, lane)
            b = affine(right_starts, right_atoms, right_coefficients, right_offsets[node], node, atoms, w, lane)
            atoms[(num_parameters + node) * w + lane] = _function(code, a, b)
    if w < 8:  # vectors of eight rows would overlap
        for row in range(len(offsets)):
            for lane in range(w):
                angles[row * w + lane] = affine(starts, entries, coefficients, offsets[row], row, atoms, w, lane)
        return
    for row in range(len(offsets)):
        for lane in range(0, w, 8):
            total = splat(load(angles, 0), offsets[row])
            for entry in range(starts[row], starts[row + 1]):
                total = muladd(splat(total, coefficients[entry]), load(atoms, entries[entry] * w + lane), total)
            store(angles, row * w + lane, total)


@njit
def pull_back_rows(
    gradients: Real, first: int, w: int, functions: Integers,
    left_starts: Integers, left_atoms: Integers, left_coefficients: Real, left_offsets: Real,
    right_starts: Integers, right_atoms: Integers, right_coefficients: Real, right_offsets: Real,
    starts: Integers, entries: Integers, coefficients: Real, offsets: Real,
    atoms: Real, pulled: Real, out: Real,
) -> None:  # fmt: skip
    """From the gradient by rows (R, w) to ``out`` (B, P): the reverse of :func:`evaluate_rows`, times 2.

    The kernels leave out the factor 2 of ∂<O> = 2 Re <λ|∂ψ>; it is put in here, once.
    """
    batch, num_parameters = out.shape
    num_atoms = num_parameters + len(functions)
    for index in range(num_atoms * w):
        pulled[index] = 0.0
    for row in range(len(offsets)):
        for entry in range(starts[row], starts[row + 1]):
            target = entries[entry] * w
            if w < 8:
                for lane in range(w):
                    pulled[target + lane] += 2.0 * coefficients[entry] * gradients[row * w + lane]
                continue
            for lane in range(0, w, 8):
                gradient = load(gradients, row * w + lane)
                coefficient = splat(gradient, 2.0 * coefficients[entry])
                store(pulled, target + lane, muladd(coefficient, gradient, load(pulled, target + lane)))
    for back in range(len(functions)):
        node = len(functions) - 1 - back
        for lane in range(w):
            weight = pulled[(num_parameters + node) * w + lane]
            a = affine(left_starts, left_atoms, left_coefficients, left_offsets[node], node, atoms, w, lane)
            b = affine(right_starts, right_atoms, right_coefficients, right_offsets[node], node, atoms, w, lane)
            by_left, by_right = _derivatives(functions[node], a, b)
            for entry in range(left_starts[node], left_starts[node + 1]):
                pulled[left_atoms[entry] * w + lane] += weight * by_left * left_coefficients[entry]
            for entry in range(right_starts[node], right_starts[node + 1]):
                pulled[right_atoms[entry] * w + lane] += weight * by_right * right_coefficients[entry]
    for lane in range(min(w, batch - first)):
        for parameter in range(num_parameters):
            out[first + lane, parameter] = pulled[parameter * w + lane]
