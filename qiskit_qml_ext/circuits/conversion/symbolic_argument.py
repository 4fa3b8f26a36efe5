"""What stands for a number while a PennyLane function is read: it computes, and refuses to be looked at."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import NoReturn

from qiskit.circuit import ParameterExpression

from qiskit_qml_ext.exceptions import UnsupportedCircuitError


class SymbolicArgument:
    """An angle that is not known yet.

    Sums, products, powers and NumPy's elementary functions of it are expressions. Whatever needs its value (a
    comparison, ``float``, ``if``) is an error, since the circuit would then be right for some values only.

    Args:
        expression: What it is in Qiskit.
        is_real: Whether it may be an angle; PennyLane multiplies by the imaginary unit to write exp(-i x H).
    """

    __array_priority__ = 1000  # above NumPy's scalars, so that they leave the arithmetic to us

    def __init__(self, expression: ParameterExpression, *, is_real: bool = True):
        self.expression = expression
        self.is_real = is_real

    def __repr__(self) -> str:
        return str(self.expression)

    def __add__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine + theirs)

    def __radd__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs + mine)

    def __sub__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine - theirs)

    def __rsub__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs - mine)

    def __mul__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine * theirs)

    def __rmul__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs * mine)

    def __truediv__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine / theirs)

    def __rtruediv__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs / mine)

    def __pow__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine**theirs)

    def __rpow__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs**mine)

    def __neg__(self) -> SymbolicArgument:
        return -1.0 * self

    def __pos__(self) -> SymbolicArgument:
        return self

    def __abs__(self) -> SymbolicArgument:
        return self._function(abs)

    # NumPy calls the methods of these names for np.sin(array of objects) and the like.
    def sin(self) -> SymbolicArgument:
        """Return the sine."""
        return self._function(ParameterExpression.sin)

    def cos(self) -> SymbolicArgument:
        """Return the cosine."""
        return self._function(ParameterExpression.cos)

    def tan(self) -> SymbolicArgument:
        """Return the tangent."""
        return self._function(ParameterExpression.tan)

    def arcsin(self) -> SymbolicArgument:
        """Return the angle whose sine it is."""
        return self._function(ParameterExpression.arcsin)

    def arccos(self) -> SymbolicArgument:
        """Return the angle whose cosine it is."""
        return self._function(ParameterExpression.arccos)

    def arctan(self) -> SymbolicArgument:
        """Return the angle whose tangent it is."""
        return self._function(ParameterExpression.arctan)

    def exp(self) -> SymbolicArgument:
        """Return the exponential."""
        return self._function(ParameterExpression.exp)

    def log(self) -> SymbolicArgument:
        """Return the natural logarithm."""
        return self._function(ParameterExpression.log)

    def sqrt(self) -> SymbolicArgument:
        """Return the square root."""
        return self**0.5

    def conjugate(self) -> SymbolicArgument:
        """Return its complex conjugate."""
        return self._function(ParameterExpression.conjugate)

    def _function(self, function: Callable[[ParameterExpression], ParameterExpression]) -> SymbolicArgument:
        return SymbolicArgument(function(self.expression), is_real=self.is_real)

    def _combined(
        self, other: object, combine: Callable[[ParameterExpression, object], ParameterExpression]
    ) -> SymbolicArgument:
        if isinstance(other, SymbolicArgument):
            is_real = self.is_real and other.is_real
            return SymbolicArgument(combine(self.expression, other.expression), is_real=is_real)
        if isinstance(other, numbers.Real):
            return SymbolicArgument(combine(self.expression, float(other)), is_real=self.is_real)
        if isinstance(other, numbers.Complex):
            return SymbolicArgument(combine(self.expression, complex(other)), is_real=False)
        return NotImplemented

    def _looked_at(self, *_: object) -> NoReturn:
        raise UnsupportedCircuitError(
            f"The function needs the value of {self!r} to build its circuit (a comparison, a branch, a conversion to a "
            "number, a matrix or amplitudes). Give that argument by values= instead of shapes=, or use NumPy's "
            "functions on it."
        )

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __round__ = _looked_at
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __mod__ = __floordiv__ = _looked_at
    __hash__ = object.__hash__
