"""What Hessians and metric tensors are returned as: matrices with their standard errors and where they come from."""

from dataclasses import dataclass, field

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray


@dataclass(frozen=True, eq=False)
class MatrixEstimate:
    """Matrices over parameters at one or more points. ``numpy.asarray`` of it is the array of matrices."""

    matrix: FloatArray = field(repr=False)
    """Shape (…, rows, columns)."""
    standard_errors: FloatArray = field(repr=False)
    """Standard errors of ``matrix``, of the same shape; 0 where it is exact. Where a primitive of the user's may repeat
    its noise, or measured strings share shots, it is what the error is at most."""
    method: str
    """How it was found."""
    reason: str = field(repr=False)
    """Why so, and what is left out."""
    target: str
    """Where circuits ran."""
    num_evaluations: int
    """Parameter vectors at which the circuit (or one like it) ran."""
    rows: tuple[str, ...] = field(repr=False)
    """Names of the parameters that belong to the rows."""
    columns: tuple[str, ...] = field(repr=False)
    """Names of the parameters that belong to the columns."""
    quantity: str = field(default="second derivatives", repr=False)
    """What the entries are."""
    conditions: tuple[str, ...] = field(default=(), repr=False)
    """What was on while circuits ran: options of the estimator such as its resilience level, as ``"name=value"``."""

    def __array__(self, dtype: object = None, copy: bool | None = None) -> AnyArray:
        """Return the matrices."""
        array: AnyArray = np.asarray(self.matrix, dtype=dtype)  # type: ignore[call-overload]
        return array.copy() if copy else array

    def summary(self) -> str:
        """Return in words what was done."""
        largest = float(np.max(self.standard_errors, initial=0.0))
        errors = "exact" if largest == 0 else f"standard errors up to {largest:.2g}"
        return (
            f"{len(self.rows)} by {len(self.columns)} {self.quantity} by {self.method} on {self.target} ({errors}; "
            f"{self.num_evaluations:,} evaluation{'s' * (self.num_evaluations != 1)}). {self.reason}"
        )
