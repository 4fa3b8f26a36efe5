"""Optimizers of qiskit-machine-learning, and functions with the signature of ``scipy.optimize.minimize``."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.optimizers.optimizer import Training
from qiskit_qml_ext.optimizers.watched import StopTraining, Watched


class ForeignOptimizer(BaseEstimator):
    """Somebody else's optimizer, on all training samples at once.

    Each point at which it asks for the loss or for its gradient counts as an iteration. If it is stopped before its
    end, it leaves the point with the least loss, since the last one may be a mere trial.

    What it draws comes from its own generator, whatever the model's ``random_state``.

    Args:
        optimizer: An optimizer of qiskit-machine-learning, or a function ``minimize(fun, x0, jac=…, bounds=…)`` whose
            result has the point as ``x``.
    """

    in_steps: ClassVar[bool] = False

    def __init__(self, optimizer: Any):
        self.optimizer = optimizer

    @property
    def takes_gradients(self) -> bool:
        """Whether it may ask for gradients: what it says itself, and a function may."""
        return not getattr(self.optimizer, "is_gradient_ignored", False)

    def minimize(self, training: Training, start: FloatArray) -> FloatArray:
        """Train; see :class:`~qiskit_qml_ext.optimizers.Optimizer`."""
        run: Callable[..., Any] = getattr(self.optimizer, "minimize", self.optimizer)
        watched = Watched(training)
        try:
            result = run(watched.reported_value, start.copy(), jac=watched.reported_gradient, bounds=None)
        except StopTraining as stop:
            return stop.point if watched.best is None else watched.best
        return np.asarray(result.x, dtype=np.float64)
