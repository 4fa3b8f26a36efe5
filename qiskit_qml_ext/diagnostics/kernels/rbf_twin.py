r"""Which classical kernel is a quantum kernel most like?

Quantum kernels whose bandwidth is tuned often resemble RBF kernels (Flórez Ablan et al., arXiv:2503.05602). How much a
kernel does is measured on samples by the centred alignment of the two matrices (Cortes et al., arXiv:1203.0550,
Definition 4), A = ⟨K_c, L_c⟩/(‖K_c‖‖L_c‖), which is the cosine of the angle between them: √(2 - 2A) is the Frobenius
distance of the centred matrices scaled to norm 1. A factor and a constant, which change no prediction of a machine with
a free regularisation and an intercept, do not count; without centring all concentrated kernels would be alike.

The free parameter of each family is its scale γ alone: the factor and the constant that a polynomial (γ⟨x, y⟩ + c)^d
has beside it drop out but for γ/c.

Independent noise of variance v_ij in the entries adds E‖E_c‖² = (1 - 2/n + 2/n²) Σ_{i≠j} v_ij + (1 - 1/n)² Σ_i v_ii to
‖K_c‖² and nothing to the mean of ⟨K_c, L_c⟩: it makes every alignment smaller. It is taken off ‖K_c‖². Entries that
share their noise, as those of one sample do where each is measured by itself, add another number, which is not known:
there nothing is taken off, and it is said. An estimate may come out above 1, which no alignment is: 1 is shown.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from sklearn.metrics.pairwise import euclidean_distances, manhattan_distances

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.checks import check_arguments, numeric_array
from qiskit_qml_ext.diagnostics.kernels.alignment import centred_alignment, leave_one_out_alignment
from qiskit_qml_ext.diagnostics.kernels.scores import KernelScore, KernelScores, kernel_scores
from qiskit_qml_ext.diagnostics.results.result import UNKNOWN, Estimate, Result
from qiskit_qml_ext.diagnostics.statistics.intervals import jackknife_estimate
from qiskit_qml_ext.kernels import StatesErrors
from qiskit_qml_ext.kernels.abilities import refuse_seen_labels, stated_errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Family = Literal["rbf", "laplacian", "polynomial"]
"""exp(-γ‖x - y‖²); exp(-γ‖x - y‖₁); (γ⟨x, y⟩ + 1)^degree."""

_FEWEST = 4  # samples: fewer have no jackknife of a centred matrix
_DECADES, _POINTS = 3.0, 19  # of γ, around the inverse of the typical distance or product
_SYMMETRY_ATOL = 1e-8  # above the rounding of a matrix product, far below any entry that matters


@dataclass(frozen=True)
class TwinCandidate:
    """The member of a family of classical kernels that is nearest to a quantum kernel."""

    name: str
    """The kernel with its parameters, in words."""
    family: Family
    """What kind of kernel it is."""
    gamma: float
    """γ, in inverse units of what it multiplies; of a linear kernel (degree 1) any is as good."""
    degree: int | None
    """The degree of a polynomial; None for others."""
    alignment: Estimate
    """The centred alignment with the quantum kernel, 1 if they are the same up to a factor and a constant, and shown as
    1 where noise takes the estimate above; its error is that over samples, at this γ."""

    @property
    def shown(self) -> Estimate:
        """The alignment, at most 1."""
        one = self.alignment
        if math.isnan(one.value):
            return one
        return replace(one, value=min(one.value, 1.0), low=min(one.low, 1.0), high=min(one.high, 1.0))


@dataclass(frozen=True, repr=False)
class KernelTwin(Result):
    """The classical kernels that are most like a quantum kernel, from :func:`rbf_twin`."""

    candidates: tuple[TwinCandidate, ...]
    """The nearest kernel of each family, the nearest of all first."""
    num_samples: int
    """The number of samples."""
    shots: int | None
    """The shots behind each entry of the quantum kernel; None if it is exact, or where this is not known."""
    noise_share: float
    """The share of ‖K_c‖² that is shot noise, which was taken off; 0 for an exact matrix, and from 1 on nothing is
    left. NaN where entries may share their noise: nothing was taken off."""
    scores: KernelScores | None
    """The quantum kernel and all candidates in cross-validation on the same folds; None without labels. Each is centred
    as for the alignment, so that here too a factor and a constant do not count."""

    @property
    def twin(self) -> TwinCandidate:
        """The nearest classical kernel."""
        return self.candidates[0]

    def score_of(self, candidate: TwinCandidate) -> KernelScore | None:
        """Return how well a candidate predicts beside the quantum kernel; None without labels."""
        if self.scores is None:
            return None
        return next(one for one in self.scores.classical if one.name == candidate.name)

    def headline(self) -> str:
        """Return the nearest kernel, how near it is, and how both score, in words."""
        if self.noise_share >= 1:
            return (
                "Shot noise is as large as all that is seen of this kernel's entries, so that no classical kernel can "
                "be called near or far. Take more shots."
            )
        nearest = (
            f"The nearest classical kernel is {self.twin.name}: centred alignment {self.twin.shown} on "
            f"{self.num_samples} samples (1: the same up to a factor and a constant)."
        )
        if math.isnan(self.noise_share):
            nearest += " It is not corrected for shots, whose noise makes it smaller."
        score = self.score_of(self.twin)
        if self.scores is None or score is None:
            return nearest
        return (
            f"{nearest} On the same {self.scores.folds} folds the quantum kernel scores "
            f"{self.scores.quantum.score:.3f} and this one {score.score:.3f} ({self.scores.scoring}), a difference of "
            f"{_signed(score.ahead)}."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the alignment of each candidate, the nearest first, and how it scores."""
        rows = []
        for one in self.candidates:
            score = self.score_of(one)
            beside = "" if score is None else f"score {score.score:.3f}, quantum minus this: {_signed(score.ahead)}"
            rows.append((one.name, _known(one.shown), beside))
        if math.isnan(self.noise_share):
            rows.append(("Shot noise", "not known", "entries may share it, so that nothing is taken off"))
        elif self.noise_share > 0:
            rows.append(("Shot noise", f"{self.noise_share:.0%}", "of the spread of the entries; taken off"))
        return rows

    def records(self) -> list[dict[str, object]]:
        """Return the alignment and the score of each candidate, the nearest first."""
        scores = [self.score_of(one) for one in self.candidates]
        return [
            {
                "kernel": one.name,
                "family": one.family,
                "gamma": one.gamma,
                "degree": one.degree,
                "alignment": one.shown,
                "score": None if score is None else score.score,
                "ahead": UNKNOWN if score is None else score.ahead,
            }
            for one, score in zip(self.candidates, scores, strict=True)
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the alignment of each candidate with its standard error."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, new_axes

        axes = new_axes(ax)
        alignments = [one.shown for one in self.candidates]
        axes.barh(
            [one.name for one in self.candidates],
            [one.value for one in alignments],
            xerr=[one.standard_error for one in alignments],
            color=BLUE,
        )
        axes.invert_yaxis()
        axes.set(xlabel="centred alignment with the quantum kernel")
        return axes


@check_arguments()
def rbf_twin(
    kernel: object,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    standard_errors: ArrayLike | None = None,
    folds: int | None = None,
    seed: int | None = 0,
) -> KernelTwin:
    """Find the classical kernel (RBF, Laplacian, polynomial) that is most like a quantum kernel on some samples.

    The scale of each family is fitted to the quantum kernel, by the largest centred alignment; labels take no part in
    it. A twin near 1 means that on data like these a classical kernel of two lines of code does nearly the same. A low
    alignment says that none of these families is like it, not that the quantum kernel is of any use.

    Args:
        kernel: A quantum kernel, or its matrix, shape (n, n), before any repair. With shots, their noise is taken off
            where each entry is a fraction of shots of its own, as by inversion tests; others may share their noise, and
            are not corrected, which is said.
        X: The samples, shape (n, features), n ≥ 4, as the quantum kernel gets them.
        y: Labels, shape (n,), to score the kernels by; see :func:`~qiskit_qml_ext.diagnostics.kernel_scores`.
        standard_errors: The standard error of each entry of a matrix, shape (n, n), whose pairs have noise of their
            own; a kernel knows its own.
        folds: The number of folds of the scores, for ``y`` only; by default 5.
        seed: Seed of the folds.

    Returns:
        The nearest kernel of each family with its alignment, and with ``y`` the scores of all. The errors of the
        alignments are those over samples (a jackknife at the fitted scale), which a fit of one number to n(n-1)/2
        entries leaves as they are to first order.

    Raises:
        ValueError: If the matrix is not finite, square and symmetric, the samples do not fit to it, or all entries off
            the diagonal or all samples are the same.
        TypeError: If ``kernel`` is neither a kernel nor a matrix.

    References:
        Flórez Ablan et al., arXiv:2503.05602 (quantum kernels beside RBF and polynomial ones); Cortes et al.,
        arXiv:1203.0550, Definition 4.

    Examples:
        >>> import numpy as np
        >>> from sklearn.metrics.pairwise import rbf_kernel
        >>> from qiskit_qml_ext.diagnostics import rbf_twin
        >>> X = np.random.default_rng(0).normal(size=(30, 2))
        >>> rbf_twin(0.5 * rbf_kernel(X, gamma=0.7) + 0.2, X).twin.name
        'RBF, γ = 0.7'
    """
    if y is None and folds is not None:
        raise ValueError(f"folds is {folds}, but there are no labels y to score the kernels by. Give y, or no folds.")
    if y is not None:
        refuse_seen_labels(kernel)
    samples = _samples(X)
    matrix, errors, shots = _matrix_of(kernel, samples, standard_errors)
    spread = float(np.sum(_centred(matrix) ** 2))
    noise = 0.0 if errors is None else _noise(errors)
    share = noise / spread if not noise or getattr(kernel, "entries_are_fractions", True) else math.nan
    taken_off = 0.0 if math.isnan(share) else share
    factor = 1 / math.sqrt(1 - taken_off) if taken_off < 1 else math.nan
    twins = _fitted(matrix, samples, factor)
    twins.sort(key=lambda pair: -pair[0].alignment.value if taken_off < 1 else 0.0)
    candidates = tuple(one for one, _ in twins)
    scores = None
    if y is not None:
        classical = {one.name: _centred(found) for one, found in twins}
        scores = kernel_scores(_raised(_centred(matrix)), classical, y, X=samples, folds=folds or 5, seed=seed)
    return KernelTwin(candidates, len(samples), shots, share, scores)


def _samples(X: ArrayLike) -> FloatArray:
    samples = np.asarray(X, dtype=np.float64)
    if samples.ndim != 2 or len(samples) < _FEWEST or not samples.shape[1] or not np.isfinite(samples).all():
        raise ValueError(
            f"X must hold at least {_FEWEST} finite samples, shape (n, features), but has the shape {samples.shape}"
            f"{'' if np.isfinite(samples).all() else ' and values that are not finite'}."
        )
    if np.all(samples == samples[0]):
        raise ValueError("All samples of X are the same, so that all kernels are.")
    return samples


def _matrix_of(
    kernel: object, X: FloatArray, standard_errors: ArrayLike | None
) -> tuple[FloatArray, FloatArray | None, int | None]:
    """Return the quantum kernel's matrix, the standard errors of its entries and the shots behind them."""
    errors: ArrayLike | None
    if callable(getattr(kernel, "evaluate", None)) and not isinstance(kernel, type):
        if standard_errors is not None:
            raise ValueError("standard_errors belong to a matrix; the kernel that came knows its own.")
        if isinstance(kernel, StatesErrors):
            estimate = stated_errors(kernel, X)
            values, errors, shots = estimate.raw, estimate.standard_errors, estimate.shots
        else:
            values, errors, shots = kernel.evaluate(X), None, None  # type: ignore[attr-defined]
        values = np.asarray(values, dtype=np.float64)
        if values.ndim == 2 and len(values) == len(values.T) and _asymmetry(values) > _SYMMETRY_ATOL:
            errors = _of_both_orders(errors)
        values = (values + values.T) / 2
    else:
        numeric_array("kernel", kernel)
        values, errors, shots = np.asarray(kernel, dtype=np.float64), standard_errors, None
    if values.shape != (len(X), len(X)) or not np.isfinite(values).all():
        raise ValueError(
            f"kernel must be a kernel or a finite matrix of the shape {(len(X), len(X))} for the samples X, but a "
            f"matrix of the shape {values.shape} came."
        )
    if not np.allclose(values, values.T, rtol=0.0, atol=_SYMMETRY_ATOL):
        raise ValueError(f"kernel must be symmetric, but differs from its transpose by {_asymmetry(values):.2g}.")
    if not np.any(np.abs(_centred(values)) > _SYMMETRY_ATOL):
        raise ValueError("kernel has the same value for all pairs of samples, so that it is like no other kernel.")
    if errors is None:
        return values, None, shots
    errors = np.asarray(errors, dtype=np.float64)
    if errors.shape != values.shape or not np.isfinite(errors).all():
        raise ValueError(f"standard_errors must be finite and of the shape {values.shape}, but is {errors.shape}.")
    return values, errors, shots


def _fitted(matrix: FloatArray, X: FloatArray, factor: float) -> "list[tuple[TwinCandidate, FloatArray]]":
    """Return the nearest kernel of each family with its matrix.

    Args:
        matrix: The quantum kernel's.
        X: The samples.
        factor: What an alignment is multiplied by, for the noise of the matrix.
    """
    found = []
    for family, degree, scale, make in _families(X):
        gamma = scale if degree == 1 else _nearest(matrix, make, scale)  # a linear kernel is the same for every γ
        classical = make(gamma)
        alignment = jackknife_estimate(
            centred_alignment(matrix, classical) * factor, leave_one_out_alignment(matrix, classical) * factor
        )
        found.append((TwinCandidate(_named(family, degree, gamma), family, gamma, degree, alignment), classical))
    return found


def _families(X: FloatArray) -> "list[tuple[Family, int | None, float, Callable[[float], FloatArray]]]":
    """Return each family: its kind, the degree, a typical γ, and its matrix for a γ."""
    squared, absolute, products = euclidean_distances(X, squared=True), manhattan_distances(X), X @ X.T

    def polynomial(degree: int) -> Callable[[float], FloatArray]:
        return lambda gamma: np.asarray((gamma * products + 1) ** degree)

    return [
        ("rbf", None, _typical(squared), lambda gamma: np.asarray(np.exp(-gamma * squared))),
        ("laplacian", None, _typical(absolute), lambda gamma: np.asarray(np.exp(-gamma * absolute))),
        *(("polynomial", degree, _typical(np.abs(products)), polynomial(degree)) for degree in (1, 2, 3)),
    ]


def _typical(values: FloatArray) -> float:
    """The inverse of the median of what is not 0."""
    return float(1 / np.median(values[values > 0]))


def _nearest(matrix: FloatArray, make: Callable[[float], FloatArray], scale: float) -> float:
    """Return the γ of the largest alignment: of a grid, then between the neighbours of its best."""

    def missed(logarithm: float) -> float:
        alignment = centred_alignment(matrix, make(scale * math.exp(logarithm)))
        return math.inf if math.isnan(alignment) else -alignment

    grid = math.log(10) * np.linspace(-_DECADES, _DECADES, _POINTS)
    values = [missed(float(one)) for one in grid]
    best = int(np.argmin(values))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, _POINTS - 1)]
    refined = minimize_scalar(missed, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(scale * math.exp(refined.x if refined.fun <= values[best] else grid[best]))


def _named(family: Family, degree: int | None, gamma: float) -> str:
    if degree == 1:
        return "linear"
    kind = {"rbf": "RBF", "laplacian": "Laplacian", "polynomial": f"polynomial, degree {degree}"}[family]
    return f"{kind}, γ = {gamma:.3g}"


def _noise(errors: FloatArray) -> float:
    """Return E‖E_c‖² of independent noise with these standard errors; see the formula above."""
    size, variances = len(errors), errors**2
    own = float(np.trace(variances))
    return (1 - 2 / size + 2 / size**2) * (float(variances.sum()) - own) + (1 - 1 / size) ** 2 * own


def _of_both_orders(errors: ArrayLike | None) -> FloatArray | None:
    """Return the errors of the mean of both orders of each pair, each of which was measured by itself."""
    if errors is None:
        return None
    own = np.asarray(errors, dtype=np.float64)
    both = np.sqrt(own**2 + own.T**2) / 2
    np.fill_diagonal(both, own.diagonal())
    return both


def _centred(a: FloatArray) -> FloatArray:
    return np.asarray(a - a.mean(axis=0) - a.mean(axis=1)[:, None] + a.mean())


def _raised(matrix: FloatArray) -> FloatArray:
    """A sampled matrix may have negative eigenvalues, which no kernel has: raise the diagonal by the smallest."""
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    return matrix if lowest >= 0 else matrix - lowest * np.eye(len(matrix))


def _asymmetry(matrix: FloatArray) -> float:
    return float(np.abs(matrix - matrix.T).max())


def _known(alignment: Estimate) -> str:
    return "not known" if math.isnan(alignment.value) else str(alignment)


def _signed(ahead: Estimate) -> str:
    return str(ahead).replace("-", "−")
