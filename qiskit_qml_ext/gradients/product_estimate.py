"""What products of a Jacobian or a Hessian with vectors return."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray


@dataclass(frozen=True, eq=False)
class ProductEstimate:
    """Expectation values and a product of their derivatives, with standard errors.

    ``values, products = …`` takes the two apart; ``numpy.asarray`` of it is the array of products.
    """

    values: FloatArray = field(repr=False)
    """⟨O⟩, shape (…, observables)."""
    products: FloatArray = field(repr=False)
    """The products; the shape is that of the function's documentation."""
    value_errors: FloatArray = field(repr=False)
    """Standard errors of ``values``; 0 where they are exact."""
    standard_errors: FloatArray = field(repr=False)
    """Standard errors of ``products``; 0 where there is no noise, NaN where they are not known. Where observables that
    are summed share shots, or a primitive of the user's may repeat its noise, it is what the error is at most. What
    the method leaves out (``bias``) is not in them."""
    method: str
    """The method's name."""
    reason: str = field(repr=False)
    """Why it was taken."""
    target: str
    """Where circuits ran."""
    num_evaluations: int
    """Parameter vectors at which the circuit (or one like it) ran."""
    bias: str = field(default="", repr=False)
    """What the method's derivatives are wrong by without any noise, in words; empty if they are right."""
    conditions: tuple[str, ...] = field(default=(), repr=False)
    """What was on while circuits ran: options of the estimator such as its resilience level, as ``"name=value"``."""

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield the expectation values and the products."""
        yield self.values
        yield self.products

    def __array__(self, dtype: object = None, copy: bool | None = None) -> AnyArray:
        """Return the products."""
        array: AnyArray = np.asarray(self.products, dtype=dtype)  # type: ignore[call-overload]
        return array.copy() if copy else array
