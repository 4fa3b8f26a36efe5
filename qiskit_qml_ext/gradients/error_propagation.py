"""Standard errors of a Jacobian and of its products, from what the derivatives by free angles share.

All derivatives by parameters are sums over the angles that they move. So entries of a Jacobian share evaluations, and
the error of a sum of entries does not follow from the errors of the entries.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.primitives import Connection


class ErrorPropagation(Protocol):
    """Knows where the noise of B Jacobians of shape (M, C) comes from."""

    def of_jacobian(self) -> FloatArray:
        """Return the standard errors of the entries, shape (B, M, C)."""

    def of_cotangents(self, cotangents: FloatArray) -> FloatArray:
        """Return those of Σ_m cotangents[b, m] J[b, m, c], shape (B, C)."""

    def of_tangents(self, tangents: FloatArray) -> FloatArray:
        """Return those of Σ_c J[b, m, c] tangents[b, c], shape (B, M)."""


@dataclass(frozen=True, eq=False)
class AngleErrors:
    """Errors of derivatives by free angles, of which the parameters' follow by the chain rule."""

    errors: FloatArray = field(repr=False)
    """Standard errors of the derivatives by D angles, shape (B, D, M)."""
    slopes: FloatArray = field(repr=False)
    """Derivatives of the angles by the parameters, shape (B, D, C)."""
    angles_independent: bool
    """Whether different angles have independent noise; else errors add up, which they do at most."""
    observables_independent: bool
    """Whether different observables have independent noise at one point; those that share shots do not."""

    def of_jacobian(self) -> FloatArray:
        """Return the standard errors of the entries, shape (B, M, C)."""
        if self.angles_independent:
            return np.sqrt(np.einsum("bdm,bdc->bmc", self.errors**2, self.slopes**2))
        return np.asarray(np.einsum("bdm,bdc->bmc", self.errors, np.abs(self.slopes)))

    def of_cotangents(self, cotangents: FloatArray) -> FloatArray:
        """Return those of sums over observables, shape (B, C)."""
        by_angle = _summed(self.errors, cotangents[:, None, :], self.observables_independent)
        return _summed(by_angle[:, None, :], self.slopes.swapaxes(1, 2), self.angles_independent)

    def of_tangents(self, tangents: FloatArray) -> FloatArray:
        """Return those of sums over parameters, shape (B, M)."""
        along = np.einsum("bdc,bc->bd", self.slopes, tangents)
        return _summed(self.errors.swapaxes(1, 2), along[:, None, :], self.angles_independent)


def _summed(errors: FloatArray, factors: FloatArray, independent: bool) -> FloatArray:
    """The standard error of a sum over the last axis; if its parts may go together, what it is at most."""
    parts = np.abs(factors) * errors
    return np.asarray(np.sqrt(np.sum(parts**2, axis=-1)) if independent else np.sum(parts, axis=-1))


@dataclass(frozen=True, eq=False)
class DirectionErrors:
    """Errors from the spread of estimates along N random directions; NaN for one."""

    estimates: FloatArray = field(repr=False)
    """Derivatives along the directions, shape (B, N, M)."""
    directions: FloatArray = field(repr=False)
    """Shape (B, N, C)."""

    def of_jacobian(self) -> FloatArray:
        """Return the standard errors of the entries, shape (B, M, C)."""
        return _spread(np.einsum("bnm,bnc->nbmc", self.estimates, self.directions))

    def of_cotangents(self, cotangents: FloatArray) -> FloatArray:
        """Return those of sums over observables, shape (B, C)."""
        return _spread(np.einsum("bnm,bm,bnc->nbc", self.estimates, cotangents, self.directions))

    def of_tangents(self, tangents: FloatArray) -> FloatArray:
        """Return those of sums over parameters, shape (B, M)."""
        return _spread(np.einsum("bnm,bnc,bc->nbm", self.estimates, self.directions, tangents))


def _spread(samples: FloatArray) -> FloatArray:
    """The standard error of the mean over the first axis."""
    if len(samples) == 1:
        return np.full(samples.shape[1:], np.nan)
    return np.asarray(samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))


@dataclass(frozen=True, eq=False)
class NoErrors:
    """Exact derivatives."""

    shape: tuple[int, int, int]
    """B, M and C."""

    def of_jacobian(self) -> FloatArray:
        """Return zeros, shape (B, M, C)."""
        return np.zeros(self.shape)

    def of_cotangents(self, cotangents: FloatArray) -> FloatArray:
        """Return zeros, shape (B, C)."""
        return np.zeros((self.shape[0], self.shape[2]))

    def of_tangents(self, tangents: FloatArray) -> FloatArray:
        """Return zeros, shape (B, M)."""
        return np.zeros(self.shape[:2])


def observables_are_independent(connection: Connection) -> bool:
    """Tell whether a connection draws the noise of each observable by itself.

    Devices measure observables that commute in the same shots, and their estimators do not say how these go together.
    """
    return connection.is_exact or connection.estimator_draws_normal_noise
