"""The types of the arrays that the package hands around, each by what it holds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
"""Values of any kind, as a user may give them."""

BoolArray = NDArray[np.bool_]
"""True or False for each entry."""

ByteArray = NDArray[np.uint8]
"""Bytes: outcomes of measured bits, eight to a byte, or bits one to a byte."""

ComplexArray = NDArray[np.complex128]
"""Complex numbers in double precision."""

FloatArray = NDArray[np.float64]
"""Real numbers in double precision."""

IndexArray = NDArray[np.intp]
"""Positions in another array."""

Int32Array = NDArray[np.int32]
"""Whole numbers that are known to be small."""

IntArray = NDArray[np.int64]
"""Whole numbers, counts, and bit masks that compiled code reads with a sign."""

ObjectArray = NDArray[np.object_]
"""Python objects."""

RealArray = NDArray[np.float64] | NDArray[np.float32]
"""Real numbers in the precision that the engine was asked for."""

StateArray = NDArray[np.complex128] | NDArray[np.complex64]
"""Amplitudes in the precision that the engine was asked for."""

UintArray = NDArray[np.uint64]
"""Seeds, outcomes and bit masks of up to 64 bits."""
