"""What a combination consists of: quantum kernels, kernels of scikit-learn, functions."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.gaussian_process.kernels import Kernel as ClassicalKernel

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.abilities import StatesErrors, stated_errors
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate
from qiskit_qml_ext.primitives import circuit_key


@dataclass(frozen=True, eq=False)
class PartEstimate:
    """The matrix of one of several kernels."""

    matrix: FloatArray
    """Shape (n, m)."""
    errors: FloatArray
    """The standard error of each entry, shape (n, m)."""
    shots: int | None
    """Shots behind each sampled entry; ``None`` for exact ones."""
    target: str | None
    """The name of what ran the circuits; ``None`` for a classical kernel."""
    noise: Hashable
    """Equal for kernels that read the same shots."""


def estimate_part(name: str, kernel: object, x: FloatArray, y: FloatArray | None) -> PartEstimate:
    """Evaluate one of several kernels.

    Raises:
        ValueError: If what a kernel returns is no finite matrix of this shape.
    """
    if isinstance(kernel, StatesErrors):
        estimate = stated_errors(kernel, x) if y is None else kernel.evaluate_with_errors(x, y)
        return _of_estimate(kernel, estimate, x.shape[1])
    matrix = _classical(name, kernel, x, y)
    target = "unknown" if isinstance(kernel, BaseKernel) else None
    return PartEstimate(matrix, np.zeros_like(matrix), None, target, id(kernel))


def is_kernel(kernel: object) -> bool:
    """Tell whether something can be a part: a kernel, or a function of samples."""
    return not isinstance(kernel, type) and (isinstance(kernel, (BaseKernel, StatesErrors)) or callable(kernel))


def noise_of(kernel: object, num_features: int) -> Hashable:
    """Return what is equal for kernels that read the same shots: the same circuit through the same connection."""
    where = getattr(kernel, "connection", None) or getattr(kernel, "sampler", None)
    make = getattr(kernel, "circuit", None)
    return id(kernel) if where is None or not callable(make) else (id(where), circuit_key(make(num_features)))


def _of_estimate(kernel: object, estimate: KernelEstimate, num_features: int) -> PartEstimate:
    noise = noise_of(kernel, num_features) if estimate.standard_errors.any() else id(kernel)
    return PartEstimate(estimate.matrix, estimate.standard_errors, estimate.shots, estimate.target, noise)


def _classical(name: str, kernel: object, x: FloatArray, y: FloatArray | None) -> FloatArray:
    if isinstance(kernel, BaseKernel):
        returned: ArrayLike = kernel.evaluate(x, y)
    elif isinstance(kernel, ClassicalKernel):
        returned = kernel(x, y)  # noise of scikit-learn's kernels stands on the diagonal of one set of samples only
    else:
        assert callable(kernel)
        returned = kernel(x, x if y is None else y)
    matrix = np.asarray(returned, dtype=np.float64)
    shape = (len(x), len(x if y is None else y))
    if matrix.shape != shape or not np.isfinite(matrix).all():
        came = f"the shape {matrix.shape}" if matrix.shape != shape else "NaN or an infinity"
        raise ValueError(f"The kernel {name!r} must return a finite matrix of the shape {shape}, but {came} came.")
    return matrix
