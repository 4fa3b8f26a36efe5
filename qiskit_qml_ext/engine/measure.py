"""Observables on one tile: expectation values <ψ|O|ψ>, and λ += weight O ψ for the reverse pass.

An observable is a run of steps, each an integer row ``(kind, observable, x, z, constant)``:

- ``PAULI``: a Pauli string P(x, z); its real coefficient is ``constants[constant]``.
- ``DIAGONAL``: a real table of 2**n values that starts at ``constants[constant]``.
- ``BASIS``: the projector on basis state ``x``; coefficient at ``constant``.
- ``STATE``: the projector on a state; coefficient at ``constant``, then 2**n real parts, then 2**n imaginary parts.
"""

from qiskit_qml_ext.arrays import IntArray, RealArray
from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.kernels import lowest_bit_position
from qiskit_qml_ext.engine.simd import load, muladd, negate, parity, splat, store

PAULI, DIAGONAL, BASIS, STATE = 0, 1, 2, 3


@njit
def add_expectations(
    steps: IntArray, constants: RealArray, re: RealArray, im: RealArray, n: int, w: int, out: RealArray
) -> None:
    """Add the contributions of all steps to the rows of ``out``, one row an observable."""
    for step in range(len(steps)):
        add_expectation(
            steps[step, 0], steps[step, 2], steps[step, 3], constants, steps[step, 4], re, im, n, w, out, steps[step, 1]
        )


@njit
def add_observables(
    steps: IntArray, constants: RealArray, observable: int, re: RealArray, im: RealArray, n: int, w: int,
    weights: RealArray, lre: RealArray, lim: RealArray,
) -> None:  # fmt: skip
    """λ += Σ weight O ψ for one observable, or for all if it is negative."""
    for step in range(len(steps)):
        if observable < 0 or steps[step, 1] == observable:
            add_observable(
                steps[step, 0], steps[step, 2], steps[step, 3], constants, steps[step, 4], re, im, n, w, weights,
                steps[step, 1], lre, lim,
            )  # fmt: skip


@njit
def add_expectation(
    kind: int,
    x: int,
    z: int,
    constants: RealArray,
    constant: int,
    re: RealArray,
    im: RealArray,
    n: int,
    w: int,
    out: RealArray,
    row: int,
) -> None:
    """Add one step's contribution to row ``row`` of ``out``."""
    zero = splat(load(re, 0), 0.0)
    total = zero
    size = 1 << n
    if kind == DIAGONAL:
        for b in range(size):
            real = load(re, b * w)
            imag = load(im, b * w)
            total = muladd(splat(zero, constants[constant + b]), muladd(real, real, imag * imag), total)
        store(out, row * w, load(out, row * w) + total)
        return
    factor = splat(zero, constants[constant])
    if kind == BASIS:
        real = load(re, x * w)
        imag = load(im, x * w)
        total = muladd(real, real, imag * imag)
    elif kind == STATE:
        oreal = zero
        oimag = zero
        for b in range(size):
            cr = splat(zero, constants[constant + 1 + b])
            ci = splat(zero, constants[constant + 1 + size + b])
            real = load(re, b * w)
            imag = load(im, b * w)
            oreal = muladd(cr, real, muladd(ci, imag, oreal))
            oimag = muladd(cr, imag, muladd(negate(ci), real, oimag))
        total = muladd(oreal, oreal, oimag * oimag)
    elif x == 0:
        for b in range(size):
            real = load(re, b * w)
            imag = load(im, b * w)
            step = muladd(real, real, imag * imag)
            total = total - step if parity(z & b) else total + step
    else:
        pivot = lowest_bit_position(x)
        low_mask = (1 << pivot) - 1
        weight = 0
        shared = x & z
        while shared:
            weight += 1
            shared &= shared - 1
        for half in range(size >> 1):
            a = ((half & ~low_mask) << 1) | (half & low_mask)
            b = a ^ x
            ar = load(re, a * w)
            ai = load(im, a * w)
            br = load(re, b * w)
            bi = load(im, b * w)
            # 2 Re(ψ_a* i^k σ_b ψ_b)
            step = muladd(ai, br, negate(ar * bi)) if weight & 1 else muladd(ar, br, ai * bi)
            total = total - step if parity(z & b) ^ ((weight >> 1) & 1) else total + step
        factor = factor + factor
    store(out, row * w, muladd(factor, total, load(out, row * w)))


@njit
def add_observable(
    kind: int, x: int, z: int, constants: RealArray, constant: int, re: RealArray, im: RealArray, n: int, w: int,
    weights: RealArray, row: int, lre: RealArray, lim: RealArray,
) -> None:  # fmt: skip
    """λ += weight · (one step of O) ψ, with the weight of every sample in row ``row`` of ``weights``."""
    weight = load(weights, row * w)
    size = 1 << n
    if kind == DIAGONAL:
        for b in range(size):
            factor = weight * splat(weight, constants[constant + b])
            store(lre, b * w, muladd(factor, load(re, b * w), load(lre, b * w)))
            store(lim, b * w, muladd(factor, load(im, b * w), load(lim, b * w)))
        return
    plus = weight * splat(weight, constants[constant])
    minus = negate(plus)
    if kind == BASIS:
        store(lre, x * w, muladd(plus, load(re, x * w), load(lre, x * w)))
        store(lim, x * w, muladd(plus, load(im, x * w), load(lim, x * w)))
        return
    if kind == STATE:
        oreal = splat(weight, 0.0)
        oimag = splat(weight, 0.0)
        for b in range(size):
            cr = splat(weight, constants[constant + 1 + b])
            ci = splat(weight, constants[constant + 1 + size + b])
            real = load(re, b * w)
            imag = load(im, b * w)
            oreal = muladd(cr, real, muladd(ci, imag, oreal))
            oimag = muladd(cr, imag, muladd(negate(ci), real, oimag))
        oreal = oreal * plus
        oimag = oimag * plus
        for b in range(size):
            cr = splat(weight, constants[constant + 1 + b])
            ci = splat(weight, constants[constant + 1 + size + b])
            store(lre, b * w, muladd(cr, oreal, muladd(negate(ci), oimag, load(lre, b * w))))
            store(lim, b * w, muladd(cr, oimag, muladd(ci, oreal, load(lim, b * w))))
        return
    k = 0
    shared = x & z
    while shared:
        k += 1
        shared &= shared - 1
    for a in range(size):
        b = a ^ x
        factor = minus if parity(z & b) ^ ((k >> 1) & 1) else plus
        real = load(re, b * w)
        imag = load(im, b * w)
        if k & 1:
            real, imag = negate(imag), real
        store(lre, a * w, muladd(factor, real, load(lre, a * w)))
        store(lim, a * w, muladd(factor, imag, load(lim, a * w)))
