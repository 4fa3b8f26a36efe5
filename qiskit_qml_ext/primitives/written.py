"""Values as bytes: each with its type and length, so that no two different contents run together into one text."""

from functools import singledispatch

import numpy as np
from qiskit.circuit import ParameterExpression

from qiskit_qml_ext.exceptions import UnsupportedCircuitError


def join_bytes(*parts: object) -> bytes:
    """Write values one after the other, each with its type and length: equal bytes mean equal values."""
    written = [bytes_of(part) for part in parts]
    return b"".join(b"%d:" % len(part) + part for part in written)


@singledispatch
def bytes_of(part: object) -> bytes:
    """Write one value; other modules register what else has a written form."""
    raise UnsupportedCircuitError(f"A circuit has a part of the type {type(part).__name__}, which has no content key.")


@bytes_of.register
def _(part: None) -> bytes:
    return b"none"


@bytes_of.register
def _(part: bytes) -> bytes:
    return b"bytes" + part


@bytes_of.register
def _(part: str) -> bytes:
    return b"text" + part.encode()


@bytes_of.register(int)
@bytes_of.register(np.integer)
def _(part: int) -> bytes:
    return bytes_of(float(part)) if abs(part) < 2**53 else b"int" + str(int(part)).encode()


@bytes_of.register(float)
@bytes_of.register(np.floating)
def _(part: float) -> bytes:
    return b"float" + float(part + 0.0).hex().encode()


@bytes_of.register(complex)
@bytes_of.register(np.complexfloating)
def _(part: complex) -> bytes:
    return b"complex" + join_bytes(part.real, part.imag)


@bytes_of.register
def _(part: np.ndarray) -> bytes:
    return b"array" + join_bytes(part.dtype.str, list(part.shape), np.ascontiguousarray(part).tobytes())


@bytes_of.register(list)
@bytes_of.register(tuple)
def _(part: list[object]) -> bytes:
    return b"list" + join_bytes(*part)


@bytes_of.register
def _(part: ParameterExpression) -> bytes:
    # Qiskit writes numbers in full precision; the parameters' names are the numbers that circuit_key gave them.
    return b"expression" + str(part).encode()
