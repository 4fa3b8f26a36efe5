r"""How different is a quantum kernel from classical ones, and do the labels need the difference?

Following Huang et al., arXiv:2011.01938. All kernels are scaled to Tr K = N. With a regularisation λ ≥ 0,

    g(K_C, K_Q) = √‖√K_Q √K_C (K_C + λ)⁻² √K_C √K_Q‖ + λ √‖√K_Q (K_C + λ)⁻² √K_Q‖     (spectral norms)
                → √‖√K_Q K_C⁻¹ √K_Q‖                                                   for λ = 0
    s_K         = λ² yᵀ(K + λ)⁻²y + yᵀ√K (K + λ)⁻² √K y → yᵀK⁻¹y                        for λ = 0

What the theorems license, and so what is said here:

- With labels y = f(x), |f| ≤ 1, the error of a kernel's prediction is at most of order √(training error/N) +
  √(squared norm/N), the two parts of s_K. A bound of 1 and more says nothing: guessing has that error.
- s_C ≤ g² s_Q for one classical kernel and any labels. So the bound of that kernel is at most √(g² s_Q/N), which says
  something where it is below 1; that is a matter of the labels, through s_Q, and not of g alone. g = 1 would mean that
  the *bound* does not grow; nothing bounds a difference of the errors themselves, whose bounds need not be reached.
- A large g to one classical kernel is necessary for an advantage over that kernel, not sufficient: the labels must be
  simple for the quantum kernel (s_Q ≪ N) and complex for the classical one. The identity is far from every smooth
  kernel and predicts nothing: s_I = N.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics.pairwise import laplacian_kernel, polynomial_kernel, rbf_kernel

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.diagnostics.kernels.alignment import centred_alignment
from qiskit_qml_ext.diagnostics.kernels.model_complexity import (
    SINGULAR,
    Complexity,
    complexity,
    label_columns,
    scaled,
    spectrum,
)
from qiskit_qml_ext.diagnostics.results.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Conclusion = Literal[
    "difference_without_labels",
    "quantum_bound_silent",
    "bound_carries_over",
    "labels_simpler_for_quantum",
    "bounds_alike",
]
"""What the numbers license: nothing without labels; nothing, since the quantum kernel's bound is no smaller than for
coin flips; a classical kernel near by has a bound that says something; the labels are simple for the quantum kernel and
complex for some of the classical ones; none of these."""
_SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)
_NEAR = 2.0  # up to this g the bound of a classical kernel is called that of a kernel near by
_TELLING = 0.8  # a bound, relative to a guess, must stay below; coin flips of some dozen samples may fall to 0.9
_SIMPLE, _COMPLEX = 0.1, 0.5  # of the complexity of a guess: s_Q ≪ N, and s_C of the order of N


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
    """s_C for the labels, the training error included; None without labels."""
    training_error: float | None = None
    """The part of s_C that is training error, λ² yᵀ(K_C + λ)⁻²y; None without labels."""

    @property
    def total(self) -> float:
        """Both parts of g together, which bound the prediction error by g·√(s_Q/N) up to a constant."""
        return self.difference + self.training_difference

    def has_bound_below(self, limit: float) -> bool:
        """Whether √training error + √squared norm is smaller than a limit."""
        if self.complexity is None or self.training_error is None or math.isinf(self.complexity):
            return False
        return Complexity(self.training_error, self.complexity - self.training_error).roots < limit


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
    """s_Q for the labels, the training error included; None without labels."""
    identity_complexity: float | None
    """‖y‖², the complexity of the identity matrix, which learns nothing; None without labels."""
    target_alignment: float | None
    """The centred alignment of the quantum kernel with yyᵀ."""
    quantum_training_error: float | None = None
    """The part of s_Q that is training error; None without labels."""
    guess_error: float | None = None
    """‖y - ȳ‖², the squared error of the best constant guess; None without labels."""

    @property
    def closest(self) -> ClassicalComparison:
        """The classical kernel with the smallest total difference: the most similar, not the best for the labels."""
        return self.comparisons[0]

    @property
    def simplest(self) -> ClassicalComparison | None:
        """The classical kernel for which the labels have the smallest complexity; None without labels."""
        known = [c for c in self.comparisons if c.complexity is not None]
        return min(known, key=_complexity) if known else None

    def bound(self, comparison: ClassicalComparison) -> float | None:
        """Return √(g² s_Q/N), the bound on a classical kernel's prediction error up to a constant.

        It is relative to the root mean square of the labels, so that their unit does not matter, and says nothing from
        1 on. None without labels.
        """
        if self.quantum_complexity is None or not self.identity_complexity:
            return None
        return comparison.total * math.sqrt(self.quantum_complexity / self.identity_complexity)

    @property
    def conclusion(self) -> Conclusion:
        """What these numbers license, as a code; see :data:`Conclusion`."""
        if self.quantum_complexity is None or self.quantum_training_error is None or not self.guess_error:
            return "difference_without_labels"
        if not self._quantum_bound_below(_TELLING * math.sqrt(self.guess_error)):
            return "quantum_bound_silent"
        if self._telling():
            return "bound_carries_over"
        if self.quantum_complexity <= _SIMPLE * self.guess_error and self._beaten():
            return "labels_simpler_for_quantum"
        return "bounds_alike"

    def headline(self) -> str:
        """Return what the numbers license, in words; each number stands in :meth:`rows`."""
        size, best, many = self.num_samples, self.simplest, len(self.comparisons)
        conclusion = self.conclusion
        if conclusion == "difference_without_labels" or best is None:
            return (
                f"g = {self.closest.total:.3g} to {self.closest.name}, the nearest of {many} classical kernels "
                f"(√N = {math.sqrt(size):.3g}). Without labels that vary, g does not tell which kernel predicts better."
            )
        mine = f"s = {self.quantum_complexity:.3g}"
        scale = f"{self.identity_complexity:.3g} for the identity, which predicts nothing"
        if conclusion == "quantum_bound_silent":
            return (
                f"The bound on the quantum kernel's prediction error says nothing: {mine} ({scale}); of the classical "
                f"kernels {best.name} has the smallest, s = {best.complexity:.3g}."
            )
        if conclusion == "bound_carries_over":
            near = min(self._telling(), key=_complexity)
            return (
                f"The quantum kernel's bound on the prediction error holds for {near.name} too if it is multiplied by "
                f"g = {near.total:.3g}: √(g²·s/N) = {self.bound(near):.2g}, up to a constant ({mine}; {scale})."
            )
        if conclusion == "labels_simpler_for_quantum":
            beaten = self._beaten()
            which = "each of the" if len(beaten) == many else f"{len(beaten)} of the"
            return (
                f"These labels are simple for the quantum kernel ({mine}; {scale}) and complex for {which} {many} "
                f"classical kernels beside it (s from {min(map(_complexity, beaten)):.3g} on). An advantage over them "
                "needs this, but does not follow from it."
            )
        return (
            f"The bounds do not tell these kernels apart: {mine} for the quantum kernel, s = {best.complexity:.3g} for "
            f"{best.name} at best ({scale})."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return g, alignment and complexity for each classical kernel."""
        rows = []
        for c in self.comparisons:
            text = f"alignment {c.alignment:.3f}"
            if c.complexity is not None and c.training_error is not None:
                text += f", s = {c.complexity:.3g}, of it {c.training_error:.3g} training error"
            limit = self.bound(c)
            if limit is not None and limit < 1:
                text += f", √(g²·s/N) = {limit:.2g}"
            rows.append((c.name, f"g = {c.total:.3g}", text))
        if self.quantum_complexity is not None and self.quantum_training_error is not None:
            meaning = f"of it {self.quantum_training_error:.3g} training error; less: the labels are simpler for it"
            rows.append(("Quantum kernel", f"s = {self.quantum_complexity:.3g}", meaning))
        if self.identity_complexity is not None:
            rows.append(("Identity", f"s = {self.identity_complexity:.3g}", "a kernel that learns nothing"))
        if self.target_alignment is not None:
            known = math.isfinite(self.target_alignment)
            text = f"{self.target_alignment:.3f}" if known else "undefined"
            rows.append(("Alignment with the labels", text, "of the quantum kernel"))
        rows.append(("Regularisation", f"λ = {self.regularization:g}", "kernels are scaled to Tr K = N"))
        return rows

    def records(self) -> list[dict[str, object]]:
        """Return g, alignment and complexity for each classical kernel."""
        return [
            {
                "kernel": c.name,
                "difference": c.total,
                "training_difference": c.training_difference,
                "alignment": c.alignment,
                "complexity": c.complexity,
                "training_error": c.training_error,
                "bound": self.bound(c),
            }
            for c in self.comparisons
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw g of each classical kernel against √N."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, RED, new_axes

        axes = new_axes(ax)
        axes.barh([c.name for c in self.comparisons], [c.total for c in self.comparisons], color=BLUE)
        axes.axvline(math.sqrt(self.num_samples), color=RED, label="√N")
        axes.invert_yaxis()
        axes.set(xlabel="geometric difference g")
        axes.legend(frameon=False)
        return axes

    def _quantum_bound_below(self, limit: float) -> bool:
        assert self.quantum_complexity is not None
        assert self.quantum_training_error is not None
        if math.isinf(self.quantum_complexity):
            return False
        norm = self.quantum_complexity - self.quantum_training_error
        return Complexity(self.quantum_training_error, norm).roots < limit

    def _telling(self) -> list[ClassicalComparison]:
        """The kernels near by whose bounds, from g and s_Q and their own, are clearly below that of a guess."""
        limit = _TELLING * math.sqrt(self.guess_error or 0.0)
        return [
            c
            for c in self.comparisons
            if c.total <= _NEAR and self._quantum_bound_below(limit / c.total) and c.has_bound_below(limit)
        ]

    def _beaten(self) -> list[ClassicalComparison]:
        """The kernels for which these labels are complex."""
        return [c for c in self.comparisons if _complexity(c) >= _COMPLEX * (self.guess_error or math.inf)]


def _complexity(comparison: ClassicalComparison) -> float:
    assert comparison.complexity is not None
    return comparison.complexity


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

    g says how much more complex labels can be for a classical kernel than for the quantum one: s_C ≤ g² s_Q, for that
    kernel alone. It bounds the classical kernel's prediction error by √(g² s_Q/N), up to a constant, which says
    something only where it is below 1. It is no statement about "any labels", and none about a difference of errors.

    Args:
        quantum: The quantum kernel matrix, shape (N, N), positive semidefinite up to rounding.
        X: The data, shape (N, features), for RBF, Laplacian and polynomial kernels at several scales.
        y: Labels, shape (N,): text and up to 20 different whole numbers are names of classes, ±1 for two of them and
            ±1 for each against the rest for more; other numbers are values. Or several columns of numbers, shape
            (N, k). The complexities are means over the columns.
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
        >>> difference = geometric_difference(kernel, classical={"itself": kernel}, regularization=0.0)
        >>> round(difference.closest.difference, 12)
        1.0
    """
    mine = scaled("quantum", quantum)
    size = len(mine)
    kernels = {name: scaled(name, matrix) for name, matrix in (classical or {}).items()}
    if X is not None:
        standard = standard_kernels(np.asarray(X, dtype=np.float64), size)
        kernels = {name: scaled(name, matrix) for name, matrix in standard.items()} | kernels
    if not kernels:
        raise ValueError("There is nothing to compare with: give X, or kernel matrices as classical={name: matrix}.")
    for name, matrix in kernels.items():
        if matrix.shape != mine.shape:
            raise ValueError(f"The kernel {name!r} has the shape {matrix.shape} but the quantum one {mine.shape}.")
    columns = None if y is None else _columns(y, size)
    root = _root(mine)
    comparisons = [_compare(name, matrix, mine, root, columns, regularization) for name, matrix in kernels.items()]
    ours = None if columns is None else complexity(mine, columns, regularization)
    return GeometricDifference(
        comparisons=tuple(sorted(comparisons, key=lambda c: c.total)),
        num_samples=size,
        regularization=regularization,
        quantum_complexity=None if ours is None else ours.total,
        identity_complexity=None if columns is None else _mean_square(columns),
        target_alignment=None if columns is None else centred_alignment(mine, columns @ columns.T),
        quantum_training_error=None if ours is None else ours.training,
        guess_error=None if columns is None else _mean_square(columns - columns.mean(axis=0)),
    )


def _compare(
    name: str,
    matrix: FloatArray,
    quantum: FloatArray,
    root: FloatArray,
    columns: FloatArray | None,
    regularization: float,
) -> ClassicalComparison:
    difference, training = _differences(matrix, root, regularization)
    theirs = None if columns is None else complexity(matrix, columns, regularization)
    return ClassicalComparison(
        name=name,
        difference=difference,
        training_difference=training,
        alignment=centred_alignment(quantum, matrix),
        complexity=None if theirs is None else theirs.total,
        training_error=None if theirs is None else theirs.training,
    )


def _differences(classical: FloatArray, root: FloatArray, regularization: float) -> tuple[float, float]:
    """Both parts of g: √‖√K_Q √K_C (K_C + λ)⁻² √K_C √K_Q‖ and λ √‖√K_Q (K_C + λ)⁻² √K_Q‖, with √K_Q as ``root``.

    Both are the largest singular value of √K_Q V f(w), K_C = V diag(w) Vᵀ: nothing is inverted but w + λ.
    """
    values, vectors = spectrum(classical)
    turned = root @ vectors
    if regularization > 0:
        inner = turned / (values + regularization)
        return (
            float(np.linalg.norm(inner * np.sqrt(values), 2)),
            float(regularization * np.linalg.norm(inner, 2)),
        )
    inside = values > 0
    missed = np.linalg.norm(turned[:, ~inside], 2) if not np.all(inside) else 0.0
    # K_Q has a part outside the range of K_C that is more than what both call zero
    if missed > math.sqrt(SINGULAR) * np.linalg.norm(root, 2):
        return math.inf, 0.0
    return float(np.linalg.norm(turned[:, inside] / np.sqrt(values[inside]), 2)), 0.0


def _root(matrix: FloatArray) -> FloatArray:
    values, vectors = spectrum(matrix)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def _columns(y: ArrayLike, size: int) -> FloatArray:
    shape = np.shape(y)
    if len(shape) not in (1, 2) or shape[0] != size:
        raise ValueError(f"y must have the shape ({size},) or ({size}, k) for the kernel, but has {shape}.")
    return label_columns(y)


def _mean_square(columns: FloatArray) -> float:
    """The mean over the columns of the sum of squares."""
    return float(np.sum(columns**2) / columns.shape[1])


def standard_kernels(X: FloatArray, size: int) -> dict[str, FloatArray]:
    """RBF, Laplacian and polynomial kernels around scikit-learn's default scale."""
    if X.ndim != 2 or len(X) != size:
        raise ValueError(f"X must have the shape ({size}, features) to match the kernel, but has {X.shape}.")
    spread = float(X.var())
    gamma = 1 / (X.shape[1] * spread) if spread > 0 else 1.0
    kernels = {}
    for scale in _SCALES:
        kernels[f"RBF, γ = {scale * gamma:.3g}"] = rbf_kernel(X, gamma=scale * gamma)
        kernels[f"Laplacian, γ = {scale * gamma:.3g}"] = laplacian_kernel(X, gamma=scale * gamma)
    for degree in (1, 2, 3):
        kernels[f"polynomial, degree {degree}"] = polynomial_kernel(X, degree=degree, gamma=gamma, coef0=1.0)
    return kernels
