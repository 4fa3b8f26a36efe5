"""The coefficients of Pauli strings under rotations, eight samples at a time, and the reverse pass.

A tile holds eight samples: row j of ``values`` is the coefficient of string j for each of them. A rotation turns pairs
of rows,

    a ← cos θ a - sin θ b,    b ← sin θ a + cos θ b      where iPQ_a = Q_b,

and is undone exactly by the opposite angle, so the reverse pass needs no memory of the way. With the final state's
costate λ = ∂C/∂(coefficients), the derivative of C by θ is Σ (λ_b a - λ_a b) over the pairs after the rotation.
"""

from qiskit_qml_ext.arrays import FloatArray, Int32Array, IntArray, RealArray
from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.simd import Vector, load, muladd, negate, pointer, splat, store

LANES = (0,) * 8
"""As long as one vector: the engine's way to tell compiled code how many samples a tile has."""


@njit
def run_tiles(
    first: int, last: int, rotations: IntArray, pairs: Int32Array, cosines: FloatArray, sines: FloatArray,
    terms: IntArray, coefficients: FloatArray, ends: IntArray, signs: FloatArray, scratch: RealArray, reverse: bool,
    lanes: tuple[int, ...], losses: FloatArray, slopes: FloatArray,
) -> None:  # fmt: skip
    """Losses, and with ``reverse`` the derivatives by the angles, of the samples of tiles ``first:last``.

    Args:
        first: The first tile.
        last: One past the last tile.
        rotations: For each rotation, in the order in which strings meet them, the range of its pairs, its angle's
            number, and the sign of its generator, shape (R, 4).
        pairs: Numbers of strings, flat: a and b in turns.
        cosines: Cosines of the angles, flat, shape (K · samples).
        sines: Their sines.
        terms: The strings of the observable.
        coefficients: Their coefficients.
        ends: The strings whose value in the initial state is not 0.
        signs: That value.
        scratch: Memory for 16 numbers for each string (8 without ``reverse``).
        reverse: Whether derivatives are wanted.
        lanes: :data:`LANES`.
        losses: Output, shape (samples,).
        slopes: Output, added to, flat, shape (K · samples).
    """
    width = len(lanes)
    samples = len(losses)
    size = len(scratch) // (2 * width if reverse else width)
    values, costates = pointer(scratch, 0, lanes), pointer(scratch, (width * size if reverse else 0), lanes)
    c, s, d = pointer(cosines, 0, lanes), pointer(sines, 0, lanes), pointer(slopes, 0, lanes)
    out = pointer(losses, 0, lanes)
    for tile in range(first, last):
        zero = splat(load(c, width * tile), 0.0)
        for row in range(size):
            store(values, width * row, zero)
        for k in range(len(terms)):
            store(values, width * terms[k], splat(zero, coefficients[k]))
        for r in range(len(rotations)):
            at = rotations[r, 2] * samples + width * tile
            _turn(values, pairs, rotations[r, 0], rotations[r, 1], load(c, at), load(s, at), rotations[r, 3])
        total = zero
        for k in range(len(ends)):
            total = muladd(splat(zero, signs[k]), load(values, width * ends[k]), total)
        store(out, width * tile, total)
        if not reverse:
            continue
        for row in range(size):
            store(costates, width * row, zero)
        for k in range(len(ends)):
            store(costates, width * ends[k], splat(zero, signs[k]))
        for r in range(len(rotations) - 1, -1, -1):
            at = rotations[r, 2] * samples + width * tile
            slope = _unturn(
                values, costates, pairs, rotations[r, 0], rotations[r, 1], load(c, at), load(s, at), rotations[r, 3]
            )
            store(d, at, load(d, at) + slope)


@njit
def _turn(values: RealArray, pairs: Int32Array, start: int, stop: int, cosine: Vector, sine: Vector, sign: int) -> None:
    width = 8
    plus = sine if sign > 0 else negate(sine)
    minus = negate(plus)
    for k in range(start, stop):
        i, j = width * pairs[2 * k], width * pairs[2 * k + 1]
        a, b = load(values, i), load(values, j)
        store(values, i, muladd(cosine, a, minus * b))
        store(values, j, muladd(cosine, b, plus * a))


@njit
def _unturn(
    values: RealArray, costates: RealArray, pairs: Int32Array, start: int, stop: int,
    cosine: Vector, sine: Vector, sign: int,
) -> Vector:  # fmt: skip
    """Undo a rotation on values and costates; the derivative by its angle."""
    width = 8
    plus = sine if sign > 0 else negate(sine)
    minus = negate(plus)
    slope = splat(cosine, 0.0)
    for k in range(start, stop):
        i, j = width * pairs[2 * k], width * pairs[2 * k + 1]
        a, b = load(values, i), load(values, j)
        p, q = load(costates, i), load(costates, j)
        slope = muladd(q, a, muladd(negate(p), b, slope))
        store(values, i, muladd(cosine, a, plus * b))
        store(values, j, muladd(cosine, b, minus * a))
        store(costates, i, muladd(cosine, p, plus * q))
        store(costates, j, muladd(cosine, q, minus * p))
    return slope if sign > 0 else negate(slope)
