"""Which kernel predicts these labels best? Kernel matrices on the same samples, in cross-validation on the same folds.

Each kernel is used by ridge regression on the labels (on one column of ±1 for each class; the largest prediction wins).
The ridge is chosen inside each training set by leave-one-out errors, which have a closed form: with K = V diag(w) Vᵀ
the residual of sample i without itself is (y - Hy)_i/(1 - H_ii), H = V diag(w/(w + λ)) Vᵀ. So no test sample takes part
in any choice, and equal rows of data stay in one fold.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IndexArray
from qiskit_qml_ext.checks import check_arguments
from qiskit_qml_ext.diagnostics.kernels.model_complexity import as_labels, is_class, label_columns, scaled
from qiskit_qml_ext.diagnostics.results.result import Estimate, Result
from qiskit_qml_ext.diagnostics.subject.samples import sample_groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Ranking = Literal["nothing_learned", "classical_scores_as_well", "scores_alike", "quantum_scores_higher"]
"""No kernel is clearly better than a guess; a classical one has the highest score, or the same; the quantum one has it,
but within twice its error; the quantum one is ahead by more."""

FEWEST_SAMPLES = 10
"""Fewer samples than this say nothing about which kernel predicts better."""
_RIDGES = (1e-6, 1e-4, 1e-2, 0.1, 1.0, 10.0)  # relative to Tr K = n
_LEARNED = 3.0  # standard errors above a guess, for the best of a dozen kernels: false alarms about 1 %
_AHEAD = 2.0  # standard errors of a difference
_PERFECT = 1e-12  # a hat matrix this near to 1 leaves no error to divide by


@dataclass(frozen=True)
class KernelScore:
    """How well one kernel predicts."""

    name: str
    """The kernel."""
    score: float
    """The accuracy, or R² for values, over all test samples."""
    ahead: Estimate
    """How much higher the quantum kernel scores; exactly 0 for itself. Its error is that of the mean over samples."""


@dataclass(frozen=True, repr=False)
class KernelScores(Result):
    """Kernels in cross-validation, from :func:`kernel_scores`."""

    quantum: KernelScore
    """The quantum kernel."""
    classical: tuple[KernelScore, ...]
    """The classical kernels, the best first."""
    guess: Estimate
    """The score of a guess that does not look at the data: the most frequent class, or the mean; with the standard
    error of a score of this size."""
    scoring: Literal["accuracy", "R²"]
    """What is scored."""
    num_samples: int
    """The number of samples."""
    folds: int
    """The number of folds."""
    losses: Mapping[str, FloatArray] = field(repr=False)
    """The loss of each test sample by the kernel's name, shape (n,): 1 for a wrong class, or the squared error over the
    variance of the labels."""
    guess_losses: FloatArray = field(repr=False)
    """The same for the guess."""

    @property
    def best(self) -> KernelScore:
        """The classical kernel with the highest score."""
        return self.classical[0]

    @property
    def learned(self) -> Estimate:
        """How much higher the best kernel scores than the guess.

        For classes its error is the binomial one of the guess, for values that of the differences of squared errors,
        paired over samples: good predictions leave little of the scatter that the labels themselves have.
        """
        top = max((self.quantum, *self.classical), key=lambda one: one.score)
        if self.scoring == "accuracy":
            value, error = top.score - self.guess.value, self.guess.standard_error
            return Estimate(value, error, value - _AHEAD * error, value + _AHEAD * error, "binomial error of the guess")
        return _ahead(self.losses[top.name], self.guess_losses)

    @property
    def ranking(self) -> Ranking:
        """What the scores say, as a code; see :data:`Ranking`."""
        learned = self.learned
        if learned.value <= 0 or learned.value < _LEARNED * learned.standard_error:
            return "nothing_learned"
        ahead = self.best.ahead
        if ahead.value <= 0:
            return "classical_scores_as_well"
        return "quantum_scores_higher" if ahead.value > _AHEAD * ahead.standard_error else "scores_alike"

    def headline(self) -> str:
        """Return the scores in one sentence."""
        scores = (
            f"the quantum kernel scores {self.quantum.score:.3f}, the best of {len(self.classical)} classical kernels "
            f"{self.best.score:.3f} ({self.best.name}), a guess {self.guess.value:.3f}"
        )
        return f"On the same {self.folds} folds of {self.num_samples} samples {scores} ({self.scoring})."

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the score of each kernel, the best first."""
        ranked = sorted((self.quantum, *self.classical), key=lambda one: -one.score)
        rows = [(one.name, f"{one.score:.3f}", self._meaning(one)) for one in ranked]
        return [*rows, ("A guess", f"{self.guess.value:.3f}", f"the best kernel minus this: {self.learned}")]

    def _meaning(self, one: KernelScore) -> str:
        return "" if one is self.quantum else f"quantum minus this: {one.ahead}".replace("-", "−")

    def records(self) -> list[dict[str, object]]:
        """Return the score of each kernel, the best first, and how far the quantum kernel is ahead of it."""
        ranked = sorted((self.quantum, *self.classical), key=lambda one: -one.score)
        return [
            {"kernel": one.name, "is_quantum": one is self.quantum, "score": one.score, "ahead": one.ahead}
            for one in ranked
        ]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the score of each kernel, and that of a guess."""
        from qiskit_qml_ext.diagnostics.results.axes import BLUE, RED, new_axes

        axes = new_axes(ax)
        ranked = sorted((self.quantum, *self.classical), key=lambda one: -one.score)
        axes.barh([one.name for one in ranked], [one.score for one in ranked], color=BLUE)
        axes.axvline(self.guess.value, color=RED, label="a guess")
        axes.invert_yaxis()
        axes.set(xlabel=self.scoring)
        axes.legend(frameon=False)
        return axes


@check_arguments()
def kernel_scores(
    quantum: ArrayLike,
    classical: Mapping[str, ArrayLike],
    y: ArrayLike,
    *,
    X: ArrayLike | None = None,
    folds: int = 5,
    seed: int | None = 0,
) -> KernelScores:
    """Score kernel matrices by cross-validated ridge regression on the same folds.

    Args:
        quantum: The quantum kernel matrix, shape (n, n), positive semidefinite up to rounding.
        classical: Other kernel matrices, by name, at least one.
        y: Labels, shape (n,): text and up to 20 different whole numbers are names of classes, other numbers are values.
        X: The data; equal rows of it stay in one fold. None if all samples differ.
        folds: The number of folds.
        seed: Seed of the folds.

    Returns:
        The scores. The best of many classical kernels scores a little too high, as the best of many always does; for a
        verdict compare tuned models with :func:`~qiskit_qml_ext.evaluation.evaluate`.

    Raises:
        ValueError: If there are fewer than 10 different samples, the labels are all equal, or an argument does not fit.

    Examples:
        >>> import numpy as np
        >>> from qiskit_qml_ext.diagnostics import kernel_scores
        >>> x = np.linspace(-1, 1, 40)
        >>> scores = kernel_scores(np.eye(40), {"linear": np.outer(x, x)}, np.sign(x).astype(int))
        >>> scores.ranking, scores.best.score
        ('classical_scores_as_well', 1.0)
    """
    matrices = {name: scaled(name, matrix) for name, matrix in {_NAME: quantum, **classical}.items()}
    labels = as_labels(y)
    size = len(matrices[_NAME])
    if not classical or _NAME in classical:
        raise ValueError(f"classical must name at least one kernel, and none of them {_NAME!r}.")
    for name, matrix in matrices.items():
        if len(matrix) != size:
            raise ValueError(f"The kernel {name!r} has {len(matrix)} samples but the quantum one {size}.")
    if labels.shape != (size,):
        raise ValueError(f"y must have the shape ({size},) for the kernels, but has {labels.shape}.")
    groups = _groups(X, size)
    if reason := _why_none(labels, groups):
        raise ValueError(reason)
    columns, by_class = label_columns(labels), is_class(labels)
    tests = _folds(labels if by_class else None, groups, folds, seed)
    losses = {name: _losses(matrix, columns, by_class, tests) for name, matrix in matrices.items()}
    scored = {
        name: KernelScore(name, 1 - float(loss.mean()), _ahead(losses[_NAME], loss)) for name, loss in losses.items()
    }
    return KernelScores(
        quantum=scored.pop(_NAME),
        classical=tuple(sorted(scored.values(), key=lambda one: -one.score)),
        guess=_guess(labels, by_class, size),
        scoring="accuracy" if by_class else "R²",
        num_samples=size,
        folds=len(tests),
        losses=losses,
        guess_losses=_guess_losses(labels, columns, by_class),
    )


_NAME = "Quantum kernel"


def why_no_scores(y: ArrayLike, X: ArrayLike | None = None) -> str | None:
    """Say why :func:`kernel_scores` does not take these labels and samples; None if it does."""
    labels = as_labels(y)
    return _why_none(labels, _groups(X, len(labels)))


def _why_none(labels: AnyArray, groups: IndexArray) -> str | None:
    columns = label_columns(labels)
    if np.all(columns == columns[0]):
        return "All labels are equal, so there is nothing to predict."
    number = int(groups.max()) + 1
    if number < FEWEST_SAMPLES:
        return f"Cross-validation takes at least {FEWEST_SAMPLES} different samples, but {number} came."
    return None


def _groups(X: ArrayLike | None, size: int) -> IndexArray:
    """The number of the different sample that each row is; without data all are different."""
    if X is None:
        return np.arange(size)
    rows = np.asarray(X, dtype=np.float64)
    if len(rows) != size:
        raise ValueError(f"X must have {size} rows for the kernels, but has {len(rows)}.")
    return sample_groups(rows)


def _folds(classes: AnyArray | None, group: IndexArray, folds: int, seed: int | None) -> list[IndexArray]:
    """Deal the groups of equal rows out to the folds, class by class, in random order; return the test samples."""
    number = int(group.max()) + 1
    if not 2 <= folds <= number:
        raise ValueError(f"folds must be a number from 2 to the {number} different samples, but {folds!r} came.")
    order = np.random.default_rng(seed).permutation(number)
    if classes is not None:
        first = np.unique(group, return_index=True)[1]  # a sample of each group
        code = np.unique(classes, return_inverse=True)[1].reshape(-1)[first]
        order = order[np.argsort(code[order], kind="stable")]
    fold = np.empty(number, dtype=np.intp)
    fold[order] = np.arange(number) % folds
    return [np.flatnonzero(fold[group] == one) for one in range(folds)]


def _losses(matrix: FloatArray, columns: FloatArray, by_class: bool, tests: list[IndexArray]) -> FloatArray:
    """The loss of each sample while it is a test sample."""
    predicted = np.empty_like(columns)
    for test in tests:
        train = np.setdiff1d(np.arange(len(columns)), test)
        predicted[test] = _predict(matrix[np.ix_(train, train)], matrix[np.ix_(test, train)], columns[train])
    if not by_class:
        return np.asarray(((columns - predicted) ** 2 / columns.var())[:, 0])
    if columns.shape[1] == 1:
        return np.asarray((predicted[:, 0] > 0) != (columns[:, 0] > 0), dtype=np.float64)
    return np.asarray(predicted.argmax(axis=1) != columns.argmax(axis=1), dtype=np.float64)


def _predict(inner: FloatArray, cross: FloatArray, columns: FloatArray) -> FloatArray:
    """Predict by ridge regression, with the ridge that has the smallest leave-one-out error."""
    middle = columns.mean(axis=0)
    values, vectors = np.linalg.eigh(inner)
    values = np.maximum(values, 0.0)
    turned = vectors.T @ (columns - middle)
    best, weights = math.inf, turned
    for ridge in _RIDGES:
        shrink = values / (values + ridge)
        left = np.maximum(1 - (vectors**2) @ shrink, _PERFECT)
        error = float(np.mean(((columns - middle - vectors @ (shrink[:, None] * turned)) / left[:, None]) ** 2))
        if error < best:
            best, weights = error, turned / (values + ridge)[:, None]
    return np.asarray(middle + cross @ (vectors @ weights))


def _ahead(mine: FloatArray, theirs: FloatArray) -> Estimate:
    """How much higher the first scores: the mean difference of the losses, paired by samples."""
    difference = theirs - mine
    error = float(difference.std(ddof=1)) / math.sqrt(len(difference))
    value = float(difference.mean())
    return Estimate(value, error, value - _AHEAD * error, value + _AHEAD * error, "paired over samples, ± 2 errors")


def _guess_losses(labels: AnyArray, columns: FloatArray, by_class: bool) -> FloatArray:
    """The losses of the most frequent class, or of the mean, on all samples."""
    if not by_class:
        return np.asarray(((columns - columns.mean()) ** 2 / columns.var())[:, 0])
    names, counts = np.unique(labels, return_counts=True)
    return np.asarray(labels != names[counts.argmax()], dtype=np.float64)


def _guess(labels: AnyArray, by_class: bool, size: int) -> Estimate:
    if by_class:
        share = float(np.unique(labels, return_counts=True)[1].max() / size)
        error = math.sqrt(share * (1 - share) / size)
    else:
        share, error = 0.0, math.sqrt(2 / size)  # of a squared error of normal labels over their variance
    return Estimate(share, error, share - _AHEAD * error, share + _AHEAD * error, "binomial" if by_class else "normal")
