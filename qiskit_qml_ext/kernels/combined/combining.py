"""The ways in which matrices go together, with their standard errors."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.combined.parts import PartEstimate


def weighted_sum(parts: Sequence[PartEstimate], weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return Σ_k w_k K_k and its standard errors.

    Errors of kernels that read the same shots may go together in any way: they are added, the most that they can be.
    """
    matrix = np.zeros_like(parts[0].matrix)
    for part, weight in zip(parts, weights.tolist(), strict=True):
        matrix += weight * part.matrix
    moves = [abs(weight) * part.errors for part, weight in zip(parts, weights.tolist(), strict=True)]
    return matrix, np.sqrt(sum(total**2 for total in _by_noise(parts, moves)))


def product(parts: Sequence[PartEstimate]) -> tuple[FloatArray, FloatArray]:
    """Return Π_k K_k and its standard errors.

    Of independent estimates the variance is Π (K_k² + σ_k²) - Π K_k²; with estimates in the place of the K_k it is a
    little too large, and not 0 where an estimate is. Kernels that read the same shots come first as a product of their
    own, whose error is at most Σ_k σ_k Π_(l≠k) |K_l|.
    """
    matrix = np.ones_like(parts[0].matrix)
    for part in parts:
        matrix *= part.matrix
    whole, bare = np.ones_like(matrix), np.ones_like(matrix)
    for group in _groups(parts):
        value, error = _group(group)
        whole *= value**2 + error**2
        bare *= value**2
    return matrix, np.sqrt(np.maximum(whole - bare, 0.0))


def _group(parts: Sequence[PartEstimate]) -> tuple[FloatArray, FloatArray]:
    """Return a product and the most that its error can be."""
    value, error = np.ones_like(parts[0].matrix), np.zeros_like(parts[0].matrix)
    for part in parts:
        error = error * np.abs(part.matrix) + part.errors * np.abs(value)
        value = value * part.matrix
    return value, error


def _groups(parts: Sequence[PartEstimate]) -> Iterable[list[PartEstimate]]:
    groups: dict[Hashable, list[PartEstimate]] = {}
    for part in parts:
        groups.setdefault(part.noise, []).append(part)
    return groups.values()


def _by_noise(parts: Sequence[PartEstimate], moves: Sequence[FloatArray]) -> Iterable[FloatArray]:
    totals: dict[Hashable, FloatArray] = {}
    for part, move in zip(parts, moves, strict=True):
        totals[part.noise] = totals.get(part.noise, np.zeros_like(move)) + move
    return totals.values()
