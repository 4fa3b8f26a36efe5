"""Small data for the tests of the evaluation."""

import numpy as np

from qiskit_qml_ext.datasets import Dataset

NASTY = '<script>alert("x")</script> & $y_{'


def small_data(num_samples=30, num_features=3, *, task="classification", seed=0):
    """Two classes (or a slope) that the first feature tells apart; the other features are noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(num_samples, num_features))
    if task == "regression":
        return Dataset.from_arrays(X, 3 * X[:, 0] + rng.normal(size=num_samples), task=task, name="slope")
    y = np.array(["no", "yes"])[np.arange(num_samples) % 2]
    X[:, 0] += 3 * (y == "yes")
    return Dataset.from_arrays(X, y, name="small")
