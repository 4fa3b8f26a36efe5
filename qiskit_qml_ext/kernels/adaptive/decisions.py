"""A support vector machine whose kernel is measured until its decisions stand: in training, and for new samples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from sklearn.svm import SVC

from qiskit_qml_ext.arrays import AnyArray, BoolArray, FloatArray, IndexArray
from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.kernels.adaptive.adaptive_shots import AdaptiveShots
from qiskit_qml_ext.kernels.adaptive.effects import Fold, effects
from qiskit_qml_ext.kernels.adaptive.pair_counts import PairCounts
from qiskit_qml_ext.kernels.samples import DistinctPairs

_FOLDS = 5  # of which one is decided by a machine of the others
_DRAWS = 16  # of the noise, at each look
_SMOOTH = 0.25  # of the margin, which is 1
_FLOOR = 0.25  # of the mean effect, which every pair has at least
_TINY = 1e-12  # the error of an exact decision


@dataclass(frozen=True, eq=False)
class Trained:
    """A machine, its matrix, and how far its decisions stand."""

    machine: SVC
    """Fitted on :attr:`matrix`."""
    matrix: FloatArray
    """The training matrix, shape (n, n)."""
    error: float
    """The standard error that the noise of the matrix leaves in a decision value, the median over the samples."""
    changes: float
    """The share of decisions that the noise is expected to change, that of the new samples' own entries included."""
    reason: str
    """Why no more was measured: ``"settled"``, ``"rounds"`` (there may be no more), ``"limit"`` (every pair that
    matters has the most that it may have) or ``"budget"``."""


@dataclass(frozen=True, eq=False)
class Decided:
    """Decision values of new samples, and how far they stand."""

    values: FloatArray
    """The decision values, shape (samples,)."""
    errors: FloatArray
    """Their standard errors by the noise of their own entries, shape (samples,)."""
    settled: BoolArray
    """Whether each is settled as far as its own entries go, shape (samples,)."""
    reason: str
    """Why no more was measured; see :class:`Trained`."""


def train(
    needed: DistinctPairs,
    counts: PairCounts,
    make: Callable[[], SVC],
    labels: AnyArray,
    settings: AdaptiveShots,
    rng: np.random.Generator,
) -> Trained:
    """Measure a training matrix until the noise in it changes hardly any decision.

    What the noise does is tried out: it is drawn again, as large as the counts say it is, and the machine is fitted
    anew. So no linear model of the machine is needed, and a set of support vectors that is not stable shows. Samples
    are decided by machines that were fitted without them.

    Args:
        needed: The distinct samples and their pairs.
        counts: Of these pairs.
        make: Makes a machine of a precomputed kernel that is not fitted.
        labels: The labels of all samples, two different ones.
        settings: How shots are given out, and when there are enough.
        rng: Draws noise.
    """
    counts.pilot()
    few, reason = 1 - settings.agreement, "rounds"
    folds = _folds(labels)
    for _ in range(settings.max_rounds):
        matrix = needed.fill(counts.values, np.ones(len(needed.same)))
        tried = [_tried(needed, counts, make, labels, folds, rng) for _draw in range(_DRAWS)]
        values = np.zeros(len(labels))
        for fold in folds:
            values[fold.left_out] = _decided(matrix, matrix, make, labels, fold)[0]
        errors = np.sqrt(np.mean([(drawn - values) ** 2 for drawn, _ in tried], axis=0))
        changes = expected_changes(values, np.sqrt(2) * errors)  # a new sample's own entries are as noisy
        if changes <= few:
            reason = "settled"
            break
        weights = np.sqrt(np.sum([effect for _, effect in tried], axis=0))
        weights += _FLOOR * weights.mean()  # a set of support vectors that is wrong shows only where one looks
        stop = _spent(counts, settings.growth * float(counts.shots.sum()), weights)
        if stop is not None:
            reason = stop
            break
    matrix = needed.fill(counts.values, np.ones(len(needed.same)))  # with what the last round brought
    machine = make().fit(matrix, labels)
    return Trained(machine, matrix, float(np.median(errors)), changes, reason)


def expected_changes(values: FloatArray, errors: FloatArray) -> float:
    """Return the share of decisions that noise is expected to change, the mean of Φ(-|f|/σ).

    A handful of samples need not have one near zero, though their distribution goes through it: so each stands for
    decision values up to a quarter of the margin away from its own, and one sample at zero is added to them, with the
    median error. Without it a set that happens to have few samples near zero stops too early, and one with many too
    late, which does not make up for it: of a number N of samples near zero with the mean λ, E λ/N is above 1, and
    E λ/(N + 1) = 1 - exp(-λ) is not.
    """
    places, deviations = np.append(values, 0.0), np.maximum(np.append(errors, np.median(errors)), _TINY)
    upper, lower = (_tail_up_to(places + end, deviations) for end in (_SMOOTH, -_SMOOTH))
    return float(np.sum(upper - lower) / (2 * _SMOOTH * len(values)))


def _tail_up_to(ends: FloatArray, deviations: FloatArray) -> FloatArray:
    """Return the integral of Φ(-|f|/σ) over f from 0 to each end, negative for negative ends."""
    sizes = np.abs(ends) / deviations
    areas = sizes * ndtr(-sizes) - np.expm1(-(sizes**2) / 2) / np.sqrt(2 * np.pi)
    integrals: FloatArray = np.sign(ends) * deviations * areas
    return integrals


def _tried(
    needed: DistinctPairs,
    counts: PairCounts,
    make: Callable[[], SVC],
    labels: AnyArray,
    folds: list[Fold],
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Draw the noise anew, and return the decision values and the squared effect of each pair on those near zero."""
    deviations = np.sqrt(counts.variances)
    drawn_values = np.clip(counts.values + rng.normal(size=len(deviations)) * deviations, 0.0, 1.0)
    ones = np.ones(len(needed.same))
    drawn, rows = needed.fill(drawn_values, ones), needed.fill(counts.values, ones)
    noise = needed.fill(deviations, 0 * ones)
    values, effect = np.zeros(len(labels)), np.zeros(len(needed.pairs))
    for fold in folds:
        values[fold.left_out], machine = _decided(drawn, rows, make, labels, fold)
        found = effects(machine, drawn, fold, values[fold.left_out], noise)
        effect += found.of_pairs(needed)
    return values, effect


def _decided(
    matrix: FloatArray, rows: FloatArray, make: Callable[[], SVC], labels: AnyArray, fold: Fold
) -> tuple[FloatArray, SVC]:
    """Return the decision values of the samples that are left out by a machine of the others, and the machine."""
    machine = make().fit(matrix[np.ix_(fold.fitted, fold.fitted)], labels[fold.fitted])
    return machine.decision_function(rows[np.ix_(fold.left_out, fold.fitted)]), machine


def _folds(labels: AnyArray) -> list[Fold]:
    """Cut the samples into folds that have both labels in their rest, by their order; one fold where they are few."""
    place = np.empty(len(labels), dtype=np.intp)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        place[own] = np.arange(len(own))
    if min(np.count_nonzero(labels == label) for label in np.unique(labels)) < 2:
        every = np.arange(len(labels))
        return [Fold(every, every)]
    return [
        Fold(np.flatnonzero(place % _FOLDS != fold), np.flatnonzero(place % _FOLDS == fold))
        for fold in range(_FOLDS)
        if (place % _FOLDS == fold).any()
    ]


def decide(
    trained: Trained, place: IndexArray, counts: PairCounts, exact: FloatArray, settings: AdaptiveShots
) -> Decided:
    """Measure the kernel of new samples against the support vectors until their decisions stand.

    A sample ends when it is settled, or when the noise of its own entries is as small as that which the
    training left.

    Args:
        trained: The machine.
        place: For each training sample, its place among the distinct ones.
        counts: Of the pairs of new samples and distinct support vectors, row by row.
        exact: Entries that need no shots, NaN elsewhere, shape (samples, distinct support vectors).
        settings: How shots are given out, and when there are enough.
    """
    machine, shape = trained.machine, exact.shape
    vectors, where = np.unique(place[machine.support_], return_inverse=True)
    coefficients = np.zeros(len(vectors))
    np.add.at(coefficients, where, machine.dual_coef_[0])
    sampled = np.isnan(exact)
    matters = sampled & (coefficients != 0)
    counts.run(np.where(matters, settings.pilot, 0).ravel())
    rows = np.repeat(np.arange(shape[0]), shape[1])  # one sample's shots do not depend on the others
    settled, reason = np.zeros(shape[0], dtype=bool), "rounds"
    for look in range(1, settings.max_rounds + 1):
        values, errors = _row_decisions(counts, exact, coefficients, float(machine.intercept_[0]))
        settled |= np.abs(values) >= settings.errors_to_settle(look) * errors
        left = ~(settled | (errors <= trained.error))
        if not left.any():
            reason = "settled"
            break
        weights = np.where(matters & left[:, None], np.abs(coefficients), 0.0)
        of_row = np.where(weights > 0, counts.shots.reshape(shape), 0).sum(axis=1)
        stop = _spent(counts, settings.growth * of_row, weights.ravel(), rows)
        if stop is not None:
            reason = stop
            break
    values, errors = _row_decisions(counts, exact, coefficients, float(machine.intercept_[0]))
    return Decided(values, errors, settled, reason)


def _row_decisions(
    counts: PairCounts, exact: FloatArray, coefficients: FloatArray, intercept: float
) -> tuple[FloatArray, FloatArray]:
    """Return the decision values of new samples by what was measured so far, and their standard errors."""
    sampled = np.isnan(exact)
    entries = np.where(sampled, counts.values.reshape(exact.shape), exact)
    variances = np.where(sampled, counts.variances.reshape(exact.shape), 0.0)
    return entries @ coefficients + intercept, np.sqrt(variances @ coefficients**2)


def _spent(
    counts: PairCounts, shots: float | FloatArray, weights: FloatArray, groups: IndexArray | None = None
) -> str | None:
    """Run a round, and return why there was none."""
    try:
        return None if counts.spend(shots, weights, groups) else "limit"
    except BudgetExceededError:  # what was run before it stays, and is used
        return "budget"
