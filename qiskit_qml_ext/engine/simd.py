"""Explicit SIMD values for numba: vectors of 64 bytes, one sample per lane.

LLVM's loop vectoriser guesses: it adds alias checks, unrolls by four and falls back to a scalar loop for the short
trip counts that a cache-sized tile has. These intrinsics state what is meant instead. A *vector* holds 8 ``float64`` or
16 ``float32`` values; LLVM splits it into the registers that the machine has (one AVX-512, two AVX2, four SSE or NEON).

Usable only inside functions compiled by :func:`qiskit_qml_ext.engine.jit.njit`::

    a = load(array, offset)          # array[offset : offset + lanes]
    store(array, offset, a * b + c)  # also: muladd, negate, floor, select_less, splat

``load`` and ``store`` check no bounds. Arrays must be contiguous; offsets count elements.
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


class Vector(Protocol):
    """A vector, as compiled functions see it."""

    def __add__(self, other: "Vector") -> "Vector": ...

    def __sub__(self, other: "Vector") -> "Vector": ...

    def __mul__(self, other: "Vector") -> "Vector": ...


VECTOR_BYTES = 64
LANES = {"float64": 8, "float32": 16}


class VectorType(types.Type):
    """The numba type of one vector of ``lanes`` values of ``scalar`` type."""

    def __init__(self, scalar):
        self.scalar = scalar
        self.lanes = VECTOR_BYTES // (scalar.bitwidth // 8)
        super().__init__(name=f"vector({scalar}x{self.lanes})")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        element = ir.DoubleType() if fe_type.scalar == types.float64 else ir.FloatType()
        super().__init__(dmm, fe_type, ir.VectorType(element, fe_type.lanes))


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
_returning_nothing = cast("Callable[[Callable[..., object]], Callable[..., None]]", intrinsic)
_returning_integer = cast("Callable[[Callable[..., object]], Callable[..., int]]", intrinsic)


def _vector_pointer(context, builder, array_type, array, offset, vector):
    data = context.make_array(array_type)(context, builder, array).data
    pointer = builder.gep(data, [offset])
    return builder.bitcast(pointer, context.get_value_type(vector).as_pointer())


@_returning_vector
def load(typingctx, array, offset):
    """Read the vector that starts at element ``offset`` of a contiguous array."""
    if not (isinstance(array, types.Array) and isinstance(offset, types.Integer)):
        return None
    vector = VectorType(array.dtype)

    def codegen(context, builder, sig, args):
        pointer = _vector_pointer(context, builder, sig.args[0], args[0], args[1], vector)
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return vector(array, types.int64), codegen


@_returning_nothing
def store(typingctx, array, offset, value):
    """Write ``value`` to the elements from ``offset`` on."""
    if not (isinstance(array, types.Array) and isinstance(value, VectorType)):
        return None

    def codegen(context, builder, sig, args):
        pointer = _vector_pointer(context, builder, sig.args[0], args[0], args[1], value)
        builder.store(args[2], pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), codegen


@_returning_vector
def splat(typingctx, like, value):
    """A vector of the type of ``like`` with ``value`` in every lane."""
    if not isinstance(like, VectorType):
        return None

    def codegen(context, builder, sig, args):
        vector = context.get_value_type(like)
        empty = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(empty, args[1], ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), like.lanes), [0] * like.lanes)
        return builder.shuffle_vector(first, empty, zeros)

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
def parity(typingctx, bits):
    """1 if the number of set bits of an integer is odd, else 0."""
    if not isinstance(bits, types.Integer):
        return None

    def codegen(context, builder, sig, args):
        count = builder.ctpop(args[0])
        return builder.and_(count, ir.Constant(ir.IntType(64), 1))

    return types.int64(types.int64), codegen
