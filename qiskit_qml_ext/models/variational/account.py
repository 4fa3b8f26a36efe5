"""What the estimates of a training took, and how far its last gradient can be trusted."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.gradients import JacobianEstimate


@dataclass(eq=False)
class Account:
    """What an evaluator that estimates has done so far."""

    shots: int = 0
    """Shots of all expectation values together, each by itself, as a connection counts what it estimates: devices that
    measure several observables at once take fewer. 0 where values are exact, or estimated by a primitive of the user's
    that decides itself."""
    num_estimates: int = 0
    """How often something was estimated; each time with noise of its own."""
    gradient_errors: FloatArray | None = None
    """Standard errors of the last gradient by the weights, shape (W,); NaN where they are not known, ``None`` where all
    is exact or no gradient was asked for."""
    gradient_norm: float | None = None
    """The norm of that gradient as it was estimated, by the weights alone; ``None`` as above."""

    @property
    def gradient_error(self) -> float | None:
        """The root of the sum of their squares."""
        return None if self.gradient_errors is None else float(np.sqrt(self.gradient_errors @ self.gradient_errors))


def gradient_errors(
    estimate: JacobianEstimate, cotangents: FloatArray, changes: FloatArray, *, independent: bool
) -> FloatArray:
    """Return the standard errors of the gradient Σ_bm c_bm J_bmw of a loss, shape (W,).

    J and c are estimated at different points. A product of independent estimates has the variance
    c² σ_J² + J² σ_c² + σ_c² σ_J²; with estimates in the place of c and J the last term is counted twice too often, so
    that it is subtracted. c is followed from the values over one standard error. Errors of observables that are
    measured in the same shots may go together in any way: they are added, which is the most that they can be.

    Args:
        estimate: Values and derivatives of M observables by W weights for B samples, with their errors.
        cotangents: c, the derivatives of the loss by the values, shape (B, M).
        changes: By how much c_bm changes while value k moves by its standard error, shape (M, B, M) for k, b, m.
        independent: Whether each observable has noise of its own.
    """
    errors = estimate.standard_errors
    by_derivatives = _summed(cotangents[:, :, None] * errors, 1, independent=independent)
    moves = np.einsum("kbm,bmw->kbw", changes, estimate.jacobian)
    by_values = _summed(moves, 0, independent=independent)
    both = np.einsum("kbm,bmw->bw", changes**2, errors**2)
    return np.asarray(np.sqrt(np.maximum((by_derivatives + by_values - both).sum(axis=0), 0.0)))


def _summed(parts: FloatArray, axis: int, *, independent: bool) -> FloatArray:
    """Return the variance of a sum of parts with these standard errors, at most if they may go together."""
    return np.asarray((parts**2).sum(axis=axis) if independent else np.abs(parts).sum(axis=axis) ** 2)
