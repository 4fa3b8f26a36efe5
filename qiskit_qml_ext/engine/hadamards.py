"""Layers of plain Hadamard gates on one tile: a Walsh-Hadamard transform of the state, block by block in a cache."""

from qiskit_qml_ext.arrays import RealArray
from qiskit_qml_ext.engine.jit import njit
from qiskit_qml_ext.engine.kernels import SQRT_HALF, lowest_bit_position
from qiskit_qml_ext.engine.simd import load, splat, store

_BLOCK_BITS = 9  # 2^9 rows of 64 bytes fill most of a first-level cache


@njit
def _butterflies_1(part: RealArray, first: int, size: int, w: int, bit: int, scale: float) -> None:
    """Unnormalised Hadamard on one bit of ``size`` rows from ``first``, times ``scale``."""
    stride = 1 << bit
    factor = splat(load(part, first * w), scale)
    for half in range(size >> 1):
        a = first + (((half >> bit) << (bit + 1)) | (half & (stride - 1)))
        u = load(part, a * w)
        v = load(part, (a + stride) * w)
        store(part, a * w, (u + v) * factor)
        store(part, (a + stride) * w, (u - v) * factor)


@njit
def _butterflies_2(part: RealArray, first: int, size: int, w: int, bit0: int, bit1: int, scale: float) -> None:
    """The same on two bits, bit0 < bit1, with four rows in registers."""
    s0 = (1 << bit0) * w
    s1 = (1 << bit1) * w
    factor = splat(load(part, first * w), scale)
    for quarter in range(size >> 2):
        row = ((quarter >> bit0) << (bit0 + 1)) | (quarter & ((1 << bit0) - 1))
        row = ((row >> bit1) << (bit1 + 1)) | (row & ((1 << bit1) - 1))
        i = (first + row) * w
        a = load(part, i)
        b = load(part, i + s0)
        c = load(part, i + s1)
        d = load(part, i + s0 + s1)
        a, b = a + b, a - b
        c, d = c + d, c - d
        store(part, i, (a + c) * factor)
        store(part, i + s0, (b + d) * factor)
        store(part, i + s1, (a - c) * factor)
        store(part, i + s0 + s1, (b - d) * factor)


@njit
def _butterflies_3(
    part: RealArray, first: int, size: int, w: int, bit0: int, bit1: int, bit2: int, scale: float
) -> None:
    """The same on three bits, bit0 < bit1 < bit2, with eight rows in registers: a third of the memory traffic."""
    s0 = (1 << bit0) * w
    s1 = (1 << bit1) * w
    s2 = (1 << bit2) * w
    factor = splat(load(part, first * w), scale)
    for eighth in range(size >> 3):
        row = ((eighth >> bit0) << (bit0 + 1)) | (eighth & ((1 << bit0) - 1))
        row = ((row >> bit1) << (bit1 + 1)) | (row & ((1 << bit1) - 1))
        row = ((row >> bit2) << (bit2 + 1)) | (row & ((1 << bit2) - 1))
        i = (first + row) * w
        a = load(part, i)
        b = load(part, i + s0)
        c = load(part, i + s1)
        d = load(part, i + s0 + s1)
        e = load(part, i + s2)
        f = load(part, i + s2 + s0)
        g = load(part, i + s2 + s1)
        h = load(part, i + s2 + s1 + s0)
        a, b = a + b, a - b
        c, d = c + d, c - d
        e, f = e + f, e - f
        g, h = g + h, g - h
        a, c = a + c, a - c
        b, d = b + d, b - d
        e, g = e + g, e - g
        f, h = f + h, f - h
        store(part, i, (a + e) * factor)
        store(part, i + s0, (b + f) * factor)
        store(part, i + s1, (c + g) * factor)
        store(part, i + s0 + s1, (d + h) * factor)
        store(part, i + s2, (a - e) * factor)
        store(part, i + s2 + s0, (b - f) * factor)
        store(part, i + s2 + s1, (c - g) * factor)
        store(part, i + s2 + s1 + s0, (d - h) * factor)


@njit
def _hadamard_bits(part: RealArray, first: int, size: int, w: int, mask: int) -> None:
    """Hadamard gates on all bits of ``mask``, three at a time, the last ones two at a time."""
    while mask:
        bit0 = lowest_bit_position(mask)
        mask &= mask - 1
        if not mask:
            _butterflies_1(part, first, size, w, bit0, SQRT_HALF)
            return
        bit1 = lowest_bit_position(mask)
        mask &= mask - 1
        if not mask:
            _butterflies_2(part, first, size, w, bit0, bit1, SQRT_HALF * SQRT_HALF)
            return
        bit2 = lowest_bit_position(mask)
        mask &= mask - 1
        _butterflies_3(part, first, size, w, bit0, bit1, bit2, SQRT_HALF * SQRT_HALF * SQRT_HALF)


@njit
def hadamard_layer(re: RealArray, im: RealArray, n: int, w: int, mask: int) -> None:
    """Plain Hadamard gates on all qubits of ``mask``; low bits are done block by block, in the first-level cache."""
    block = min(n, _BLOCK_BITS)
    low = mask & ((1 << block) - 1)
    for part in (re, im):
        for first in range(0, 1 << n, 1 << block):
            _hadamard_bits(part, first, 1 << block, w, low)
        _hadamard_bits(part, 0, 1 << n, w, mask ^ low)
