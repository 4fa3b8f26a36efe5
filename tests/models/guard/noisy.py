"""Exact results with the noise of shots on top, and an account of it."""

import numpy as np

from qiskit_qml_ext.engine import expectation_jacobian
from qiskit_qml_ext.models.variational.evaluator import ExactEvaluator


def noisy_evaluator(shots, seed=0, damping=1.0):
    """An ``ExactEvaluator`` of one observable with normal noise of variance 1/S on values, 1/(2S) on derivatives.

    A device's depolarising noise multiplies values and derivatives by ``damping``.
    """

    class NoisyEvaluator(ExactEvaluator):
        rng = np.random.default_rng(seed)

        def values(self, rows, weights):
            values = damping * super().values(rows, weights)
            return values + self.rng.normal(size=values.shape) / np.sqrt(shots)

        def loss_gradient(self, rows, terms):
            return None  # steps are compiled for exact values only

        def vjp(self, rows, weights, pull):
            rows[:, self._weights] = weights
            values, jacobian = expectation_jacobian(self._program, rows, self._observables)
            values, jacobian = damping * values, damping * jacobian[:, 0, self._columns]
            noisy = values + self.rng.normal(size=values.shape) / np.sqrt(shots)
            changes = pull(noisy + 1e-6) / 1e-6 - pull(noisy) / 1e-6  # the loss of a sample has its own value alone
            slopes = pull(noisy)
            gradient = slopes[:, 0] @ (jacobian + self.rng.normal(size=jacobian.shape) / np.sqrt(2 * shots))
            variances = np.sum(slopes**2) / (2 * shots) + np.sum((changes * jacobian) ** 2, axis=0) / shots
            self.account.shots += shots * len(rows) * 2 * len(weights)
            self.account.gradient_errors = np.sqrt(variances)
            self.account.gradient_norm = float(np.linalg.norm(gradient))
            return gradient

    return NoisyEvaluator
