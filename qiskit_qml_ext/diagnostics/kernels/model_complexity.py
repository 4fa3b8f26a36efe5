r"""How complex labels are for a kernel: what it leaves unexplained, and the norm of what it explains.

A kernel matrix K, scaled to Tr K = N, and a ridge λ ≥ 0 fit the labels y by f = K(K + λ)⁻¹y. Then

    training error  ‖y - f‖²      = λ² yᵀ(K + λ)⁻²y
    squared norm    fᵀK⁻¹f        = yᵀ√K(K + λ)⁻²√K y
    complexity      s = training error + squared norm  →  yᵀK⁻¹y  as λ → 0, if y lies in the range of K

The first term must not be left out: labels that a kernel of low rank cannot fit at all would count as simple. For the
identity s = ‖y‖² (up to λ), and the same follows for every kernel from labels that are coin flips: on average over them
√(training error/N) + √(squared norm/N) ≥ 1, whatever the kernel and λ (Jensen and Cauchy-Schwarz with Tr K = N). So a
bound on a prediction error that is built from these two roots says something only if it is clearly below 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.checks import check_arguments

SINGULAR = 1e-10
"""Eigenvalues below this fraction of the largest are zero up to rounding (about n·eps) and errors of the entries."""
MANY_CLASSES = 20
"""More different whole numbers than this are values, not the names of classes."""


@dataclass(frozen=True)
class Complexity:
    """The two parts of the complexity of labels for a kernel, means over the columns of labels."""

    training: float
    """λ² yᵀ(K + λ)⁻²y, the squared training error; for λ = 0 the part of the labels outside the range of K."""
    norm: float
    """yᵀ√K(K + λ)⁻²√K y, the squared norm of the fit."""

    @property
    def total(self) -> float:
        """The sum of both parts."""
        return self.training + self.norm

    @property
    def roots(self) -> float:
        """√training + √norm: divided by √N the bound on the prediction error, up to a constant."""
        return math.sqrt(self.training) + math.sqrt(self.norm)


@check_arguments()
def model_complexity(kernel_matrix: ArrayLike, y: ArrayLike, *, regularization: float = 0.0) -> float:
    """Return s_K = λ² yᵀ(K + λ)⁻²y + yᵀ√K(K + λ)⁻²√K y of a kernel scaled to Tr K = N; yᵀK⁻¹y for λ = 0.

    The first term is the squared training error, the second the squared norm of the fitted function. Both belong to the
    bound on the prediction error, which is of order √(training/N) + √(norm/N), so at least √(s_K/N).

    Args:
        kernel_matrix: K, shape (N, N), positive semidefinite up to rounding.
        y: Labels, shape (N,): text and up to 20 different whole numbers are names of classes, ±1 for two of them and
            ±1 for each against the rest for more; other numbers are values. Or k columns of numbers, shape (N, k). The
            mean over the columns is taken.
        regularization: λ, in units in which Tr K = N.

    Returns:
        The complexity; ``inf`` if λ = 0 and the labels have a part outside the range of K. It grows with the square of
        the unit of the labels; for the identity it is the mean over the columns of yᵀy.

    Raises:
        ValueError: If the matrix is not square, symmetric and positive semidefinite, a shape does not fit, or λ is
            negative.

    References:
        Huang et al., arXiv:2011.01938.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.diagnostics import model_complexity
        >>> model_complexity(np.eye(4), [1.0, -1.0, 1.0, 1.0])
        4.0
        >>> round(model_complexity(np.ones((2, 2)), [1.0, -1.0], regularization=0.1), 12)  # a constant fits nothing
        2.0
    """
    parts = complexity(scaled("kernel_matrix", kernel_matrix), label_columns(y), regularization)
    return parts.total


def complexity(kernel: FloatArray, columns: FloatArray, regularization: float) -> Complexity:
    """Return both parts for a matrix from :func:`scaled`.

    Args:
        kernel: K with Tr K = N, shape (N, N).
        columns: Labels, shape (N, k).
        regularization: λ ≥ 0; for λ = 0 the norm is infinite where labels leave the range of K.
    """
    values, vectors = spectrum(kernel)
    if len(columns) != len(values):
        raise ValueError(f"y must have {len(values)} rows for a kernel of {len(values)} samples, not {len(columns)}.")
    parts = np.mean((vectors.T @ columns) ** 2, axis=1)
    if regularization > 0:
        weights = 1 / (values + regularization) ** 2
        return Complexity(float(np.sum(parts * (regularization**2 * weights))), float(np.sum(parts * values * weights)))
    inside = values > 0
    outside = float(parts[~inside].sum())
    norm = float(np.sum(parts[inside] / values[inside]))
    if outside > SINGULAR * float(parts.sum()):
        return Complexity(outside, math.inf)
    return Complexity(0.0, norm)


def label_columns(y: ArrayLike) -> FloatArray:
    """Return labels as columns of numbers, shape (N, k), as complexities need them.

    Two classes become ±1, more classes a column of ±1 each (one against the rest); other numbers stay as they are.

    Args:
        y: Text, truth values and up to 20 different whole numbers, shape (N,), are names of classes (whole numbers by
            their type: ``1.0`` is a value); other numbers are values; shape (N, k) are k columns of numbers.

    Raises:
        ValueError: If the labels are not finite, or not of one of these shapes.

    Examples:
        >>> label_columns(["a", "b", "a"]).ravel().tolist()
        [-1.0, 1.0, -1.0]
    """
    labels = as_labels(y)
    if labels.ndim not in (1, 2) or not labels.size:
        raise ValueError(f"y must have the shape (N,) or (N, k), but has {labels.shape}.")
    if labels.ndim == 1 and is_class(labels):
        classes = np.unique(labels)
        if len(classes) == 2:
            return np.where(labels == classes[-1], 1.0, -1.0)[:, None]
        return np.where(labels[:, None] == classes[None, :], 1.0, -1.0)
    if labels.dtype.kind not in "iufb":
        raise ValueError(
            f"y must hold real numbers, or one column of names of classes without gaps, but has the type "
            f"{labels.dtype} and the shape {labels.shape}."
        )
    numbers = labels.astype(np.float64)
    if not np.all(np.isfinite(numbers)):
        raise ValueError("y contains NaN or infinite values; leave these samples out.")
    return numbers.reshape(len(numbers), -1)


def as_labels(y: ArrayLike) -> AnyArray:
    """Return labels as an array of one type: objects, as of a table with mixed columns, become what they are."""
    labels = np.asarray(y)
    return np.array(labels.tolist()) if labels.dtype.kind == "O" else labels


def is_class(labels: AnyArray) -> bool:
    """Whether one column of labels holds names of classes: text, truth values, or few different whole numbers."""
    return labels.dtype.kind in "USb" or (labels.dtype.kind in "iu" and len(np.unique(labels)) <= MANY_CLASSES)


def scaled(name: str, matrix: ArrayLike) -> FloatArray:
    """Return a kernel matrix with trace N, checked."""
    array = np.array(matrix, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size or not np.all(np.isfinite(array)):
        raise ValueError(f"The kernel {name!r} must be a finite square matrix, but has the shape {array.shape}.")
    if not np.allclose(array, array.T, atol=1e-8):
        raise ValueError(f"The kernel {name!r} must be symmetric.")
    array = (array + array.T) / 2
    if not array.any():
        raise ValueError(
            f"All entries of the kernel {name!r} are 0: no sample is similar to anything, itself included."
        )
    lowest = float(np.linalg.eigvalsh(array)[0])
    if lowest < -1e-6 * float(np.trace(array)) or np.trace(array) <= 0:
        raise ValueError(
            f"The kernel {name!r} is not positive semidefinite (smallest eigenvalue {lowest:.2g}). "
            "Repair a sampled kernel first, for example with psd_repair='clip'."
        )
    return np.asarray(array * (len(array) / np.trace(array)))


def spectrum(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return eigenvalues, those that are zero up to rounding set to 0, and eigenvectors as columns."""
    values, vectors = np.linalg.eigh(matrix)
    return np.where(values > SINGULAR * values[-1], values, 0.0), vectors
