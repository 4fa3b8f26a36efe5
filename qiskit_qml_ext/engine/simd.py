"""Explicit SIMD values for numba: vectors of 64 bytes, one sample per lane (or a single lane, for single samples).

LLVM's loop vectoriser guesses: it adds alias checks, unrolls by four and falls back to a scalar loop for the short
trip counts that a cache-sized tile has. These intrinsics state what is meant instead. A *vector* holds 8 ``float64`` or
16 ``float32`` values; LLVM splits it into the registers that the machine has (one AVX-512, two AVX2, four SSE or NEON).

Usable only inside functions compiled by :func:`qiskit_qml_ext.engine.jit.njit`::

    p = pointer(array, start, lanes) # lanes: a tuple as long as a vector, its length is part of the type
    a = load(p, offset)              # array[start + offset : start + offset + len(lanes)]
    store(p, offset, a * b + c)      # also: store_pair, muladd, negate, floor, select_less, splat

``load`` and ``store`` check no bounds. Arrays must be contiguous; offsets count elements. On arrays themselves they use
vectors of 64 bytes.
"""

# numba hands its intrinsics untyped contexts, builders and LLVM values
# mypy: disable-error-code="no-untyped-def, no-untyped-call, misc"

import operator
from collections.abc import Callable
from typing import Protocol, cast

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from qiskit_qml_ext.arrays import RealArray


class Vector(Protocol):
    """A vector, as compiled functions see it."""

    def __add__(self, other: "Vector") -> "Vector": ...

    def __sub__(self, other: "Vector") -> "Vector": ...

    def __mul__(self, other: "Vector") -> "Vector": ...


VECTOR_BYTES = 64
Lanes = tuple[int, ...]
LANES = {"float64": 8, "float32": 16}


class VectorType(types.Type):
    """The numba type of one vector of ``lanes`` values of ``scalar`` type."""

    def __init__(self, scalar, lanes):
        self.scalar, self.lanes = scalar, lanes
        super().__init__(name=f"vector({scalar}x{lanes})")


class PointerType(types.Type):
    """The numba type of a bare pointer to vectors of ``lanes`` values of ``scalar`` type."""

    def __init__(self, scalar, lanes):
        self.scalar, self.lanes = scalar, lanes
        super().__init__(name=f"pointer({scalar}x{lanes})")


def _llvm_scalar(scalar):
    return ir.DoubleType() if scalar == types.float64 else ir.FloatType()


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(_llvm_scalar(fe_type.scalar), fe_type.lanes))


@register_model(PointerType)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, _llvm_scalar(fe_type.scalar).as_pointer())


class _BinaryTemplate(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], VectorType) and args[0] == args[1]:
            return signature(args[0], *args)
        return None


@infer_global(operator.add)
class _Add(_BinaryTemplate):
    pass


@infer_global(operator.sub)
class _Sub(_BinaryTemplate):
    pass


@infer_global(operator.mul)
class _Mul(_BinaryTemplate):
    pass


@lower_builtin(operator.add, VectorType, VectorType)
def _lower_add(context, builder, sig, args):
    return builder.fadd(*args)


@lower_builtin(operator.sub, VectorType, VectorType)
def _lower_sub(context, builder, sig, args):
    return builder.fsub(*args)


@lower_builtin(operator.mul, VectorType, VectorType)
def _lower_mul(context, builder, sig, args):
    return builder.fmul(*args)


# numba's ``intrinsic``, with the type that compiled callers see
_returning_vector = cast("Callable[[Callable[..., object]], Callable[..., Vector]]", intrinsic)
_returning_memory = cast("Callable[[Callable[..., object]], Callable[..., RealArray]]", intrinsic)
_returning_nothing = cast("Callable[[Callable[..., object]], Callable[..., None]]", intrinsic)
_returning_integer = cast("Callable[[Callable[..., object]], Callable[..., int]]", intrinsic)


def _vector_type(memory):
    """The vector type that is read from an array or pointer type, or None."""
    if isinstance(memory, PointerType):
        return VectorType(memory.scalar, memory.lanes)
    if isinstance(memory, types.Array):
        return VectorType(memory.dtype, VECTOR_BYTES // (memory.dtype.bitwidth // 8))
    return None


def _vector_pointer(context, builder, memory, value, offset, vector):
    data = value if isinstance(memory, PointerType) else context.make_array(memory)(context, builder, value).data
    pointer = builder.gep(data, [offset])
    return builder.bitcast(pointer, context.get_value_type(vector).as_pointer())


@_returning_memory
def pointer(typingctx, array, offset, lanes):
    """A bare pointer to element ``offset``; functions take it without the cost of a counted array reference."""
    if not (isinstance(array, types.Array) and isinstance(lanes, types.UniTuple)):
        return None

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.gep(data, [args[1]])

    return PointerType(array.dtype, lanes.count)(array, types.int64, lanes), codegen


@_returning_vector
def load(typingctx, memory, offset):
    """Read the vector that starts at element ``offset`` of a contiguous array or a pointer."""
    vector = _vector_type(memory)
    if vector is None or not isinstance(offset, types.Integer):
        return None

    def codegen(context, builder, sig, args):
        pointer = _vector_pointer(context, builder, sig.args[0], args[0], args[1], vector)
        return builder.load(pointer, align=vector.scalar.bitwidth // 8)

    return vector(memory, types.int64), codegen


@_returning_vector
def load_splat(typingctx, memory, offset):
    """Read one element of a pointer's memory into every lane."""
    if not isinstance(memory, PointerType):
        return None
    vector = _vector_type(memory)

    def codegen(context, builder, sig, args):
        return _splat(context, builder, vector, builder.load(builder.gep(args[0], [args[1]])))

    return vector(memory, types.int64), codegen


@_returning_nothing
def store(typingctx, memory, offset, value):
    """Write ``value`` to the elements from ``offset`` on."""
    if _vector_type(memory) is None or _vector_type(memory) != value:
        return None

    def codegen(context, builder, sig, args):
        pointer = _vector_pointer(context, builder, sig.args[0], args[0], args[1], value)
        builder.store(args[2], pointer, align=value.scalar.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(memory, types.int64, value), codegen


@_returning_nothing
def store_pair(typingctx, memory, offset, first, second):
    """Write two numbers to the elements ``offset`` and ``offset + 1`` of a pointer's memory, at once."""
    if not isinstance(memory, PointerType):
        return None
    pair = VectorType(memory.scalar, 2)

    def codegen(context, builder, sig, args):
        empty = ir.Constant(context.get_value_type(pair), ir.Undefined)
        value = builder.insert_element(empty, args[2], ir.Constant(ir.IntType(32), 0))
        value = builder.insert_element(value, args[3], ir.Constant(ir.IntType(32), 1))
        pointer = _vector_pointer(context, builder, sig.args[0], args[0], args[1], pair)
        builder.store(value, pointer, align=memory.scalar.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(memory, types.int64, memory.scalar, memory.scalar), codegen


def _splat(context, builder, vector, scalar):
    empty = ir.Constant(context.get_value_type(vector), ir.Undefined)
    first = builder.insert_element(empty, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    return builder.shuffle_vector(first, empty, zeros)


@_returning_vector
def splat(typingctx, like, value):
    """A vector of the type of ``like`` with ``value`` in every lane."""
    if not isinstance(like, VectorType):
        return None

    def codegen(context, builder, sig, args):
        return _splat(context, builder, like, args[1])

    return like(like, like.scalar), codegen


def _call(builder, name, vector, args):
    suffix = f"v{vector.count}{'f64' if vector.element == ir.DoubleType() else 'f32'}"
    function_type = ir.FunctionType(vector, [vector] * len(args))
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.{suffix}")
    return builder.call(function, args)


@_returning_vector
def muladd(typingctx, a, b, c):
    """``a * b + c``, fused where the machine can."""
    if not isinstance(a, VectorType):
        return None

    def codegen(context, builder, sig, args):
        return _call(builder, "fmuladd", context.get_value_type(a), args)

    return a(a, a, a), codegen


@_returning_vector
def negate(typingctx, a):
    """``-a``."""
    if not isinstance(a, VectorType):
        return None

    def codegen(context, builder, sig, args):
        return builder.fneg(args[0])

    return a(a), codegen


@_returning_vector
def floor(typingctx, a):
    """The largest integers not above ``a``."""
    if not isinstance(a, VectorType):
        return None

    def codegen(context, builder, sig, args):
        return _call(builder, "floor", context.get_value_type(a), args)

    return a(a), codegen


@_returning_vector
def select_less(typingctx, a, b, x, y):
    """``x`` in the lanes where ``a < b``, ``y`` in the others."""
    if not isinstance(a, VectorType):
        return None

    def codegen(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return a(a, a, a, a), codegen


@_returning_integer
def all_within(typingctx, a, bound):
    """1 if ``-bound < a < bound`` in every lane (so no lane is NaN), else 0."""
    if not isinstance(a, VectorType):
        return None

    def codegen(context, builder, sig, args):
        magnitude = _call(builder, "fabs", context.get_value_type(a), args[:1])
        below = builder.fcmp_ordered("<", magnitude, args[1])
        mask = builder.bitcast(below, ir.IntType(a.lanes))
        full = builder.icmp_unsigned("==", mask, ir.Constant(ir.IntType(a.lanes), (1 << a.lanes) - 1))
        return builder.zext(full, ir.IntType(64))

    return types.int64(a, a), codegen


@_returning_integer
def parity(typingctx, bits):
    """1 if the number of set bits of an integer is odd, else 0."""
    if not isinstance(bits, types.Integer):
        return None

    def codegen(context, builder, sig, args):
        count = builder.ctpop(args[0])
        return builder.and_(count, ir.Constant(ir.IntType(64), 1))

    return types.int64(types.int64), codegen
