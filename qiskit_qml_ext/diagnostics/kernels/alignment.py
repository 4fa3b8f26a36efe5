"""Centred kernel alignment: how much pairs of samples are similar just as their labels are."""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments


@check_arguments()
def ideal_kernel(y: ArrayLike, task: Literal["classification", "regression"] = "classification") -> FloatArray:
    """Return the kernel that only looks at the labels, shape (n, n).

    For a classification it is 1 for a pair of the same class and else 0 (with two classes its centred form is that of
    yyᵀ, y = ±1, up to a factor); for a regression it is yyᵀ of the centred labels.

    Args:
        y: The labels, shape (n,).
        task: What they mean.

    Raises:
        ValueError: If labels are missing (NaN), or those of a regression are not finite real numbers.
    """
    labels = np.asarray(y)
    if labels.dtype.kind == "O":
        labels = np.array(labels.tolist())  # what the labels are, such as numbers in a column of a mixed table
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError("y contains NaN; leave these samples out.")
    if task == "classification":
        return np.asarray(labels[:, None] == labels[None, :], dtype=np.float64)
    if labels.dtype.kind not in "biuf" or not np.all(np.isfinite(labels)):
        raise ValueError(
            f"The labels of a regression must be finite real numbers, but y has the type {labels.dtype}, or infinite "
            'values. For names of classes use task="classification".'
        )
    centred = labels.astype(np.float64) - labels.astype(np.float64).mean()
    return np.outer(centred, centred)


@check_arguments()
def centred_alignment(kernel_matrix: FloatArray, other: FloatArray) -> float:
    """Return the centred alignment ⟨K_c, L_c⟩/(‖K_c‖‖L_c‖) of two symmetric matrices, with K_c = HKH, H = I - 11ᵀ/n.

    Args:
        kernel_matrix: K, shape (n, n).
        other: L, shape (n, n), for example the :func:`ideal_kernel`.

    Returns:
        A number in [-1, 1] ([0, 1] for positive semidefinite matrices); NaN if a centred matrix vanishes.

    References:
        Cortes, Mohri and Rostamizadeh, arXiv:1203.0550, Definition 4.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.diagnostics import centred_alignment, ideal_kernel
        >>> labels = ideal_kernel([0, 0, 1, 1])
        >>> round(centred_alignment(3 * labels + 1, labels), 12)
        1.0
    """
    cross, mine, theirs = (
        float(_centred_inner(a, b)) for a, b in ((kernel_matrix, other), (kernel_matrix, kernel_matrix), (other, other))
    )
    return float(_ratio(np.array(cross), np.array(mine), np.array(theirs)))


def leave_one_out_alignment(kernel_matrix: FloatArray, other: FloatArray) -> FloatArray:
    """Return the centred alignment without sample i for every i, shape (n,), in O(n²) operations in all."""
    pairs = ((kernel_matrix, other), (kernel_matrix, kernel_matrix), (other, other))
    return _ratio(*(_leave_one_out_inner(a, b) for a, b in pairs))


# Below this fraction of n² a centred norm is rounding error.
_VANISHING = 1e-20


def _ratio(cross: FloatArray, mine: FloatArray, theirs: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = cross / np.sqrt(mine * theirs)
    return np.where((mine > _VANISHING) & (theirs > _VANISHING), ratio, math.nan)


def _centred_inner(a: FloatArray, b: FloatArray) -> np.float64:
    """⟨HAH, HBH⟩ = Tr(HAHB), computed from the centred matrices: no cancellation."""
    return np.float64(np.sum(_centred(a) * _centred(b)))


def _centred(a: FloatArray) -> FloatArray:
    return np.asarray(a - a.mean(axis=0) - a.mean(axis=1)[:, None] + a.mean())


def _leave_one_out_inner(a: FloatArray, b: FloatArray) -> FloatArray:
    """⟨HAH, HBH⟩ without row and column i: Σ_jk A B - (2/m) Σ_j a_j b_j + (Σa)(Σb)/m², m = n-1, a_j the row sums."""
    a, b = _centred(a), _centred(b)  # centring first changes nothing but the size of what cancels
    size = a.shape[0] - 1
    total = np.sum(a * b) - 2 * np.sum(a * b, axis=1) + np.diag(a) * np.diag(b)
    sums_a, sums_b = a.sum(axis=1), b.sum(axis=1)
    # Row sums without column i are sums - A[:, i]; the product is summed over all rows but i.
    products = (sums_a * sums_b).sum() - a @ sums_b - b @ sums_a + np.sum(a * b, axis=0)
    products -= (sums_a - np.diag(a)) * (sums_b - np.diag(b))
    whole_a = a.sum() - 2 * sums_a + np.diag(a)
    whole_b = b.sum() - 2 * sums_b + np.diag(b)
    return np.asarray(total - 2 * products / size + whole_a * whole_b / size**2)
