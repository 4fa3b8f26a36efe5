"""What stands for a number while a PennyLane function is read: it computes, and refuses to be looked at."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import NoReturn

from qiskit.circuit import ParameterExpression

from qiskit_qml_ext.exceptions import UnsupportedCircuitError


class SymbolicArgument:
    """An angle that is not known yet, or the imaginary unit times one.

    Sums, products, powers and NumPy's elementary functions of it are expressions. Whatever needs its value (a
    comparison, ``float``, ``if``) is an error, since the circuit would then be right for some values only.

    Args:
        expression: What it is in Qiskit.
        imaginary: Whether it is that times the imaginary unit, which stands in PennyLane's exp(-i x H). It can then
            be multiplied and divided only.
    """

    __array_priority__ = 1000  # above NumPy's scalars, so that they leave the arithmetic to us

    def __init__(self, expression: ParameterExpression, *, imaginary: bool = False):
        self.expression = expression
        self.imaginary = imaginary

    def __repr__(self) -> str:
        return f"1j*({self.expression})" if self.imaginary else str(self.expression)

    def __add__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine + theirs)

    def __radd__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs + mine)

    def __sub__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine - theirs)

    def __rsub__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs - mine)

    def __mul__(self, other: object) -> SymbolicArgument:
        if isinstance(other, numbers.Complex):
            return self._scaled(complex(other))
        return self._combined(other, lambda mine, theirs: mine * theirs)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> SymbolicArgument:
        if isinstance(other, numbers.Complex):
            return self._scaled(1 / complex(other))
        return self._combined(other, lambda mine, theirs: mine / theirs)

    def __rtruediv__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs / mine)

    def __pow__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: mine**theirs)

    def __rpow__(self, other: object) -> SymbolicArgument:
        return self._combined(other, lambda mine, theirs: theirs**mine)

    def __neg__(self) -> SymbolicArgument:
        return self._scaled(-1)

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

    def tanh(self) -> SymbolicArgument:
        """Return the hyperbolic tangent, 1 - 2 / (exp(2x) + 1), which has no overflow."""
        return 1 - 2 / ((2 * self).exp() + 1)

    def log(self) -> SymbolicArgument:
        """Return the natural logarithm."""
        return self._function(ParameterExpression.log)

    def sqrt(self) -> SymbolicArgument:
        """Return the square root."""
        return self**0.5

    def conjugate(self) -> SymbolicArgument:
        """Return its complex conjugate."""
        return self._scaled(-1) if self.imaginary else self

    def _function(self, function: Callable[[ParameterExpression], ParameterExpression]) -> SymbolicArgument:
        self._must_be_real()
        return SymbolicArgument(function(self.expression))

    def _scaled(self, factor: complex) -> SymbolicArgument:
        if factor.imag == 0:
            return SymbolicArgument(factor.real * self.expression, imaginary=self.imaginary)
        if factor.real == 0:
            sign = -1.0 if self.imaginary else 1.0
            return SymbolicArgument(sign * factor.imag * self.expression, imaginary=not self.imaginary)
        raise UnsupportedCircuitError(f"{factor} times {self!r} is neither real nor imaginary; angles must be real.")

    def _combined(
        self, other: object, combine: Callable[[ParameterExpression, object], ParameterExpression]
    ) -> SymbolicArgument:
        if isinstance(other, SymbolicArgument):
            other._must_be_real()
            theirs: object = other.expression
        elif isinstance(other, numbers.Real):
            theirs = float(other)
        else:
            return NotImplemented
        self._must_be_real()
        return SymbolicArgument(combine(self.expression, theirs))

    def _must_be_real(self) -> None:
        if self.imaginary:
            raise UnsupportedCircuitError(f"The function computes with {self!r}; angles must be real numbers.")

    def _looked_at(self, *_: object) -> NoReturn:
        raise UnsupportedCircuitError(
            f"The function needs the value of {self!r} to build its circuit (a comparison, a branch, a conversion to a "
            "number, a matrix or amplitudes). Give that argument by values= instead of shapes=, or use NumPy's "
            "functions on it."
        )

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __round__ = _looked_at
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __mod__ = __floordiv__ = _looked_at
    __hash__ = object.__hash__
