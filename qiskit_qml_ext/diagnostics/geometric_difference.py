r"""How different is a quantum kernel from classical ones, and do the labels need the difference?

Following Huang et al., arXiv:2011.01938. All kernels are scaled to Tr K = N. With a regularisation λ ≥ 0,

    g(K_C, K_Q) = √‖√K_Q √K_C (K_C + λ)⁻² √K_C √K_Q‖    (spectral norm; for λ = 0: √‖√K_Q K_C⁻¹ √K_Q‖)
    s_K         = yᵀ √K (K + λ)⁻² √K y → yᵀ K⁻¹ y       for λ = 0
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics.pairwise import laplacian_kernel, polynomial_kernel, rbf_kernel

from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.diagnostics.alignment import centred_alignment
from qiskit_qml_ext.diagnostics.estimate import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]
_SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)
_SMALL, _LARGE = 0.25, 0.7
_SINGULAR = 1e-10  # eigenvalues below this fraction of the largest are zero up to rounding


@dataclass(frozen=True)
class ClassicalComparison:
    """A quantum kernel beside one classical kernel."""

    name: str
    """The classical kernel with its parameters."""
    difference: float
    """g, with the generalisation part of Huang et al."""
    training_difference: float
    """λ √‖√K_Q (K_C + λ)⁻² √K_Q‖, the part of the training error; 0 without regularisation."""
    alignment: float
    """The centred alignment of the two kernels, 1 if they are the same up to a constant."""
    complexity: float | None
    """s_C for the labels; None without labels."""

    @property
    def total(self) -> float:
        """Both parts together, which bound the prediction error by (g + g_training)·√(s_Q/N) up to a constant."""
        return self.difference + self.training_difference


@dataclass(frozen=True, repr=False)
class GeometricDifference(Result):
    """How a quantum kernel differs from classical ones, from :func:`geometric_difference`."""

    comparisons: tuple[ClassicalComparison, ...]
    """One for each classical kernel, the most similar first."""
    num_samples: int
    """N."""
    regularization: float
    """λ."""
    quantum_complexity: float | None
    """s_Q for the labels; None without labels."""
    identity_complexity: float | None
    """‖y‖², the complexity of the identity matrix, which learns nothing; None without labels."""
    target_alignment: float | None
    """The centred alignment of the quantum kernel with yyᵀ."""

    @property
    def closest(self) -> ClassicalComparison:
        """The classical kernel with the smallest total difference."""
        return self.comparisons[0]

    def headline(self) -> str:
        """Return the conclusion in words."""
        g, root = self.closest.total, math.sqrt(self.num_samples)
        where = f"g = {g:.3g} to {self.closest.name}, √N = {root:.3g}"
        if g < _SMALL * root:
            return (
                f"A classical kernel is guaranteed to do about as well on any labels ({where}): "
                "its bound on the prediction error is at most g times that of the quantum kernel."
            )
        if g < _LARGE * root:
            return f"Labels exist on which the quantum kernel does somewhat better ({where})."
        helped = ""
        if self.quantum_complexity is not None and self.closest.complexity is not None:
            best = min(c.complexity for c in self.comparisons if c.complexity is not None)
            needs = best > 2 * self.quantum_complexity and best > 0.5 * self.num_samples
            helped = (
                " These labels may be such." if needs else " These labels are not such: classical kernels fit them."
            )
        return f"Labels exist on which the quantum kernel does much better ({where}).{helped}"

    def rows(self) -> list[tuple[str, str, str]]:
        """Return g, alignment and complexity for each classical kernel."""
        found = []
        for c in self.comparisons:
            complexity = "" if c.complexity is None else f", s = {c.complexity:.3g}"
            found.append((c.name, f"g = {c.total:.3g}", f"alignment {c.alignment:.3f}{complexity}"))
        if self.quantum_complexity is not None:
            found.append(
                ("Quantum kernel", f"s = {self.quantum_complexity:.3g}", "smaller: the labels are simpler for it")
            )
        if self.identity_complexity is not None:
            found.append(("Identity", f"s = {self.identity_complexity:.3g}", "a kernel that learns nothing"))
        if self.target_alignment is not None:
            known = math.isfinite(self.target_alignment)
            text = f"{self.target_alignment:.3f}" if known else "undefined"
            found.append(("Alignment with the labels", text, "of the quantum kernel"))
        found.append(("Regularisation", f"λ = {self.regularization:g}", "kernels are scaled to Tr K = N"))
        return found

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw g of each classical kernel against √N."""
        from qiskit_qml_ext.diagnostics.figures import BLUE, RED, new_axes

        axes = new_axes(ax)
        axes.barh([c.name for c in self.comparisons], [c.total for c in self.comparisons], color=BLUE)
        axes.axvline(math.sqrt(self.num_samples), color=RED, label="√N")
        axes.invert_yaxis()
        axes.set(xlabel="geometric difference g")
        axes.legend(frameon=False)
        return axes


@check_arguments()
def geometric_difference(
    quantum: ArrayLike,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    classical: Mapping[str, ArrayLike] | None = None,
    regularization: float = 1e-3,
) -> GeometricDifference:
    """Compare a quantum kernel matrix with classical ones by the geometric difference, and by the labels' complexity.

    Args:
        quantum: The quantum kernel matrix, shape (N, N), positive semidefinite up to rounding.
        X: The data, shape (N, features), for RBF, Laplacian and polynomial kernels at several scales.
        y: Labels, shape (N,), numbers (±1 for two classes), or several columns of them, shape (N, k), for example ±1
            for each of several classes against the rest; the complexities are then means over the columns.
        classical: Kernel matrices of your own, by name.
        regularization: λ, relative to kernels with Tr K = N; without it a nearly singular classical kernel makes g
            large for no good reason.

    Raises:
        ValueError: If a matrix is not square, symmetric and positive semidefinite, a shape does not fit, or neither X
            nor ``classical`` came.

    References:
        Huang et al., arXiv:2011.01938, section "Testing quantum advantage" and appendix F.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.diagnostics import geometric_difference
        >>> kernel = np.array([[1.0, 0.5], [0.5, 1.0]])
        >>> found = geometric_difference(kernel, classical={"itself": kernel}, regularization=0.0)
        >>> round(found.closest.difference, 12)
        1.0
    """
    if not regularization >= 0:
        raise ValueError(f"regularization must not be negative, but {regularization!r} came.")
    mine = _scaled("quantum", quantum)
    size = len(mine)
    kernels = {name: _scaled(name, matrix) for name, matrix in (classical or {}).items()}
    if X is not None:
        kernels |= {
            name: _scaled(name, matrix) for name, matrix in _standard_kernels(np.asarray(X, float), size).items()
        }
    if not kernels:
        raise ValueError("There is nothing to compare with: give X, or kernel matrices as classical={name: matrix}.")
    labels = None if y is None else np.asarray(y, dtype=np.float64)
    if labels is not None and (labels.ndim not in (1, 2) or len(labels) != size):
        raise ValueError(f"y must have the shape ({size},) or ({size}, k) for the kernel, but has {labels.shape}.")
    for name, matrix in kernels.items():
        if matrix.shape != mine.shape:
            raise ValueError(f"The kernel {name!r} has the shape {matrix.shape} but the quantum one {mine.shape}.")
    columns = None if labels is None else labels.reshape(size, -1)
    comparisons = [
        ClassicalComparison(
            name=name,
            difference=spectral_difference(matrix, mine, regularization),
            training_difference=_training_difference(matrix, mine, regularization),
            alignment=centred_alignment(mine, matrix),
            complexity=None if labels is None else model_complexity(matrix, labels, regularization=regularization),
        )
        for name, matrix in kernels.items()
    ]
    return GeometricDifference(
        comparisons=tuple(sorted(comparisons, key=lambda c: c.total)),
        num_samples=size,
        regularization=regularization,
        quantum_complexity=None if labels is None else model_complexity(mine, labels, regularization=regularization),
        identity_complexity=None if columns is None else float(np.sum(columns**2) / columns.shape[1]),
        target_alignment=None if columns is None else centred_alignment(mine, columns @ columns.T),
    )


@check_arguments()
def model_complexity(kernel_matrix: ArrayLike, y: ArrayLike, *, regularization: float = 0.0) -> float:
    """Return s_K = yᵀ √K (K + λ)⁻² √K y of a kernel scaled to Tr K = N; yᵀ K⁻¹ y for λ = 0.

    Args:
        kernel_matrix: K, shape (N, N).
        y: Labels, shape (N,), or k columns of them, shape (N, k), over which the mean is taken.
        regularization: λ.

    Returns:
        The complexity; ``inf`` if λ = 0 and the labels have a part outside the range of K.
    """
    values, vectors = _spectrum(_scaled("kernel_matrix", kernel_matrix))
    columns = np.asarray(y, dtype=np.float64).reshape(len(values), -1)
    parts = np.mean((vectors.T @ columns) ** 2, axis=1)
    if regularization == 0:
        outside = values <= 0
        if parts[outside].sum() > _SINGULAR * parts.sum():
            return math.inf
        return float(np.sum(parts[~outside] / values[~outside]))
    return float(np.sum(parts * values / (values + regularization) ** 2))


def spectral_difference(classical: FloatArray, quantum: FloatArray, regularization: float) -> float:
    """Return g(K_C, K_Q) of two kernels with the same trace; ``inf`` if λ = 0 and K_C misses directions of K_Q."""
    values, vectors = _spectrum(classical)
    root = _root(quantum)
    if regularization == 0:
        null = vectors[:, values <= 0]
        if null.size and float(np.abs(root @ null).max()) > 1e-6:
            return math.inf
        factors = np.where(values > 0, 1 / np.where(values > 0, values, 1.0), 0.0)
    else:
        factors = values / (values + regularization) ** 2
    inner = (root @ vectors) * np.sqrt(factors)
    return float(np.linalg.norm(inner, 2))


def _training_difference(classical: FloatArray, quantum: FloatArray, regularization: float) -> float:
    if regularization == 0:
        return 0.0
    values, vectors = _spectrum(classical)
    inner = (_root(quantum) @ vectors) / (values + regularization)
    return float(regularization * np.linalg.norm(inner, 2))


def _spectrum(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    values, vectors = np.linalg.eigh(matrix)
    return np.where(values > _SINGULAR * values[-1], values, 0.0), vectors


def _root(matrix: FloatArray) -> FloatArray:
    values, vectors = _spectrum(matrix)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def _scaled(name: str, matrix: ArrayLike) -> FloatArray:
    """The matrix with trace N, checked."""
    array = np.array(matrix, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not np.all(np.isfinite(array)):
        raise ValueError(f"The kernel {name!r} must be a finite square matrix, but has the shape {array.shape}.")
    if not np.allclose(array, array.T, atol=1e-8):
        raise ValueError(f"The kernel {name!r} must be symmetric.")
    array = (array + array.T) / 2
    lowest = float(np.linalg.eigvalsh(array)[0])
    if lowest < -1e-6 * float(np.trace(array)) or np.trace(array) <= 0:
        raise ValueError(
            f"The kernel {name!r} is not positive semidefinite (smallest eigenvalue {lowest:.2g}). "
            "Repair a sampled kernel first, for example with psd_repair='clip'."
        )
    return np.asarray(array * (len(array) / np.trace(array)))


def _standard_kernels(X: FloatArray, size: int) -> dict[str, FloatArray]:
    """RBF, Laplacian and polynomial kernels around scikit-learn's default scale."""
    if X.ndim != 2 or len(X) != size:
        raise ValueError(f"X must have the shape ({size}, features) to match the kernel, but has {X.shape}.")
    spread = float(X.var())
    gamma = 1 / (X.shape[1] * spread) if spread > 0 else 1.0
    found = {}
    for scale in _SCALES:
        found[f"RBF, γ = {scale * gamma:.3g}"] = rbf_kernel(X, gamma=scale * gamma)
        found[f"Laplacian, γ = {scale * gamma:.3g}"] = laplacian_kernel(X, gamma=scale * gamma)
    for degree in (1, 2, 3):
        found[f"polynomial, degree {degree}"] = polynomial_kernel(X, degree=degree, gamma=gamma, coef0=1.0)
    return found
