"""What every gradient method returns: values and derivatives with their standard errors and where they come from."""

from dataclasses import dataclass, field, replace

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.gradients.error_propagation import ErrorPropagation


@dataclass(frozen=True, eq=False)
class JacobianEstimate:
    """Expectation values and their derivatives at one or more points.

    ``numpy.asarray`` of it is the array of derivatives. The leading axes are those of ``values`` that were given, then
    one for a list of observables; one vector of values, and one observable, have none.
    """

    values: FloatArray = field(repr=False)
    """⟨O⟩, shape (…, observables)."""
    jacobian: FloatArray = field(repr=False)
    """∂⟨O⟩/∂θ, shape (…, observables, parameters)."""
    value_errors: FloatArray = field(repr=False)
    """Standard errors of ``values``; 0 where they are exact."""
    standard_errors: FloatArray = field(repr=False)
    """Standard errors of ``jacobian`` from shots (and random directions), 0 where these add no noise; what the method
    leaves out (``bias``) is not in them. NaN: not known."""
    method: str
    """The method's name."""
    reason: str = field(repr=False)
    """Why it was taken."""
    target: str
    """Where circuits ran."""
    num_evaluations: int
    """Parameter vectors at which the circuit (or one like it) ran."""
    parameters: tuple[str, ...] = field(repr=False)
    """Names of the parameters that belong to the last axis."""
    propagation: ErrorPropagation = field(repr=False)
    """Where the noise comes from: what the standard errors of products need."""
    bias: str = field(default="", repr=False)
    """What the method is wrong by without any noise, in words; empty if it is right."""
    conditions: tuple[str, ...] = field(default=(), repr=False)
    """What was on while circuits ran: options of the estimator such as its resilience level, as ``"name=value"``."""

    def __array__(self, dtype: object = None, copy: bool | None = None) -> AnyArray:
        """Return the derivatives."""
        array: AnyArray = np.asarray(self.jacobian, dtype=dtype)  # type: ignore[call-overload]
        return array.copy() if copy else array

    def shaped(self, batch: tuple[int, ...], observables: tuple[int, ...]) -> "JacobianEstimate":
        """Return the same with these leading axes instead of (B, M)."""
        outer = (*batch, *observables)
        count = len(self.parameters)
        return replace(
            self,
            values=self.values.reshape(outer),
            value_errors=self.value_errors.reshape(outer),
            jacobian=self.jacobian.reshape(*outer, count),
            standard_errors=self.standard_errors.reshape(*outer, count),
        )

    def summary(self) -> str:
        """Return in words what was done."""
        largest = float(np.max(self.standard_errors, initial=0.0))
        errors = "no noise" if self.bias else "exact"
        if largest != 0:
            errors = "standard errors not known" if np.isnan(largest) else f"standard errors up to {largest:.2g}"
        bias = f"; a bias of {self.bias}" if self.bias else ""
        return (
            f"{len(self.parameters):,} derivative{'s' * (len(self.parameters) != 1)} by {self.method} on {self.target} "
            f"({errors}{bias}; {self.num_evaluations:,} evaluation{'s' * (self.num_evaluations != 1)}). {self.reason}"
        )
