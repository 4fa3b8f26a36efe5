"""The minimizers of SciPy."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.optimizers.optimizer import Training
from qiskit_qml_ext.optimizers.watched import StopTraining, Watched

WITH_GRADIENT = ("CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "trust-constr")
WITHOUT_GRADIENT = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
METHODS = (*WITH_GRADIENT, *WITHOUT_GRADIENT)
"""The methods of ``scipy.optimize.minimize`` that need no Hessian."""


class SciPyOptimizer(BaseEstimator):
    """A method of ``scipy.optimize.minimize``, on all training samples at once.

    Args:
        method: The name, one of :data:`METHODS`, in any case.
        tol: SciPy's tolerance; ``None`` takes the method's own.
        options: SciPy's options of the method. The largest number of iterations is the model's ``max_iter``.

    Examples:
        >>> from qiskit_qml_ext.optimizers import SciPyOptimizer
        >>> SciPyOptimizer("slsqp", tol=1e-8)
        SciPyOptimizer(method='slsqp', tol=1e-08)
    """

    in_steps: ClassVar[bool] = False

    def __init__(self, method: str = "L-BFGS-B", *, tol: float | None = None, options: Mapping[str, Any] | None = None):
        self.method = method
        self.tol = tol
        self.options = options

    @property
    def takes_gradients(self) -> bool:
        """Whether the method asks for gradients."""
        return str(self.method).lower() not in {name.lower() for name in WITHOUT_GRADIENT}

    def minimize(self, training: Training, start: FloatArray) -> FloatArray:
        """Train; see :class:`~qiskit_qml_ext.optimizers.Optimizer`."""
        from scipy.optimize import minimize

        method = {name.lower(): name for name in METHODS}.get(str(self.method).lower())
        if method is None:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, but {self.method!r} came.")
        watched = Watched(training)
        try:
            result = minimize(
                watched.value_and_gradient if method in WITH_GRADIENT else watched.value,
                start.copy(),
                jac=method in WITH_GRADIENT or None,
                method=method,
                tol=self.tol,
                options={**_limits(method, training.max_iter), **(self.options or {})},
                callback=watched.report,
            )
        except StopTraining as stop:
            return stop.point
        return np.asarray(result.x, dtype=np.float64)


def _limits(method: str, max_iter: int) -> dict[str, int]:
    """SciPy's own limits out of the way, so that the reports alone count the iterations."""
    far = 1000 * max_iter
    iterations = {"TNC": {}, "COBYLA": {"maxiter": far}}.get(method, {"maxiter": max_iter + 1})
    return {**iterations, **dict.fromkeys(_EVALUATIONS.get(method, ()), far)}


_EVALUATIONS = {
    "TNC": ("maxfun",),
    "L-BFGS-B": ("maxfun",),
    "COBYQA": ("maxfev",),
    "Nelder-Mead": ("maxfev",),
    "Powell": ("maxfev",),
}
"""What SciPy calls the largest number of values of the function, where a method has a limit of it."""
