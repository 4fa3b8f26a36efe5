"""Bandwidths that are still to be taken of the first samples that come: with these, entries depend on other samples."""

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.caching.learned_state import parts_of
from qiskit_qml_ext.kernels.reduced_states.projection_kernel import ProjectionKernel


def refuse_open_median(kernel: object, num_features: int) -> None:
    """Refuse a kernel that would take the median of whatever samples it is shown first, here or in one of its parts.

    Args:
        kernel: The kernel.
        num_features: The number of features of its samples.

    Raises:
        ValueError: If there is such a kernel, before anything is run.
    """
    for part in _open_parts(kernel, num_features):
        raise ValueError(
            f"gamma='median' of {type(part).__name__} is not known yet: it would be taken of the samples that come "
            "first, so that entries would depend on other samples than their own. Call fit(X) of that kernel with "
            "the training data, or give a number; a clone, as models and searches make them, forgets what fit "
            "found, so for these give the number: gamma=kernel.fit(X).gamma_."
        )


def take_open_medians(kernel: object, X: FloatArray, *, max_samples: int | None = None) -> None:
    """Let a kernel and its parts take of training samples the bandwidths that they would take of the first that come.

    For models whose first matrix is not that of the training samples with themselves.

    Args:
        kernel: The kernel; one that is changed by nobody else, such as a clone.
        X: The training samples, shape (n, features).
        max_samples: If there are more, so many are taken, drawn alike and always the same; ``None`` takes all.
    """
    rows = np.arange(len(X))
    if max_samples is not None and len(X) > max_samples:
        rows = np.random.default_rng(0).permutation(len(X))[:max_samples]
    for part in _open_parts(kernel, X.shape[1]):
        part.fit(X[rows])


def _open_parts(kernel: object, num_features: int) -> list[ProjectionKernel]:
    return [
        part
        for part in parts_of(kernel)
        if isinstance(part, ProjectionKernel) and part._needs_median() and not _is_known(part, num_features)
    ]


def _is_known(kernel: ProjectionKernel, num_features: int) -> bool:
    held = kernel._bandwidth
    return held is not None and (held.samples is None or held.made_with == kernel.made_with(num_features))
