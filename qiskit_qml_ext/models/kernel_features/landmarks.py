"""Rules by which landmarks are chosen among samples, with O(N·m) entries of the kernel at the most."""

import math
from typing import Protocol

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.checks import wrong_kind, wrong_value
from qiskit_qml_ext.models.kernel_features.kernel_entries import KernelEntries
from qiskit_qml_ext.models.kernel_features.leverage_scores import ridge_of_tail, scores_from_columns


class LandmarkRule(Protocol):
    """Chooses landmarks; any callable of this form will do."""

    def __call__(
        self, kernel: KernelEntries, X: FloatArray, num_landmarks: int, rng: np.random.RandomState, /
    ) -> IndexArray:
        """Return the rows of ``num_landmarks`` different samples.

        Args:
            kernel: The kernel's entries: ``block(X, Y)``, ``square(X)``, ``diagonal(X, at_once=…)``.
            X: Samples, shape (n, features).
            num_landmarks: How many, at most n.
            rng: The source of randomness.
        """


def uniform(kernel: KernelEntries, X: FloatArray, num_landmarks: int, rng: np.random.RandomState) -> IndexArray:
    """Choose any samples alike, as scikit-learn's ``Nystroem`` does and with its draws; no entry of the kernel."""
    chosen: IndexArray = rng.permutation(len(X))[:num_landmarks]
    return chosen


def kmeans_plus_plus(
    kernel: KernelEntries, X: FloatArray, num_landmarks: int, rng: np.random.RandomState
) -> IndexArray:
    """Choose each landmark with a probability that grows as its squared distance from the nearest one before it.

    The distance is that of the kernel, k(x, x) + k(y, y) - 2 k(x, y). The candidates are √(2Nm) of the samples, drawn
    alike, or all where these are no more: so many that their matrix, which is found at once and needs no waiting from
    one landmark to the next, has N·m entries in its half.

    Oglic and Gärtner, ICML 2017 (abstract read): kernel k-means++ samples as landmarks.
    """
    pool = rng.permutation(len(X))[: max(num_landmarks, math.isqrt(2 * len(X) * num_landmarks))]
    if len(pool) == num_landmarks:
        return pool
    matrix, _ = kernel.square(X[pool])
    diagonal = np.diagonal(matrix)
    chosen = [int(rng.randint(len(pool)))]
    nearest = np.full(len(pool), np.inf)
    while len(chosen) < num_landmarks:
        last = chosen[-1]
        distances = diagonal + diagonal[last] - matrix[:, last] - matrix[last]
        nearest = np.minimum(nearest, np.maximum(distances, 0.0))
        nearest[last] = 0.0
        chosen.append(_drawn(nearest, chosen, rng))
    return pool[chosen]


def _drawn(weights: FloatArray, taken: list[int], rng: np.random.RandomState) -> int:
    """Draw a place by its weight; any that is not taken where no weight is left, as among equal samples."""
    total = weights.sum()
    if total > 0:
        return int(rng.choice(len(weights), p=weights / total))
    return int(rng.choice(np.setdiff1d(np.arange(len(weights)), taken)))


def by_leverage(kernel: KernelEntries, X: FloatArray, num_landmarks: int, rng: np.random.RandomState) -> IndexArray:
    """Choose landmarks by their ridge leverage scores, which recursive sampling approximates.

    Half of the samples, half of these and so on are drawn alike, until as few are left as landmarks are wanted. From
    there back up, the columns that the last level chose approximate the scores of the next larger one, and the scores
    choose its columns. A level of n samples takes about n·m entries, all of them together 2N·m. The ridge follows from
    the spectrum, so that m columns are enough for it.

    Musco and Musco, arXiv:1605.07583, Algorithm 3; the constants are those of the authors' code.
    """
    number = len(X)
    if num_landmarks >= number:
        return rng.permutation(number)
    oversampling = max(math.log(num_landmarks), 1.0)
    rank = math.ceil(num_landmarks / (4 * oversampling))
    order = rng.permutation(number)
    sizes = [number]
    while sizes[-1] > num_landmarks:
        sizes.append(math.ceil(sizes[-1] / 2))
    diagonal = kernel.diagonal(X, at_once=num_landmarks)
    places = np.arange(sizes.pop())  # among ``order``
    weights = np.ones(len(places))
    for size in reversed(sizes):
        rows = order[:size]
        columns = kernel.block(X[rows], X[order[places]])
        core = columns[places]
        ridge = ridge_of_tail(core, weights, rank)
        scores = scores_from_columns(diagonal[rows], columns, core, weights, ridge)
        if size == number:
            break
        chances = np.minimum(1.0, oversampling * scores)
        places = np.flatnonzero(rng.random_sample(size) < chances)
        if not len(places):  # hardly ever
            chances = np.full(size, min(1.0, num_landmarks / size))
            places = rng.permutation(size)[:num_landmarks]
        weights = 1 / np.sqrt(chances[places])
    return order[_without_replacement(scores, num_landmarks, rng)]


def _without_replacement(scores: FloatArray, number: int, rng: np.random.RandomState) -> IndexArray:
    """Draw different places by their scores; those without any are drawn last."""
    weights = scores + 1e-12 * max(float(scores.max()), 1e-12)
    places: IndexArray = rng.choice(len(scores), number, replace=False, p=weights / weights.sum())
    return places


LANDMARKS: dict[str, LandmarkRule] = {
    "uniform": uniform,
    "kmeans++": kmeans_plus_plus,
    "leverage": by_leverage,
}
"""The rules by name."""


def rule_named(landmarks: object) -> LandmarkRule:
    """Return the rule of a name, or a rule of the user's own.

    Raises:
        ValueError: If the name is not known.
        TypeError: If it is neither a name nor a callable.
    """
    known = ", ".join(map(repr, LANDMARKS))
    if isinstance(landmarks, str):
        if landmarks not in LANDMARKS:
            raise wrong_value("landmarks", f"one of {known}, or a rule of your own", landmarks)
        return LANDMARKS[landmarks]
    if not callable(landmarks) or isinstance(landmarks, type):
        raise wrong_kind("landmarks", f"one of {known}, or a rule of your own", landmarks)
    return landmarks


def checked_choice(chosen: object, num_landmarks: int, num_samples: int) -> IndexArray:
    """Return what a rule chose as rows.

    Raises:
        ValueError: If they are not so many different rows of the samples.
    """
    rows = np.asarray(chosen)
    valid = rows.ndim == 1 and rows.dtype.kind in "iu" and len(np.unique(rows)) == num_landmarks == len(rows)
    if not valid or rows.min() < 0 or rows.max() >= num_samples:
        raise ValueError(
            f"The rule for landmarks must return {num_landmarks} different rows of the {num_samples} samples, but it "
            f"returned {chosen!r}."
        )
    return rows.astype(np.intp)
