"""The compiled interpreter: runs a bytecode, which is only data, on tiles of samples.

One compilation serves every circuit. A step is a row of eight integers ``(opcode, …)``, see :class:`Opcode`;
``machine`` and :mod:`qiskit_qml_ext.engine.planning` are the only ones that know them.
"""

from enum import IntEnum

from qiskit_qml_ext.arrays import IntArray, RealArray
from qiskit_qml_ext.engine.compiled import gates, hadamards, phases
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import load, splat, store


class Opcode(IntEnum):
    """The steps of a bytecode, with the meaning of their arguments."""

    ZERO = 0  # ψ = |0…0>
    UNIFORM = 1  # ψ = (1, …, 1) / 2^(n/2)
    VECTOR = 2  # ψ = constants[arg 1:]
    PRODUCT = 3  # ψ = ⊗ small states
    ROTATE = 4  # x, z, row
    HADAMARD = 5  # x, z, sign, z2, sign2
    DENSE = 6  # first of the qubits in tables, number of qubits, first constant
    PERMUTE = 7  # first of the table
    TERM = 8  # mask, row
    MULTIPLY = 9  # table of y(z) or -1, rank
    WRITE = 10  # table of y(z) or -1, rank: UNIFORM and MULTIPLY in one
    SET = 11  # base, row
    DOUBLE_ROW = 12  # base, k, row
    DOUBLE_TABLE = 13  # base, base of U, k
    SMALL_ZERO = 14  # qubit
    SMALL_ROTATE = 15  # qubit, z (0 for X, 1 for Y), row
    SMALL_HADAMARD = 16  # qubit, z (0 for X, 1 for Y), sign, sign2
    SMALL_PHASE = 17  # qubit, row: exp(i r Z)
    GLOBAL_PHASE = 18  # row: on the small state of qubit 0
    # reverse-only steps
    FOLD_SET = 19  # base, row
    FOLD_ROW = 20  # base, k, row
    FOLD_TABLE = 21  # base, base of U, k
    # forward-only steps
    QUADRATIC = 22  # bits of the low part, base of H, base of T, base of V, whether to write, whether backwards
    # both
    HADAMARD_LAYER = 23  # mask


Memory = tuple[RealArray, RealArray, RealArray, RealArray, RealArray, RealArray, RealArray, RealArray]
"""Pointers to ψ, phase tables and one-qubit states (real and imaginary parts each), cosines and sines."""

BackMemory = tuple[RealArray, RealArray, RealArray, RealArray, RealArray, RealArray]
"""Pointers to λ (real, imaginary), the gradient table, λ of the one-qubit states (likewise) and gradients by row."""

# plain integers, which numba freezes into the compiled code
_ZERO, _UNIFORM, _VECTOR, _PRODUCT, _ROTATE, _HADAMARD, _DENSE, _PERMUTE, _TERM, _MULTIPLY, _WRITE = range(11)
_SET, _DOUBLE_ROW, _DOUBLE_TABLE, _SMALL_ZERO, _SMALL_ROTATE, _SMALL_HADAMARD, _SMALL_PHASE, _GLOBAL_PHASE = range(
    11, 19
)
_FOLD_SET, _FOLD_ROW, _FOLD_TABLE, _QUADRATIC, _HADAMARD_LAYER = range(19, 24)


@njit
def _fill(re: RealArray, im: RealArray, n: int, w: int, value: float) -> None:
    level = splat(load(re, 0), value)
    zero = splat(load(re, 0), 0.0)
    for z in range(1 << n):
        store(re, z * w, level)
        store(im, z * w, zero)


@njit
def forward(code: IntArray, tables: IntArray, constants: RealArray, n: int, w: int, memory: Memory) -> None:
    """Run the steps of ``code`` on one tile."""
    re, im, ere, eim, qre, qim, cosines, sines = memory
    for step in range(len(code)):
        op, a, b, c = code[step, 0], code[step, 1], code[step, 2], code[step, 3]
        if op == _ROTATE:
            gates.rotate_pairs(re, im, 0, n, w, a, b, cosines, sines, c)
        elif op == _DOUBLE_ROW:
            phases.double_by_row(ere, eim, a, b, w, cosines, sines, c)
        elif op == _SET:
            store(ere, a * w, load(cosines, b * w))
            store(eim, a * w, load(sines, b * w))
        elif op == _DOUBLE_TABLE:
            phases.double_by_table(ere, eim, a, b, c, w)
        elif op == _MULTIPLY:
            phases.multiply_phases(re, im, ere, eim, n, w, tables, a)
        elif op == _WRITE:
            phases.write_phases(re, im, ere, eim, n, w, tables, a, 2.0 ** (-0.5 * n))
        elif op == _HADAMARD:
            gates.hadamard(re, im, 0, n, w, a, b, c, code[step, 4], code[step, 5])
        elif op == _HADAMARD_LAYER:
            hadamards.hadamard_layer(re, im, n, w, a)
        elif op == _QUADRATIC:
            cross, write, backwards = code[step, 4], code[step, 5], code[step, 6]
            phases.quadratic_phases(re, im, ere, eim, n, w, a, b, c, cross, write, backwards, 2.0 ** (-0.5 * n))
        elif op == _TERM:
            phases.multiply_term(re, im, 0, n, w, a, cosines, sines, b)
        elif op == _SMALL_ROTATE:
            gates.rotate_pairs(qre, qim, 2 * a, 1, w, 1, b, cosines, sines, c)
        elif op == _SMALL_PHASE:
            phases.multiply_term(qre, qim, 2 * a, 1, w, 1, cosines, sines, b)
        elif op == _SMALL_HADAMARD:
            gates.hadamard(qre, qim, 2 * a, 1, w, 1, b, c, 1, code[step, 4])
        elif op == _SMALL_ZERO:
            store(qre, 2 * a * w, splat(load(re, 0), 1.0))
            store(qim, 2 * a * w, splat(load(re, 0), 0.0))
            store(qre, (2 * a + 1) * w, splat(load(re, 0), 0.0))
            store(qim, (2 * a + 1) * w, splat(load(re, 0), 0.0))
        elif op == _GLOBAL_PHASE:
            phases.multiply_term(qre, qim, 0, 1, w, 0, cosines, sines, a)
        elif op == _PRODUCT:
            phases.product_state(re, im, n, w, qre, qim)
        elif op == _ZERO:
            _fill(re, im, n, w, 0.0)
            store(re, 0, splat(load(re, 0), 1.0))
        elif op == _UNIFORM:
            _fill(re, im, n, w, 2.0 ** (-0.5 * n))
        elif op == _VECTOR:
            for z in range(1 << n):
                store(re, z * w, splat(load(re, 0), constants[a + z]))
                store(im, z * w, splat(load(re, 0), constants[a + (1 << n) + z]))
        elif op == _DENSE:
            gates.apply_dense(re, im, 0, n, w, tables[a : a + b], constants, c, 0, ere)
        elif op == _PERMUTE:
            gates.permute(re, im, n, w, tables, a, 0, ere)


@njit
def backward(
    code: IntArray, tables: IntArray, constants: RealArray, n: int, w: int, memory: Memory, back_memory: BackMemory
) -> None:
    """Run the reverse steps of ``code``: ψ and λ = O ψ go back in time together, gradients by row are added up."""
    re, im, ere, eim, qre, qim, cosines, sines = memory
    lre, lim, g, mre, mim, gradients = back_memory
    for step in range(len(code)):
        op, a, b, c = code[step, 0], code[step, 1], code[step, 2], code[step, 3]
        if op == _ROTATE:
            gates.unrotate_pairs(re, im, lre, lim, 0, n, w, a, b, cosines, sines, c, gradients)
        elif op == _DOUBLE_ROW:
            phases.double_by_row(ere, eim, a, b, w, cosines, sines, c)
        elif op == _SET:
            store(ere, a * w, load(cosines, b * w))
            store(eim, a * w, load(sines, b * w))
        elif op == _DOUBLE_TABLE:
            phases.double_by_table(ere, eim, a, b, c, w)
        elif op == _MULTIPLY:
            phases.unmultiply_phases(re, im, lre, lim, ere, eim, g, n, w, tables, a, b)
        elif op == _FOLD_ROW:
            phases.fold_to_row(g, a, b, w, gradients, c)
        elif op == _FOLD_TABLE:
            phases.fold_to_table(g, a, b, c, w)
        elif op == _FOLD_SET:
            store(gradients, b * w, load(gradients, b * w) + load(g, a * w))
        elif op == _HADAMARD:
            gates.hadamard(re, im, 0, n, w, a, b, c, code[step, 4], code[step, 5])
            gates.hadamard(lre, lim, 0, n, w, a, b, c, code[step, 4], code[step, 5])
        elif op == _HADAMARD_LAYER:
            hadamards.hadamard_layer(re, im, n, w, a)
            hadamards.hadamard_layer(lre, lim, n, w, a)
        elif op == _TERM:
            phases.unmultiply_term(re, im, lre, lim, 0, n, w, a, cosines, sines, b, gradients)
        elif op == _SMALL_ROTATE:
            gates.unrotate_pairs(qre, qim, mre, mim, 2 * a, 1, w, 1, b, cosines, sines, c, gradients)
        elif op == _SMALL_PHASE:
            phases.unmultiply_term(qre, qim, mre, mim, 2 * a, 1, w, 1, cosines, sines, b, gradients)
        elif op == _SMALL_HADAMARD:
            gates.hadamard(qre, qim, 2 * a, 1, w, 1, b, c, 1, code[step, 4])
            gates.hadamard(mre, mim, 2 * a, 1, w, 1, b, c, 1, code[step, 4])
        elif op == _PRODUCT:
            phases.unproduct_state(lre, lim, n, w, qre, qim, mre, mim, ere, eim)
        elif op == _DENSE:
            gates.apply_dense(re, im, 0, n, w, tables[a : a + b], constants, c, 1, ere)
            gates.apply_dense(lre, lim, 0, n, w, tables[a : a + b], constants, c, 1, ere)
        elif op == _PERMUTE:
            gates.permute(re, im, n, w, tables, a, 1, ere)
            gates.permute(lre, lim, n, w, tables, a, 1, ere)
