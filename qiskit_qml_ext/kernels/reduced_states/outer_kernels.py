"""Classical kernels of projections, by name or from scikit-learn; a new one is a line in :data:`OUTER_KERNELS`.

With D = Σ_p ‖ρ_p - ρ'_p‖²_F, those with a bandwidth γ agree to first order in γD: exp(-γD); Matérn with ν = 3/2 and
rational quadratic with α = 1 of length l = 1/√(2γ), the one for which scikit-learn's RBF is exp(-γD).

What shots do. exp(-γD̂) of an unbiased, nearly normal D̂ is too large by the factor exp(γ²Var/2), which is divided out;
its standard error is k√(exp(γ²Var) - 1). Matérn and rational quadratic take a D̂ below 0 as 0 and keep a bias of the
order of f''(D)Var/2. The inner product is unbiased. A kernel of scikit-learn sees the estimated vectors as they are, so
that noise makes samples look farther apart than they are; its errors come from evaluations with noise of the same
covariance added.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import clone
from sklearn.gaussian_process.kernels import Kernel

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.kernels.reduced_states.comparison import Comparison
from qiskit_qml_ext.kernels.reduced_states.projections import covariance_matrix

Errors: TypeAlias = FloatArray | None
Slopes: TypeAlias = tuple[FloatArray, FloatArray]

_MOST = 700.0  # exponents beyond overflow
_NUM_DRAWS = 64  # of noise: the standard error of a standard error is 1/√(2·63) = 9 %


def gaussian(compared: Comparison, gamma: float) -> tuple[FloatArray, Errors]:
    """Return exp(-γD) and its standard errors."""
    distances = compared.squared_distances()
    if distances.variances is None:
        return np.exp(-gamma * distances.values), None
    noise = np.minimum(gamma**2 * distances.variances, _MOST)
    correction = noise / 2 if compared.debias else 0.0
    values = np.exp(np.minimum(-gamma * distances.values - correction, _MOST))
    return values, values * np.sqrt(np.expm1(noise))


def gaussian_slopes(compared: Comparison, gamma: float) -> Slopes:
    """Return the derivatives of exp(-γD), of estimates those of the corrected formula, which are unbiased too."""
    distances, (values, _) = compared.squared_distances(), gaussian(compared, gamma)
    grown = distances.values
    if compared.debias and distances.variances is not None:
        grown = grown + np.where(gamma**2 * distances.variances < _MOST, gamma * distances.variances, 0.0)
    return -gamma * values, -grown * values


def matern(compared: Comparison, gamma: float) -> tuple[FloatArray, Errors]:
    """Return (1 + s) exp(-s) with s = √(6γD), and its standard errors."""
    distances = compared.squared_distances()
    s = np.sqrt(6 * gamma * np.maximum(distances.values, 0.0))
    slopes = 3 * gamma * np.exp(-s)  # of k in D, whose sign does not matter
    errors = None if distances.variances is None else slopes * np.sqrt(distances.variances)
    return (1 + s) * np.exp(-s), errors


def matern_slopes(compared: Comparison, gamma: float) -> Slopes:
    """Return the derivatives of (1 + s) exp(-s)."""
    distances = np.maximum(compared.distances(), 0.0)
    slopes = -3 * np.exp(-np.sqrt(6 * gamma * distances))  # of k in γD
    return gamma * slopes, distances * slopes


def rational_quadratic(compared: Comparison, gamma: float) -> tuple[FloatArray, Errors]:
    """Return 1/(1 + γD) and its standard errors."""
    distances = compared.squared_distances()
    values = 1 / (1 + gamma * np.maximum(distances.values, 0.0))
    errors = None if distances.variances is None else gamma * values**2 * np.sqrt(distances.variances)
    return values, errors


def rational_quadratic_slopes(compared: Comparison, gamma: float) -> Slopes:
    """Return the derivatives of 1/(1 + γD)."""
    distances = np.maximum(compared.distances(), 0.0)
    slopes = -1 / (1 + gamma * distances) ** 2
    return gamma * slopes, distances * slopes


@dataclass(frozen=True)
class OuterKernel:
    """A function of the squared distance D of two samples, and of a bandwidth γ."""

    matrix: Callable[[Comparison, float], tuple[FloatArray, Errors]]
    """Returns the kernel matrix and its standard errors, ``None`` for exact results."""
    slopes: Callable[[Comparison, float], Slopes]
    """Returns the derivatives of each entry by its own D, and by γ."""


OUTER_KERNELS = {
    "rbf": OuterKernel(gaussian, gaussian_slopes),
    "matern": OuterKernel(matern, matern_slopes),
    "rational_quadratic": OuterKernel(rational_quadratic, rational_quadratic_slopes),
}
"""The outer kernels with a bandwidth, by name."""

LINEAR = "linear"
"""The name of the outer kernel Σ_p Tr ρ_p ρ'_p, which has no bandwidth."""


def takes_gamma(outer: object) -> bool:
    """Tell whether an outer kernel has a bandwidth.

    Raises:
        ValueError: If its name is not known.
        TypeError: If it is neither a name nor a kernel of scikit-learn without a quantum kernel in it.
    """
    known = f"one of {', '.join(map(repr, (*OUTER_KERNELS, LINEAR)))} or a kernel of scikit-learn"
    if _is_classical(outer):
        return False
    if not isinstance(outer, str):
        raise wrong_kind("outer", f"{known} such as sklearn.gaussian_process.kernels.RBF()", outer)
    if outer != LINEAR and outer not in OUTER_KERNELS:
        raise wrong_value("outer", known, outer)
    return outer != LINEAR


def _is_classical(outer: object) -> bool:
    """Tell a kernel of scikit-learn from quantum kernels, which count among them, and from what holds one."""
    if not isinstance(outer, Kernel):
        return False
    return not any(isinstance(one, BaseKernel) for one in (outer, *outer.get_params().values()))


def outer_kernel(compared: Comparison, outer: "str | Kernel", gamma: float | None) -> tuple[FloatArray, Errors]:
    """Return the matrix of an outer kernel and its standard errors, ``None`` for exact results.

    Args:
        compared: The samples.
        outer: The name of an outer kernel, or a kernel of scikit-learn.
        gamma: Its bandwidth, where it has one.
    """
    if isinstance(outer, Kernel):
        return _of_scikit_learn(compared, outer)
    if outer == LINEAR:
        products = compared.inner_products()
        return products.values, None if products.variances is None else np.sqrt(products.variances)
    assert gamma is not None, "resolved before"
    return OUTER_KERNELS[outer].matrix(compared, gamma)


def has_slopes(outer: object) -> bool:
    """Whether derivatives of an outer kernel are known: of those by name, not of scikit-learn's."""
    return isinstance(outer, str)


def outer_pull_back(compared: Comparison, outer: str, gamma: float | None, slopes: FloatArray) -> Slopes:
    """Return the derivatives of a loss by the values of each sample, and by γ.

    With k_ij = k(D_ij) and D_ij = Σ_P w_P (a_iP - a_jP)² the first are Σ_j h_ij 2 w_P (a_iP - a_jP), where h_ij is the
    derivative of the loss by D_ij, from both sides of the diagonal.

    Args:
        compared: Samples with themselves.
        outer: The name of an outer kernel.
        gamma: Its bandwidth, where it has one.
        slopes: ∂loss/∂k_ij, each entry for itself, shape (n, n).

    Returns:
        The derivatives by the values of each row's sample, shape (n, values), and by γ the part of each row, shape
        (n,).
    """
    values = compared.projections.values[compared.rows]
    if outer == LINEAR:
        return (slopes + slopes.T) @ values * compared.weights, np.zeros(len(values))
    assert gamma is not None, "resolved before"
    by_distance, by_gamma = OUTER_KERNELS[outer].slopes(compared, gamma)
    weighted = slopes * by_distance
    weighted = weighted + weighted.T
    moved = weighted.sum(axis=1)[:, None] * values - weighted @ values
    return 2 * compared.weights * moved, np.sum(slopes * by_gamma, axis=1)


def _of_scikit_learn(compared: Comparison, kernel: Kernel) -> tuple[FloatArray, Errors]:
    kernel = clone(kernel)

    def matrix(vectors: FloatArray) -> FloatArray:
        columns = None if compared.is_symmetric else vectors[compared.columns]
        return np.asarray(kernel(vectors[compared.rows], columns))

    covariances = compared.projections.covariances
    if covariances is None:
        return matrix(compared.vectors), None
    rng = np.random.default_rng(0)
    noise = np.empty((_NUM_DRAWS, *compared.vectors.shape))
    for row in range(len(compared.vectors)):
        spread, directions = np.linalg.eigh(covariance_matrix(covariances, row))
        drawn = rng.standard_normal((_NUM_DRAWS, len(spread))) * np.sqrt(np.maximum(spread, 0.0))
        noise[:, row] = drawn @ directions.T * compared.scales
    values = matrix(compared.vectors)
    deviations = np.zeros_like(values)
    for draw in noise:
        deviations += (matrix(compared.vectors + draw) - values) ** 2
    return values, np.sqrt(deviations / _NUM_DRAWS)
