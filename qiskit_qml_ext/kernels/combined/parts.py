"""What a combination consists of: quantum kernels, kernels of scikit-learn, functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from qiskit_machine_learning.kernels import BaseKernel
from sklearn.gaussian_process.kernels import Kernel as ClassicalKernel

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.kernels.abilities import StatesErrors, stated_errors
from qiskit_qml_ext.kernels.base import QuantumKernel
from qiskit_qml_ext.kernels.combined.noise import Sources, sources_of
from qiskit_qml_ext.kernels.kernel_estimate import KernelEstimate
from qiskit_qml_ext.kernels.repairs import steps_of


@dataclass(frozen=True, eq=False)
class PartEstimate:
    """The matrix of one of several kernels."""

    matrix: FloatArray
    """Shape (n, m)."""
    errors: FloatArray
    """The standard error of each entry, shape (n, m)."""
    truncation: FloatArray | None
    """How far truncation may have moved each entry, shape (n, m); ``None`` where states were not truncated."""
    noise: Sources
    """The shots that it may read."""


@dataclass(frozen=True, eq=False)
class EvaluatedPart:
    """One of several kernels, evaluated."""

    final: PartEstimate
    """Its matrix after its own repairs."""
    before: PartEstimate
    """Its matrix before them; the same object if there are none."""
    shots: int | None = None
    """Shots behind each sampled entry; ``None`` for exact ones."""
    target: str | None = None
    """The name of what ran the circuits; ``None`` for a classical kernel."""
    synthesis_error: float | None = 0.0
    """By how much its states differ from those that are meant; ``None`` where it is not known."""
    entry_shots: IntArray | None = None
    """The shots behind each entry where they differ, shape (n, m); see :class:`KernelEstimate`."""
    applied: tuple[str, ...] = ()
    """The steps that were applied to it, each with the kernel's name."""


def estimate_part(name: str, kernel: object, x: FloatArray, y: FloatArray | None) -> EvaluatedPart:
    """Evaluate one of several kernels.

    Raises:
        ValueError: If what a kernel returns is no finite matrix of this shape.
    """
    if isinstance(kernel, StatesErrors):
        estimate = stated_errors(kernel, x) if y is None else kernel.evaluate_with_errors(x, y)
        return _of_estimate(name, kernel, estimate, x.shape[1])
    matrix = _classical(name, kernel, x, y)
    exact = PartEstimate(matrix, np.zeros_like(matrix), None, frozenset())
    return EvaluatedPart(exact, exact, target="unknown" if isinstance(kernel, BaseKernel) else None)


def part_diagonal(name: str, kernel: object, x: FloatArray) -> FloatArray:
    """Return a kernel of each sample with itself, shape (n,); one with repairs of its own does not say it alone."""
    if isinstance(kernel, QuantumKernel) and not steps_of(kernel.psd_repair):
        return kernel.diag(x)
    if isinstance(kernel, ClassicalKernel) and not isinstance(kernel, BaseKernel):
        return np.asarray(kernel.diag(x), dtype=np.float64)
    parts = [estimate_part(name, kernel, one[None], None).final.matrix[0, 0] for one in x]
    return np.array(parts, dtype=np.float64)


def is_kernel(kernel: object) -> bool:
    """Tell whether something can be a part: a kernel, or a function of samples."""
    return not isinstance(kernel, type) and (isinstance(kernel, (BaseKernel, StatesErrors)) or callable(kernel))


def _of_estimate(name: str, kernel: object, estimate: KernelEstimate, num_features: int) -> EvaluatedPart:
    errors, truncation, repaired = estimate.standard_errors, estimate.truncation_errors, estimate.repaired_errors
    is_noisy = errors.any() or (repaired is not None and repaired.any())
    noise: Sources = sources_of(kernel, num_features) if is_noisy else frozenset()
    before = final = PartEstimate(estimate.raw, errors, truncation, noise)
    if repaired is not None or not np.array_equal(estimate.raw, estimate.matrix):
        # a repair may carry what truncation moved anywhere
        moved = None if truncation is None else np.where(truncation.any(), np.full_like(truncation, np.inf), 0.0)
        final = PartEstimate(estimate.matrix, errors if repaired is None else repaired, moved, noise)
    applied = tuple(f"{name}: {step}" for step in estimate.applied)
    return EvaluatedPart(
        final, before, estimate.shots, estimate.target, estimate.synthesis_error, estimate.entry_shots, applied
    )


def fewest_shots(parts: Sequence[EvaluatedPart]) -> IntArray | None:
    """Return the least shots behind each entry of several kernels, shape (n, m); ``None`` where all are alike."""
    if all(one.entry_shots is None for one in parts):
        return None
    fewest: IntArray = np.zeros(parts[0].final.matrix.shape, dtype=np.int64)
    for one in parts:
        shots = np.where(one.before.errors > 0, one.shots or 0, 0) if one.entry_shots is None else one.entry_shots
        fewest = np.where(fewest == 0, shots, np.where(shots == 0, fewest, np.minimum(fewest, shots)))
    return fewest


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
