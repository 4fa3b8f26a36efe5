"""Gates on one tile: loops over amplitudes, one vector of samples per amplitude.

The state of a tile of W samples is two real arrays, real and imaginary parts, of 2**n rows with W entries each:
amplitude index first, sample innermost. Every gate is a loop over rows whose body is straight SIMD code on all W
samples. Functions take flat arrays and ``base``, the row at which the 2**n rows start. A tile is small enough to stay
in a cache.

Pauli rotations: with P = P(x, z), k = |x & z|, b = a xor x and σ_b = (-1)^|z & b|,

    (P ψ)[a] = i^k σ_b ψ[b],     exp(-i r P) ψ = cos r ψ - i sin r P ψ,

so pairs (a, b) mix. For even k the mixing factor is -i τ sin r on both rows; for odd k it is real, +τ sin r on row a
and -τ sin r on row b, with τ = σ_b for k mod 4 in (0, 1) and -σ_b for k in (2, 3). For odd k, exchanging the names a
and b changes the sign of τ, so τ = 1 can always be had for free.

The reverse functions take ψ and λ after the gate, add Im <λ|P|ψ>, half the derivative of <ψ|O|ψ> by r when λ = O ψ, to
the gradient of the row, and undo the gate on both.
"""

from qiskit_qml_ext.arrays import IntArray, RealArray
from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.simd import load, muladd, negate, parity, splat, store

SQRT_HALF = 0.7071067811865476


@njit
def lowest_bit_position(mask: int) -> int:
    """The position of the lowest set bit of a non-zero mask."""
    position = 0
    while not (mask >> position) & 1:
        position += 1
    return position


@njit
def rotate_pairs(
    re: RealArray,
    im: RealArray,
    base: int,
    n: int,
    w: int,
    x: int,
    z: int,
    cosines: RealArray,
    sines: RealArray,
    row: int,
) -> None:
    """ψ ← exp(-i r P(x, z)) ψ for x != 0."""
    pivot = lowest_bit_position(x)
    low_mask = (1 << pivot) - 1
    weight = 0
    shared = x & z
    while shared:
        weight += 1
        shared &= shared - 1
    flip = (weight >> 1) & 1
    cosine = load(cosines, row * w)
    plus = load(sines, row * w)
    minus = negate(plus)
    for half in range(1 << (n - 1)):
        a = ((half & ~low_mask) << 1) | (half & low_mask)
        b = a ^ x
        negative = parity(z & b) ^ flip
        if weight & 1:
            if negative:
                a, b = b, a
            i = (base + a) * w
            j = (base + b) * w
            u = load(re, i)
            v = load(re, j)
            store(re, i, muladd(cosine, u, plus * v))
            store(re, j, muladd(cosine, v, minus * u))
            u = load(im, i)
            v = load(im, j)
            store(im, i, muladd(cosine, u, plus * v))
            store(im, j, muladd(cosine, v, minus * u))
        else:
            i = (base + a) * w
            j = (base + b) * w
            ar = load(re, i)
            ai = load(im, i)
            br = load(re, j)
            bi = load(im, j)
            if negative:
                store(re, i, muladd(cosine, ar, minus * bi))
                store(im, i, muladd(cosine, ai, plus * br))
                store(re, j, muladd(cosine, br, minus * ai))
                store(im, j, muladd(cosine, bi, plus * ar))
            else:
                store(re, i, muladd(cosine, ar, plus * bi))
                store(im, i, muladd(cosine, ai, minus * br))
                store(re, j, muladd(cosine, br, plus * ai))
                store(im, j, muladd(cosine, bi, minus * ar))


@njit
def unrotate_pairs(
    re: RealArray, im: RealArray, lre: RealArray, lim: RealArray, base: int, n: int, w: int, x: int, z: int,
    cosines: RealArray, sines: RealArray, row: int, gradients: RealArray,
) -> None:  # fmt: skip
    """Reverse of :func:`rotate_pairs` on ψ and λ, with the gradient of the row."""
    pivot = lowest_bit_position(x)
    low_mask = (1 << pivot) - 1
    weight = 0
    shared = x & z
    while shared:
        weight += 1
        shared &= shared - 1
    flip = (weight >> 1) & 1
    cosine = load(cosines, row * w)
    minus = load(sines, row * w)
    plus = negate(minus)  # the inverse rotation
    first = load(gradients, row * w)
    second = splat(first, 0.0)
    for half in range(1 << (n - 1)):
        a = ((half & ~low_mask) << 1) | (half & low_mask)
        b = a ^ x
        negative = parity(z & b) ^ flip
        if weight & 1:
            if negative:
                a, b = b, a
            i = (base + a) * w
            j = (base + b) * w
            u = load(re, i)
            v = load(re, j)
            p = load(lre, i)
            q = load(lre, j)
            first = muladd(p, v, first)
            second = muladd(negate(q), u, second)
            store(re, i, muladd(cosine, u, plus * v))
            store(re, j, muladd(cosine, v, minus * u))
            store(lre, i, muladd(cosine, p, plus * q))
            store(lre, j, muladd(cosine, q, minus * p))
            u = load(im, i)
            v = load(im, j)
            p = load(lim, i)
            q = load(lim, j)
            first = muladd(p, v, first)
            second = muladd(negate(q), u, second)
            store(im, i, muladd(cosine, u, plus * v))
            store(im, j, muladd(cosine, v, minus * u))
            store(lim, i, muladd(cosine, p, plus * q))
            store(lim, j, muladd(cosine, q, minus * p))
        else:
            i = (base + a) * w
            j = (base + b) * w
            ar = load(re, i)
            ai = load(im, i)
            br = load(re, j)
            bi = load(im, j)
            pr = load(lre, i)
            pi = load(lim, i)
            qr = load(lre, j)
            qi = load(lim, j)
            step = muladd(pr, bi, muladd(qr, ai, negate(muladd(pi, br, qi * ar))))
            if negative:
                first = first - step
                down = plus
                up = minus
            else:
                first = first + step
                down = minus
                up = plus
            store(re, i, muladd(cosine, ar, up * bi))
            store(im, i, muladd(cosine, ai, down * br))
            store(re, j, muladd(cosine, br, up * ai))
            store(im, j, muladd(cosine, bi, down * ar))
            store(lre, i, muladd(cosine, pr, up * qi))
            store(lim, i, muladd(cosine, pi, down * qr))
            store(lre, j, muladd(cosine, qr, up * pi))
            store(lim, j, muladd(cosine, qi, down * pr))
    store(gradients, row * w, first + second)


@njit
def hadamard(
    re: RealArray, im: RealArray, base: int, n: int, w: int, x: int, z: int, sign: int, z2: int, sign2: int
) -> None:
    """ψ ← (sign P(x, z) + sign2 P(0, z2)) / √2 ψ for anticommuting Paulis: a Hadamard gate seen through a frame.

    Row a is the one of the pair on which the second Pauli is +1:
    a' = (a + w b)/√2, b' = (w* a - b)/√2 with w = ±1 or ±i.
    """
    pivot = lowest_bit_position(x)
    low_mask = (1 << pivot) - 1
    weight = 0
    shared = x & z
    while shared:
        weight += 1
        shared &= shared - 1
    flip = ((weight >> 1) & 1) ^ (1 if sign < 0 else 0)
    flip2 = 1 if sign2 < 0 else 0
    root = splat(load(re, base * w), SQRT_HALF)
    for half in range(1 << (n - 1)):
        a = ((half & ~low_mask) << 1) | (half & low_mask)
        b = a ^ x
        if parity(z2 & a) ^ flip2:
            a, b = b, a
        negative = parity(z & b) ^ flip
        i = (base + a) * w
        j = (base + b) * w
        ar = load(re, i) * root
        ai = load(im, i) * root
        br = load(re, j) * root
        bi = load(im, j) * root
        if weight & 1:
            if negative:
                br, bi = negate(br), negate(bi)
            # w = i
            store(re, i, ar - bi)
            store(im, i, ai + br)
            if negative:
                br, bi = negate(br), negate(bi)
                store(re, j, negate(ai) - br)
                store(im, j, ar - bi)
            else:
                store(re, j, ai - br)
                store(im, j, negate(ar) - bi)
        elif negative:
            store(re, i, ar - br)
            store(im, i, ai - bi)
            store(re, j, negate(ar) - br)
            store(im, j, negate(ai) - bi)
        else:
            store(re, i, ar + br)
            store(im, i, ai + bi)
            store(re, j, ar - br)
            store(im, j, ai - bi)


@njit
def apply_dense(
    re: RealArray,
    im: RealArray,
    base: int,
    n: int,
    w: int,
    qubits: IntArray,
    matrix: RealArray,
    start: int,
    conjugate: int,
    work: RealArray,
) -> None:
    """ψ ← U ψ, or U† ψ, for a fixed matrix U on k qubits, stored as real parts then imaginary parts from ``start``.

    ``work`` needs 2 * 2**k rows.
    """
    k = len(qubits)
    size = 1 << k
    mask = 0
    for qubit in qubits:
        mask |= 1 << qubit
    zero = splat(load(re, base * w), 0.0)
    for group in range(1 << n):
        if group & mask:
            continue
        for column in range(size):
            row = group
            for place in range(k):
                if (column >> place) & 1:
                    row |= 1 << qubits[place]
            store(work, column * w, load(re, (base + row) * w))
            store(work, (size + column) * w, load(im, (base + row) * w))
        for out in range(size):
            real = zero
            imag = zero
            for column in range(size):
                entry = start + column * size + out if conjugate else start + out * size + column
                mr = splat(zero, matrix[entry])
                mi = splat(zero, matrix[entry + size * size])
                if conjugate:
                    mi = negate(mi)
                vr = load(work, column * w)
                vi = load(work, (size + column) * w)
                real = muladd(mr, vr, muladd(negate(mi), vi, real))
                imag = muladd(mr, vi, muladd(mi, vr, imag))
            row = group
            for place in range(k):
                if (out >> place) & 1:
                    row |= 1 << qubits[place]
            store(re, (base + row) * w, real)
            store(im, (base + row) * w, imag)


@njit
def permute(
    re: RealArray, im: RealArray, n: int, w: int, table: IntArray, start: int, inverse: int, work: RealArray
) -> None:
    """ψ[target] ← i^k ψ[z], with ``table[start + z] = 4 * target + k``; or the inverse. ``work``: 2 * 2**n rows."""
    size = 1 << n
    for row in range(size):
        store(work, row * w, load(re, row * w))
        store(work, (size + row) * w, load(im, row * w))
    for z in range(size):
        entry = table[start + z]
        target = entry >> 2
        power = entry & 3
        source = z
        if inverse:
            source, target = target, source
            power = (4 - power) & 3
        real = load(work, source * w)
        imag = load(work, (size + source) * w)
        if power & 1:
            real, imag = negate(imag), real
        if power & 2:
            real, imag = negate(real), negate(imag)
        store(re, target * w, real)
        store(im, target * w, imag)
