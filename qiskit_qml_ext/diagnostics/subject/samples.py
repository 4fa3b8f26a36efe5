"""Equal samples, which are measured once and stay together."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray


def sample_groups(X: FloatArray) -> IndexArray:
    """Return for each row the number of the different sample that it is, shape (n,).

    Args:
        X: The samples, shape (n, features).
    """
    return np.unique(X.reshape(len(X), -1), axis=0, return_inverse=True)[1].reshape(-1)


def num_different(X: FloatArray) -> int:
    """Return how many of the samples are different."""
    return len(np.unique(X.reshape(len(X), -1), axis=0))
