"""Exact results with the noise of shots on top, and an account of it."""

import numpy as np

from qiskit_qml_ext.models.variational.evaluator import ExactEvaluator


def noisy_evaluator(shots, seed=0):
    """An ``ExactEvaluator`` with normal noise of variance 1/S on values, 1/(2S) on derivatives."""

    class NoisyEvaluator(ExactEvaluator):
        rng = np.random.default_rng(seed)

        def values(self, rows, weights):
            values = super().values(rows, weights)
            return values + self.rng.normal(size=values.shape) / np.sqrt(shots)

        def vjp(self, rows, weights, pull):
            slopes = []

            def noisy_pull(values):
                slopes.append(pull(values + self.rng.normal(size=values.shape) / np.sqrt(shots)))
                return slopes[-1]

            gradient = super().vjp(rows, weights, noisy_pull)
            errors = np.full(len(weights), np.sqrt(np.sum(slopes[-1] ** 2) / (2 * shots)))
            gradient = gradient + self.rng.normal(size=len(weights)) * errors
            self.account.shots += shots * len(rows) * 2 * len(weights)
            self.account.gradient_errors = errors
            self.account.gradient_norm = float(np.linalg.norm(gradient))
            return gradient

    return NoisyEvaluator
