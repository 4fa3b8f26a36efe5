"""The angle rows of one tile: expressions, sines and cosines for W samples at once, and their derivatives.

The compiled counterpart of :class:`qiskit_qml_ext.program.AngleMap` (which is its oracle). A *row* is the argument r
of one step of the bytecode, for instance half a rotation angle; all rows are evaluated before the first gate of a tile
runs.
"""

import math
from typing import Any

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IntArray, RealArray
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import (
    Vector,
    all_within,
    floor,
    load,
    muladd,
    negate,
    select_less,
    splat,
    store,
)
from qiskit_qml_ext.program import AngleMap

AngleData = tuple[IntArray, FloatArray]
"""An angle map for compiled code, in one array of integers and one of floats, see :func:`pack_angles`."""

# mypy: disable-error-code="no-any-return"
# numpy functions of a float have no precise type

# π/2 in three parts, each but the last with 33 significant bits, so that k times a part is exact for |k| < 2^20
_PIO2_1 = 1.57079632673412561417e00
_PIO2_2 = 6.07710050630396597660e-11
_PIO2_3 = 2.02226624879595063154e-21
_TWO_OVER_PI = 0.63661977236758134308
_PRODUCT = 10  # the position of the product among the functions
# places in the header of the packed integers: the number of functions, the number of rows, where functions begin, and
# for the left arguments, the right arguments and the rows where starts, atoms, coefficients and offsets begin
_NUM_FUNCTIONS, NUM_ROWS, _FUNCTIONS, _LEFT, _RIGHT, _ROWS, _HEADER = 0, 1, 2, 3, 7, 11, 15
_LARGE = 1.0e6  # beyond, the exact products above do not hold and the C library's slower reduction is used


@njit
def sines_and_cosines(memory: RealArray, angles: int, cosines: int, sines: int, count: int) -> int:
    """Cos and sin of ``count`` float64 values (a multiple of 8), to about one unit in the last place.

    The values begin at element ``angles`` of ``memory``, the results go to the elements ``cosines`` and ``sines`` on.

    Returns 0 if a value is not finite, else 1.

    Cody-Waite reduction to |t| <= π/4, then Taylor-type minimax polynomials of degree 13 and 14.
    """
    finite = 1
    for start in range(0, count, 8):
        angle = load(memory, angles + start)
        if not all_within(angle, splat(angle, _LARGE)):
            finite &= all_within(angle, splat(angle, np.inf))
            for lane in range(start, start + 8):
                memory[cosines + lane] = math.cos(memory[angles + lane])
                memory[sines + lane] = math.sin(memory[angles + lane])
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
        store(memory, cosines + start, c)
        store(memory, sines + start, s)
    return finite


@njit
def _function(code: int, a: float, b: float) -> float:
    """The elementary functions of :data:`qiskit_qml_ext.program.angles.FUNCTIONS`, by position."""
    if code == _PRODUCT:
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
    if code == _PRODUCT:
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


def pack_angles(angles: AngleMap) -> AngleData:
    """Put an angle map into two arrays: compiled functions pay for every array that they are given."""
    integers: list[IntArray] = [np.zeros(_HEADER, dtype=np.int64), angles.functions]
    reals: list[FloatArray] = []
    header = integers[0]
    header[_NUM_FUNCTIONS], header[NUM_ROWS], header[_FUNCTIONS] = len(angles.functions), angles.num_angles, _HEADER

    def add(array: AnyArray, arrays: list[Any]) -> int:
        arrays.append(array)
        return sum(map(len, arrays[:-1]))

    for place, rows in ((_LEFT, angles.left), (_RIGHT, angles.right), (_ROWS, angles.rows)):
        header[place : place + 4] = (
            add(rows.starts, integers),
            add(rows.atoms, integers),
            add(rows.coefficients, reals),
            add(rows.offsets, reals),
        )
    return np.concatenate(integers), np.concatenate(reals)


@njit
def affine(integers: IntArray, reals: RealArray, part: int, row: int, atoms: RealArray, w: int, lane: int) -> float:
    """One affine row of a part of the map (_LEFT, _RIGHT or _ROWS) for one sample."""
    starts, entries, coefficients = integers[part], integers[part + 1], integers[part + 2]
    total = reals[integers[part + 3] + row]
    for entry in range(integers[starts + row], integers[starts + row + 1]):
        total += reals[coefficients + entry] * atoms[integers[entries + entry] * w + lane]
    return total


@njit
def affine_lanes(
    integers: IntArray, reals: RealArray, part: int, row: int, atoms: RealArray, w: int, lane: int
) -> Vector:
    """The same for the eight samples from ``lane`` on."""
    starts, entries, coefficients = integers[part], integers[part + 1], integers[part + 2]
    total = splat(load(atoms, 0), reals[integers[part + 3] + row])
    for entry in range(integers[starts + row], integers[starts + row + 1]):
        factor = splat(total, reals[coefficients + entry])
        total = muladd(factor, load(atoms, integers[entries + entry] * w + lane), total)
    return total


@njit
def num_atoms(integers: IntArray, num_parameters: int) -> int:
    """The number of atoms: parameters and functions."""
    return num_parameters + integers[_NUM_FUNCTIONS]


@njit
def evaluate_rows(
    values: RealArray, first: int, w: int, integers: IntArray, reals: RealArray, memory: RealArray, angles: int
) -> None:
    """Evaluate atoms (A, w) and rows (R, w) for samples ``first`` to ``first + w``; the last is repeated.

    The atoms fill the beginning of ``memory``, the rows what follows element ``angles``.
    """
    batch, num_parameters = values.shape
    for lane in range(w):
        sample = min(first + lane, batch - 1)
        for parameter in range(num_parameters):
            memory[parameter * w + lane] = values[sample, parameter]
    for node in range(integers[_NUM_FUNCTIONS]):
        code = integers[integers[_FUNCTIONS] + node]
        target = (num_parameters + node) * w
        if code == _PRODUCT and w >= 8:  # the angles of most feature maps
            for lane in range(0, w, 8):
                factor = affine_lanes(integers, reals, _LEFT, node, memory, w, lane)
                store(memory, target + lane, factor * affine_lanes(integers, reals, _RIGHT, node, memory, w, lane))
            continue
        for lane in range(w):
            a = affine(integers, reals, _LEFT, node, memory, w, lane)
            b = affine(integers, reals, _RIGHT, node, memory, w, lane)
            memory[target + lane] = _function(code, a, b)
    for row in range(integers[NUM_ROWS]):
        if w < 8:  # vectors of eight rows would overlap
            for lane in range(w):
                memory[angles + row * w + lane] = affine(integers, reals, _ROWS, row, memory, w, lane)
            continue
        for lane in range(0, w, 8):
            store(memory, angles + row * w + lane, affine_lanes(integers, reals, _ROWS, row, memory, w, lane))


@njit
def pull_back_rows(
    first: int, w: int, integers: IntArray, reals: RealArray, memory: RealArray, gradients: int, pulled: int,
    out: RealArray,
) -> None:  # fmt: skip
    """From the gradient by rows (R, w) to ``out`` (B, P): the reverse of :func:`evaluate_rows`, times 2.

    ``memory`` holds the atoms, from ``gradients`` on the gradient by rows, and from ``pulled`` on room for one value
    for each atom and sample.

    The kernels leave out the factor 2 of ∂<O> = 2 Re <λ|∂ψ>; it is put in here, once.
    """
    batch, num_parameters = out.shape
    num_functions = integers[_NUM_FUNCTIONS]
    for index in range((num_parameters + num_functions) * w):
        memory[pulled + index] = 0.0
    starts, entries, coefficients = integers[_ROWS], integers[_ROWS + 1], integers[_ROWS + 2]
    for row in range(integers[NUM_ROWS]):
        for entry in range(integers[starts + row], integers[starts + row + 1]):
            target = pulled + integers[entries + entry] * w
            factor = 2.0 * reals[coefficients + entry]
            if w < 8:
                for lane in range(w):
                    memory[target + lane] += factor * memory[gradients + row * w + lane]
                continue
            for lane in range(0, w, 8):
                gradient = load(memory, gradients + row * w + lane)
                store(memory, target + lane, muladd(splat(gradient, factor), gradient, load(memory, target + lane)))
    for back in range(num_functions):
        node = num_functions - 1 - back
        code = integers[integers[_FUNCTIONS] + node]
        for lane in range(w):
            weight = memory[pulled + (num_parameters + node) * w + lane]
            a = affine(integers, reals, _LEFT, node, memory, w, lane)
            b = affine(integers, reals, _RIGHT, node, memory, w, lane)
            by_left, by_right = _derivatives(code, a, b)
            _pull_back_argument(integers, reals, _LEFT, node, weight * by_left, memory, pulled, w, lane)
            _pull_back_argument(integers, reals, _RIGHT, node, weight * by_right, memory, pulled, w, lane)
    for lane in range(min(w, batch - first)):
        for parameter in range(num_parameters):
            out[first + lane, parameter] = memory[pulled + parameter * w + lane]


@njit
def _pull_back_argument(
    integers: IntArray,
    reals: RealArray,
    part: int,
    node: int,
    weight: float,
    memory: RealArray,
    pulled: int,
    w: int,
    lane: int,
) -> None:
    starts, entries, coefficients = integers[part], integers[part + 1], integers[part + 2]
    for entry in range(integers[starts + node], integers[starts + node + 1]):
        memory[pulled + integers[entries + entry] * w + lane] += weight * reals[coefficients + entry]
