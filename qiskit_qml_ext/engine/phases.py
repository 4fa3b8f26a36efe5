"""Diagonal gates on one tile: many commuting Z rotations as one pass, and product states.

A phase pass multiplies row z by exp(i φ(z)), φ(z) = Σ_m α_m (-1)^|m & z|, for any number of masks m. It is built by
*doubling* over the bits of an index y, y_j = parity of z & b_j for a basis b of the masks: let E_k be the table of
exp(i φ) over the first k bits. Then

    E_{k+1}[y] = E_k[y],     E_{k+1}[y + 2^k] = E_k[y] U_k[y],     U_k = exp(i (φ(y + 2^k) - φ(y))),

and the exponent of U_k, Σ_{m containing bit k} -2 α_m (-1)^|m' & y| with m' the bits of m below k, is again of the form
of φ, with one bit less in every mask. So a quadratic φ (the ZZ feature map) costs two complex products per amplitude
and no sine or cosine beyond one per term and sample; degree d costs at most d products. Gradients run the same steps
backwards on the real table g(y) = ∂f/∂φ(y): "double" becomes "fold and sum".

Micro-steps on a table (tables of all depths live in one array, the depth-d table at row ``base``):
``set`` E[0] = e^{ir}; ``double_by_row`` E[y + 2^k] = E[y] e^{ir}; ``double_by_table`` E[y + 2^k] = E[y] U[y].
"""

from qiskit_qml_ext.arrays import IntArray, RealArray
from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.kernels import lowest_bit_position
from qiskit_qml_ext.engine.simd import load, muladd, negate, parity, splat, store


@njit
def double_by_row(
    ere: RealArray, eim: RealArray, base: int, k: int, w: int, cosines: RealArray, sines: RealArray, row: int
) -> None:
    """E[y + 2^k] = E[y] e^{ir} for y < 2^k."""
    c = load(cosines, row * w)
    s = load(sines, row * w)
    m = negate(s)
    shift = (1 << k) * w
    for y in range(1 << k):
        i = (base + y) * w
        real = load(ere, i)
        imag = load(eim, i)
        store(ere, i + shift, muladd(real, c, imag * m))
        store(eim, i + shift, muladd(real, s, imag * c))


@njit
def double_by_table(ere: RealArray, eim: RealArray, base: int, other: int, k: int, w: int) -> None:
    """E[y + 2^k] = E[y] U[y] for y < 2^k."""
    shift = (1 << k) * w
    for y in range(1 << k):
        i = (base + y) * w
        j = (other + y) * w
        real = load(ere, i)
        imag = load(eim, i)
        c = load(ere, j)
        s = load(eim, j)
        store(ere, i + shift, muladd(real, c, negate(imag * s)))
        store(eim, i + shift, muladd(real, s, imag * c))


@njit
def fold_to_row(g: RealArray, base: int, k: int, w: int, gradients: RealArray, row: int) -> None:
    """Reverse of :func:`double_by_row`: the gradient of r is Σ_y g[y + 2^k]; g[y] += g[y + 2^k]."""
    total = load(gradients, row * w)
    shift = (1 << k) * w
    for y in range(1 << k):
        i = (base + y) * w
        upper = load(g, i + shift)
        total = total + upper
        store(g, i, load(g, i) + upper)
    store(gradients, row * w, total)


@njit
def fold_to_table(g: RealArray, base: int, other: int, k: int, w: int) -> None:
    """Reverse of :func:`double_by_table`: the gradient of U's exponent is g[y + 2^k]; g[y] += g[y + 2^k]."""
    shift = (1 << k) * w
    for y in range(1 << k):
        i = (base + y) * w
        upper = load(g, i + shift)
        store(g, (other + y) * w, upper)
        store(g, i, load(g, i) + upper)


@njit
def multiply_phases(
    re: RealArray, im: RealArray, ere: RealArray, eim: RealArray, n: int, w: int, table: IntArray, start: int
) -> None:
    """ψ[z] *= E[y(z)]; ``start`` < 0 means y(z) = z."""
    for z in range(1 << n):
        y = z if start < 0 else table[start + z]
        i = z * w
        j = y * w
        real = load(re, i)
        imag = load(im, i)
        c = load(ere, j)
        s = load(eim, j)
        store(re, i, muladd(real, c, negate(imag * s)))
        store(im, i, muladd(real, s, imag * c))


@njit
def write_phases(
    re: RealArray,
    im: RealArray,
    ere: RealArray,
    eim: RealArray,
    n: int,
    w: int,
    table: IntArray,
    start: int,
    scale: float,
) -> None:
    """ψ[z] = scale E[y(z)], the pass on a uniform superposition."""
    factor = splat(load(ere, 0), scale)
    for z in range(1 << n):
        y = z if start < 0 else table[start + z]
        store(re, z * w, load(ere, y * w) * factor)
        store(im, z * w, load(eim, y * w) * factor)


@njit
def _turn(ere: RealArray, eim: RealArray, table: int, factor: int, size: int, w: int, backwards: int) -> None:
    """T *= V, or V*, row by row: tables of ``size`` rows at rows ``table`` and ``factor``."""
    for y in range(size):
        i = (table + y) * w
        j = (factor + y) * w
        real = load(ere, i)
        imag = load(eim, i)
        c = load(ere, j)
        s = load(eim, j)
        if backwards:
            s = negate(s)
        store(ere, i, muladd(real, c, negate(imag * s)))
        store(eim, i, muladd(real, s, imag * c))


@njit
def quadratic_phases(
    re: RealArray, im: RealArray, ere: RealArray, eim: RealArray, n: int, w: int, m: int, high: int, low: int,
    cross: int, write: int, backwards: int, scale: float,
) -> None:  # fmt: skip
    """ψ[h, l] *= H[h] T[l] Π_{j in h} V_j[l], or, with ``write``, ψ[h, l] = scale times it; l are the m low bits.

    This is a pass of degree 2 with small tables only: φ = φ_high(h) + φ_low(l) + Σ_j ±χ_j(l). H, T and V_j =
    exp(-2i χ_j) start at rows ``high``, ``low`` and ``cross + (j - m) 2^m``. The product over j is kept in T and
    changed by one factor per block, in the order of a Gray code. That leaves T changed; the same pass can follow
    ``backwards``, from the last block to the first, without building the tables again.
    """
    size = 1 << m
    last = (1 << (n - m)) - 1
    h = last ^ (last >> 1) if backwards else 0
    for count in range(last + 1):
        if count:
            bit = lowest_bit_position(last + 1 - count if backwards else count)
            h ^= 1 << bit
            _turn(ere, eim, low, cross + bit * size, size, w, 0 if (h >> bit) & 1 else 1)
        hc = load(ere, (high + h) * w)
        hs = load(eim, (high + h) * w)
        if write:
            hc = hc * splat(hc, scale)
            hs = hs * splat(hs, scale)
        base = h * size
        for y in range(size):
            i = (base + y) * w
            j = (low + y) * w
            tc = load(ere, j)
            ts = load(eim, j)
            c = muladd(tc, hc, negate(ts * hs))
            s = muladd(tc, hs, ts * hc)
            if write:
                store(re, i, c)
                store(im, i, s)
            else:
                real = load(re, i)
                imag = load(im, i)
                store(re, i, muladd(real, c, negate(imag * s)))
                store(im, i, muladd(real, s, imag * c))


@njit
def unmultiply_phases(
    re: RealArray, im: RealArray, lre: RealArray, lim: RealArray, ere: RealArray, eim: RealArray, g: RealArray, n: int,
    w: int, table: IntArray, start: int, rank: int,
) -> None:  # fmt: skip
    """Reverse of :func:`multiply_phases` on ψ and λ; g[y] = Σ_{z: y(z) = y} Im(λ[z] ψ[z]*), half of ∂f/∂φ(y)."""
    if start >= 0:
        zero = splat(load(re, 0), 0.0)
        for y in range(1 << rank):
            store(g, y * w, zero)
    for z in range(1 << n):
        y = z if start < 0 else table[start + z]
        i = z * w
        j = y * w
        real = load(re, i)
        imag = load(im, i)
        p = load(lre, i)
        q = load(lim, i)
        c = load(ere, j)
        s = load(eim, j)
        step = muladd(q, real, negate(p * imag))
        if start >= 0:
            step = step + load(g, j)
        store(g, j, step)
        store(re, i, muladd(real, c, imag * s))
        store(im, i, muladd(imag, c, negate(real * s)))
        store(lre, i, muladd(p, c, q * s))
        store(lim, i, muladd(q, c, negate(p * s)))


@njit
def multiply_term(
    re: RealArray, im: RealArray, base: int, n: int, w: int, mask: int, cosines: RealArray, sines: RealArray, row: int
) -> None:
    """ψ[z] *= exp(i r (-1)^|mask & z|), a pass with one term."""
    c = load(cosines, row * w)
    plus = load(sines, row * w)
    minus = negate(plus)
    for z in range(1 << n):
        i = (base + z) * w
        real = load(re, i)
        imag = load(im, i)
        if parity(mask & z):
            store(re, i, muladd(real, c, imag * plus))
            store(im, i, muladd(imag, c, real * minus))
        else:
            store(re, i, muladd(real, c, imag * minus))
            store(im, i, muladd(imag, c, real * plus))


@njit
def unmultiply_term(
    re: RealArray, im: RealArray, lre: RealArray, lim: RealArray, base: int, n: int, w: int, mask: int,
    cosines: RealArray, sines: RealArray, row: int, gradients: RealArray,
) -> None:  # fmt: skip
    """Reverse of :func:`multiply_term` on ψ and λ, with the gradient of the row."""
    c = load(cosines, row * w)
    plus = load(sines, row * w)
    minus = negate(plus)
    total = load(gradients, row * w)
    for z in range(1 << n):
        i = (base + z) * w
        real = load(re, i)
        imag = load(im, i)
        p = load(lre, i)
        q = load(lim, i)
        step = muladd(q, real, negate(p * imag))
        if parity(mask & z):
            total = total - step
            store(re, i, muladd(real, c, imag * minus))
            store(im, i, muladd(imag, c, real * plus))
            store(lre, i, muladd(p, c, q * minus))
            store(lim, i, muladd(q, c, p * plus))
        else:
            total = total + step
            store(re, i, muladd(real, c, imag * plus))
            store(im, i, muladd(imag, c, real * minus))
            store(lre, i, muladd(p, c, q * plus))
            store(lim, i, muladd(q, c, p * minus))
    store(gradients, row * w, total)


@njit
def product_state(re: RealArray, im: RealArray, n: int, w: int, qre: RealArray, qim: RealArray) -> None:
    """ψ = ⊗_q (qubit q's two amplitudes, rows 2q and 2q + 1 of the small arrays), by doubling."""
    store(re, 0, load(qre, 0))
    store(im, 0, load(qim, 0))
    store(re, w, load(qre, w))
    store(im, w, load(qim, w))
    for q in range(1, n):
        ur = load(qre, 2 * q * w)
        ui = load(qim, 2 * q * w)
        vr = load(qre, (2 * q + 1) * w)
        vi = load(qim, (2 * q + 1) * w)
        shift = (1 << q) * w
        for y in range(1 << q):
            i = y * w
            real = load(re, i)
            imag = load(im, i)
            store(re, i + shift, muladd(real, vr, negate(imag * vi)))
            store(im, i + shift, muladd(real, vi, imag * vr))
            store(re, i, muladd(real, ur, negate(imag * ui)))
            store(im, i, muladd(real, ui, imag * ur))


@njit
def unproduct_state(
    lre: RealArray,
    lim: RealArray,
    n: int,
    w: int,
    qre: RealArray,
    qim: RealArray,
    mre: RealArray,
    mim: RealArray,
    ere: RealArray,
    eim: RealArray,
) -> None:
    """Reverse of :func:`product_state`: λ of every qubit, from λ of the whole (which is overwritten).

    λ_q[b] = Σ_{z: z_q = b} λ[z] Π_{p≠q} ψ_p[z_p]*. Prefix products Π_{p<q} of all lengths are built by doubling, the
    length-q table at row 2^q of the work arrays; then the top qubit is contracted away, one after the other.
    """
    one = splat(load(lre, 0), 1.0)
    zero = splat(load(lre, 0), 0.0)
    store(ere, w, one)
    store(eim, w, zero)
    for q in range(n - 1):
        ur = load(qre, 2 * q * w)
        ui = load(qim, 2 * q * w)
        vr = load(qre, (2 * q + 1) * w)
        vi = load(qim, (2 * q + 1) * w)
        size = 1 << q
        for y in range(size):
            real = load(ere, (size + y) * w)
            imag = load(eim, (size + y) * w)
            i = (2 * size + y) * w
            store(ere, i, muladd(real, ur, negate(imag * ui)))
            store(eim, i, muladd(real, ui, imag * ur))
            i = (3 * size + y) * w
            store(ere, i, muladd(real, vr, negate(imag * vi)))
            store(eim, i, muladd(real, vi, imag * vr))
    for top in range(n):
        q = n - 1 - top
        size = 1 << q
        ur = load(qre, 2 * q * w)
        ui = load(qim, 2 * q * w)
        vr = load(qre, (2 * q + 1) * w)
        vi = load(qim, (2 * q + 1) * w)
        r0 = zero
        i0 = zero
        r1 = zero
        i1 = zero
        for y in range(size):
            pr = load(ere, (size + y) * w)
            pi = load(eim, (size + y) * w)
            ar = load(lre, y * w)
            ai = load(lim, y * w)
            br = load(lre, (size + y) * w)
            bi = load(lim, (size + y) * w)
            # λ times the conjugate of the prefix product
            r0 = muladd(ar, pr, muladd(ai, pi, r0))
            i0 = muladd(ai, pr, muladd(negate(ar), pi, i0))
            r1 = muladd(br, pr, muladd(bi, pi, r1))
            i1 = muladd(bi, pr, muladd(negate(br), pi, i1))
            # contract the top qubit with its own conjugate amplitudes
            real = muladd(ar, ur, muladd(ai, ui, muladd(br, vr, bi * vi)))
            imag = muladd(ai, ur, muladd(bi, vr, negate(muladd(ar, ui, br * vi))))
            store(lre, y * w, real)
            store(lim, y * w, imag)
        store(mre, 2 * q * w, r0)
        store(mim, 2 * q * w, i0)
        store(mre, (2 * q + 1) * w, r1)
        store(mim, (2 * q + 1) * w, i1)
