r"""A quantum kernel as a covariance function of scikit-learn's Gaussian processes.

scikit-learn fits θ, the logarithms of hyper-parameters p, by the gradient of the log marginal likelihood, for which it
asks ∂K/∂θ = p ∂K/∂p. Here that is a central difference, (K(θ + h) - K(θ - h))/2h: of exact matrices only, since a
difference of matrices with shot noise is that noise divided by 2h.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.base import BaseEstimator, clone
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels import QuantumKernel, StatesErrors
from qiskit_qml_ext.kernels.base import connections_of
from qiskit_qml_ext.models.kernel_machines.kernel_model import refuse_other_kernels

Bounds = tuple[float, float] | Sequence[tuple[float, float]]
"""The lowest and the highest value of a parameter, or a pair for each of its elements."""

_STEP = 1e-5  # of a logarithm: rounding, eps/h ≈ 2e-11, and the remainder, h²/6 ≈ 2e-11 times K''', are as large

_PLAIN = {"psd_repair": None, "run_diagonal": False}


class GaussianProcessKernel(Kernel):
    """A quantum kernel for ``GaussianProcessRegressor`` and ``GaussianProcessClassifier`` of scikit-learn.

    It adds and multiplies with their kernels: ``ConstantKernel() * GaussianProcessKernel(kernel) + WhiteKernel()`` fits
    the amplitude and the noise too. ``KernelPCA`` and others that take such a kernel take it as well.

    Args:
        kernel: A quantum kernel: a :class:`~qiskit_qml_ext.kernels.FidelityKernel` or any kernel of
            qiskit-machine-learning.
        parameter_bounds: The parameters of the kernel that are fitted, by their nested names, each with its lowest and
            highest value: ``{"feature_map__bandwidth": (0.1, 2.0)}``. They must be positive numbers or lists of
            such, since θ is their logarithm; of an angle take one that is 2π higher. ``None`` leaves the kernel as it
            is. A kernel with shots cannot be fitted: fit ``kernel.exact_copy()``, then give the sampled kernel the
            values that were found.

    Examples:
        >>> import numpy as np
        >>> from sklearn.gaussian_process import GaussianProcessRegressor
        >>> from qiskit_qml_ext.circuits import AngleFeatureMap
        >>> from qiskit_qml_ext.kernels import FidelityKernel
        >>> from qiskit_qml_ext.models import GaussianProcessKernel
        >>> kernel = FidelityKernel(AngleFeatureMap(bandwidth=1.0))
        >>> covariance = GaussianProcessKernel(kernel, parameter_bounds={"feature_map__bandwidth": (0.1, 3.0)})
        >>> x = np.linspace(0, 3, 12)
        >>> model = GaussianProcessRegressor(covariance, alpha=0.01).fit(x[:, None], np.sin(2 * x))
        >>> bool(1.5 < model.kernel_.kernel.feature_map.bandwidth < 2.5)
        True
    """

    def __init__(self, kernel: BaseKernel, *, parameter_bounds: Mapping[str, Bounds] | None = None):
        self.kernel = kernel
        self.parameter_bounds = parameter_bounds

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments, and with ``deep`` those of the quantum kernel, under names with ``kernel__``."""
        params: dict[str, Any] = super().get_params(deep=False)
        if deep:
            params.update({f"kernel__{name}": value for name, value in self._of_the_kernel().items()})
        return params

    @property
    def is_positive_semidefinite(self) -> bool | None:
        """What the quantum kernel says of itself; ``None`` where it says nothing."""
        said: bool | None = getattr(self.kernel, "is_positive_semidefinite", None)
        return said

    @property
    def hyperparameters(self) -> list[Hyperparameter]:
        """The parameters that are fitted, in the order of ``parameter_bounds``."""
        bounds = self.parameter_bounds or {}
        return [
            Hyperparameter(f"kernel__{name}", "numeric", _checked_bounds(name, bounds[name]), value.size)
            for name, value in self._values().items()
        ]

    @property
    def theta(self) -> FloatArray:
        """The logarithms of the parameters that are fitted, one after the other."""
        return np.concatenate([np.log(value.ravel()) for value in self._values().values()] or [np.zeros(0)])

    @theta.setter
    def theta(self, theta: FloatArray) -> None:
        self.kernel = self._kernel_at(theta)

    def __call__(
        self, X: FloatArray, Y: FloatArray | None = None, eval_gradient: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Return the matrix k(X, Y), and on request its derivatives.

        Args:
            X: Samples, shape (n, features).
            Y: Samples, shape (m, features); ``None`` means ``X`` again.
            eval_gradient: Whether the derivatives by θ are returned too, of ``Y=None`` only.

        Returns:
            The matrix, shape (n, m), and with ``eval_gradient`` ∂K/∂θ, shape (n, n, number of hyper-parameters).

        Raises:
            ValueError: If derivatives are asked for that cannot be had.
        """
        refuse_other_kernels(self.kernel)
        if not eval_gradient:
            return np.array(self.kernel.evaluate(X, Y))
        if Y is not None:
            raise ValueError("The gradient is that of a matrix of samples with themselves: leave Y out.")
        return self._exact_matrix(X), self._derivatives(X)

    def diag(self, X: FloatArray) -> FloatArray:
        """Return k(x, x) of each sample before any repair, shape (n,).

        No sample of a fidelity kernel is run against itself for this: that is 1 by definition. Where such a kernel with
        ``run_diagonal=True`` stands in a cache or a combination it is measured, all samples in one job.
        """
        kernel = self.kernel
        if isinstance(kernel, QuantumKernel):
            return kernel._copy_with(**_PLAIN).diag(X)
        return np.array([float(kernel.evaluate(sample)[0, 0]) for sample in np.asarray(X)])

    def is_stationary(self) -> bool:
        """Return False: whether a kernel depends on differences of samples only is not known of a circuit."""
        return False

    def __repr__(self) -> str:
        return f"GaussianProcessKernel({self.kernel!r})"

    def _of_the_kernel(self) -> dict[str, Any]:
        params: dict[str, Any] = self.kernel.get_params(deep=True) if isinstance(self.kernel, BaseEstimator) else {}
        return params

    def _values(self) -> dict[str, FloatArray]:
        """Return the parameters that are fitted by name."""
        names = list(self.parameter_bounds or {})
        params = self._of_the_kernel() if names else {}
        unknown = [name for name in names if name not in params]
        if unknown:
            raise ValueError(
                f"parameter_bounds names {unknown[0]!r}, but the kernel has no such parameter. It has "
                f"{', '.join(sorted(params))}."
            )
        return {name: _positive(name, params[name]) for name in names}

    def _kernel_at(self, theta: FloatArray) -> BaseKernel:
        """Return a copy of the kernel with other values; the user's own kernel stays as it is."""
        values = self._values()
        size = sum(value.size for value in values.values())
        if len(theta) != size:
            raise ValueError(f"theta must have an entry for each of {size} fitted numbers, but has {len(theta)}.")
        new, first = {}, 0
        for name, value in values.items():
            part = np.exp(np.asarray(theta[first : first + value.size], dtype=np.float64))
            new[name] = float(part[0]) if value.ndim == 0 else tuple(part.tolist())
            first += value.size
        if not new:
            return self.kernel
        kernel = clone(self.kernel, safe=False)
        kernel.set_params(**new)
        return kernel

    def _exact_matrix(self, X: FloatArray) -> FloatArray:
        """Return the matrix, refused if there is something to fit and the matrix is not exact."""
        kernel, fitted = self.kernel, ", ".join(self.parameter_bounds or ())
        if not fitted:
            return np.array(kernel.evaluate(X))
        if isinstance(kernel, QuantumKernel) and not all(one.is_exact for one in connections_of(kernel)):
            raise _no_gradient(fitted)  # before anything is run
        if not isinstance(kernel, StatesErrors):
            return np.array(kernel.evaluate(X))
        estimate = kernel.evaluate_with_errors(X)
        if estimate.shots is not None or estimate.standard_errors.any():
            raise _no_gradient(fitted)
        return np.array(estimate.matrix)

    def _derivatives(self, X: FloatArray) -> FloatArray:
        """Return ∂K/∂θ, shape (n, n, number of hyper-parameters), by central differences."""
        theta, size = self.theta, len(X)
        slopes = np.empty((size, size, len(theta)))
        for place, step in enumerate(_STEP * np.eye(len(theta))):
            above, below = (np.asarray(self._kernel_at(theta + one).evaluate(X)) for one in (step, -step))
            slopes[:, :, place] = (above - below) / (2 * _STEP)
        return slopes


def _positive(name: str, value: object) -> FloatArray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if not array.size or array.ndim > 1 or not np.isfinite(array).all() or array.min() <= 0:
        raise ValueError(
            f"{name} must be a positive number or a list of such to be fitted, since θ is its logarithm, but {value!r} "
            "came. Of an angle take one that is 2π higher."
        )
    return array


def _checked_bounds(name: str, bounds: object) -> FloatArray:
    try:
        pairs = np.array(bounds, dtype=np.float64, ndmin=2)
    except (TypeError, ValueError):
        pairs = np.zeros((1, 1))
    low, high = (pairs[:, 0], pairs[:, -1]) if pairs.ndim == 2 and pairs.shape[1] == 2 else (np.ones(1), np.zeros(1))
    if not np.all((low > 0) & (low < high) & (high < np.inf)):
        raise ValueError(
            f"parameter_bounds must give the lowest and the highest positive value of {name}, but {bounds!r} came."
        )
    return pairs


def _no_gradient(fitted: str) -> ValueError:
    return ValueError(
        f"{fitted} cannot be fitted on a kernel with shots: the gradient is a difference of matrices, which would be "
        "little but noise. Fit the exact kernel (kernel.exact_copy()) and give its values to this one, or leave "
        "parameter_bounds out."
    )
