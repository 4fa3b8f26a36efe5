"""The ways in which matrices go together, with their standard errors and what truncation may have moved."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.combined.noise import groups
from qiskit_qml_ext.kernels.combined.parts import PartEstimate


@dataclass(frozen=True, eq=False)
class Combination:
    """Several matrices as one."""

    matrix: FloatArray
    """Shape (n, m)."""
    errors: FloatArray
    """The standard error of each entry, shape (n, m)."""
    truncation: FloatArray | None
    """How far truncation may have moved each entry, shape (n, m); ``None`` where no states were truncated."""


def weighted_sum(parts: Sequence[PartEstimate], weights: FloatArray) -> Combination:
    """Return Σ_k w_k K_k.

    Errors of kernels that may read the same shots may go together in any way: they are added, the most that they can
    be. So is what truncation moved.
    """
    shape = parts[0].matrix.shape
    matrix, variances = np.zeros(shape), np.zeros(shape)
    for part, weight in zip(parts, weights.tolist(), strict=True):
        matrix += weight * part.matrix
    for group in groups([part.noise for part in parts]):
        variances += sum(weights[k] * parts[k].errors for k in group) ** 2
    moved = [
        weight * part.truncation
        for weight, part in zip(weights.tolist(), parts, strict=True)
        if weight and part.truncation is not None
    ]
    return Combination(matrix, np.sqrt(variances), np.sum(moved, axis=0) if moved else None)


def product(parts: Sequence[PartEstimate]) -> Combination:
    """Return Π_k K_k.

    Of independent estimates the variance is Π (K_k² + σ_k²) - Π K_k²; with estimates in the place of the K_k it is a
    little too large, and not 0 where an estimate is. Kernels that may read the same shots come first as a product of
    their own, whose error is at most Σ_k σ_k Π_(l≠k) |K_l|. What truncation moved is at most Π (|K_k| + t_k) - Π |K_k|.
    """
    matrix = np.ones_like(parts[0].matrix)
    for part in parts:
        matrix *= part.matrix
    whole, bare = np.ones_like(matrix), np.ones_like(matrix)
    for group in groups([part.noise for part in parts]):
        value, error = _group([parts[k] for k in group])
        whole *= value**2 + error**2
        bare *= value**2
    return Combination(matrix, np.sqrt(np.maximum(whole - bare, 0.0)), _moved(parts))


def _group(parts: Sequence[PartEstimate]) -> tuple[FloatArray, FloatArray]:
    """Return a product and the most that its error can be."""
    value, error = np.ones_like(parts[0].matrix), np.zeros_like(parts[0].matrix)
    for part in parts:
        error = error * np.abs(part.matrix) + part.errors * np.abs(value)
        value = value * part.matrix
    return value, error


def _moved(parts: Sequence[PartEstimate]) -> FloatArray | None:
    if all(part.truncation is None for part in parts):
        return None
    value, moved = np.ones_like(parts[0].matrix), np.zeros_like(parts[0].matrix)
    for part in parts:
        own = np.zeros_like(value) if part.truncation is None else part.truncation
        size = np.abs(part.matrix)
        moved = _times(moved, size + own) + _times(value, own)
        value = value * size
    return moved


def _times(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return a product in which 0 times infinity is 0: what truncation may have done to an entry can be unknown."""
    zero = (one == 0) | (other == 0)
    return np.where(zero, 0.0, np.where(zero, 0.0, one) * np.where(zero, 0.0, other))
