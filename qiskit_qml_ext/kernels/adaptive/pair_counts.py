"""What was measured of each pair of samples, and which shots come next."""

from collections.abc import Callable

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.adaptive.adaptive_shots import AdaptiveShots

Measure = Callable[[IndexArray, int], IntArray]
"""Runs pairs, by their numbers, with so many shots each, and returns how often each read all zeros."""


_LEAST = 4  # shots of a run
_TINY = 1e-300  # of a sum of importances, all of which are zero then


class PairCounts:
    """Counts of pairs that grow from round to round.

    Args:
        number: How many pairs there are.
        measure: Runs some of them as one job, or as few as the connection's limits allow.
        settings: How shots are given out.
    """

    def __init__(self, number: int, measure: Measure, settings: AdaptiveShots):
        self._measure = measure
        self._settings = settings
        self.zeros = np.zeros(number, dtype=np.int64)
        self.shots = np.zeros(number, dtype=np.int64)
        self._ran = np.zeros(number, dtype=np.int64)  # a bit for each number of shots that a pair was run with

    @property
    def values(self) -> FloatArray:
        """The fidelity of each pair as a fraction of its shots; 0 without shots."""
        values: FloatArray = self.zeros / np.maximum(self.shots, 1)
        return values

    @property
    def spreads(self) -> FloatArray:
        """The standard deviation √(k(1-k)) of one shot of each pair, by Laplace's rule."""
        p = (self.zeros + 1) / (self.shots + 2)
        spreads: FloatArray = np.sqrt(p * (1 - p))
        return spreads

    @property
    def variances(self) -> FloatArray:
        """The variance of each value; that of one shot where there are none."""
        variances: FloatArray = self.spreads**2 / np.maximum(self.shots, 1)
        return variances

    def pilot(self) -> None:
        """Run all pairs with the shots of the pilot."""
        self.run(np.full(len(self.shots), self._settings.pilot, dtype=np.int64))

    def spend(self, shots: float | FloatArray, weights: FloatArray, groups: IndexArray | None = None) -> int:
        """Run a round of about so many shots.

        Args:
            shots: How many, over all pairs of a group, shape (groups,).
            weights: The effect of each pair on what is to be known, as a standard deviation of one unit of the entry.
            groups: The group of each pair; what one group gets does not depend on the others. One group by default.

        Returns:
            How many were run; 0 if the weights are zero or every pair that matters has the most that it may have.
        """
        group = np.zeros(len(weights), dtype=np.intp) if groups is None else groups
        budget = np.atleast_1d(np.asarray(shots, dtype=np.float64))
        importance = weights * self.spreads

        def of_group(values: FloatArray) -> FloatArray:
            """Return the sum over the group of each pair."""
            sums: FloatArray = np.bincount(group, values.astype(np.float64), minlength=len(budget)).astype(np.float64)
            return sums[group]

        share = importance / np.maximum(of_group(importance), _TINY)
        total = budget[group] + of_group(np.where(importance > 0, self.shots, 0.0))
        lacking = np.where(importance > 0, np.maximum(total * share - self.shots, 0.0), 0.0)
        # some have more than their share already: the others' lack is more than there is to spend
        lacking *= np.minimum(1.0, budget[group] / np.maximum(of_group(lacking), 1.0))
        sizes = self._free_sizes(np.where(lacking >= _LEAST, lacking, 0.0))
        for number in np.setdiff1d(group[importance > 0], group[sizes > 0]):
            urgent = np.where(group == number, importance, 0.0) / np.sqrt(np.maximum(self.shots, 1))
            sizes += self._least_sizes(urgent, float(budget[number]))
        self.run(sizes)
        return int(sizes.sum())

    def _least_sizes(self, urgent: FloatArray, shots: float) -> IntArray:
        """Return small numbers of shots for the most urgent pairs, where all shares are less than one may have."""
        free = self._free_sizes(np.where(urgent > 0, float(_LEAST), 0.0))
        order = np.argsort(np.where(free > 0, -urgent, np.inf), kind="stable")
        chosen = order[: min(max(1, int(shots // _LEAST)), int(np.count_nonzero(free)))]
        sizes = np.zeros_like(free)
        sizes[chosen] = free[chosen]
        return sizes

    def _free_sizes(self, wanted: FloatArray) -> IntArray:
        """Return for each pair the power of two nearest to what is wanted that it has not run yet, or 0."""
        powers = 2 ** np.arange(_LEAST.bit_length() - 1, self._settings.max_shots_per_pair.bit_length())
        distance = np.abs(np.log2(powers)[None] - np.log2(np.maximum(wanted, 1.0))[:, None])
        distance[(self._ran[:, None] & powers[None]) != 0] = np.inf
        nearest = np.argmin(distance, axis=1)
        possible = (wanted > 0) & np.isfinite(distance[np.arange(len(wanted)), nearest])
        sizes: IntArray = np.where(possible, powers[nearest], 0)
        return sizes

    def run(self, sizes: IntArray) -> None:
        """Run each pair with so many shots more, a power of two that it has not run yet, or 0.

        One job for each number of shots; with a seed, a number that a pair had before would draw the same again.
        """
        for size in np.unique(sizes[sizes > 0]).tolist():
            pairs = np.flatnonzero(sizes == size)
            self.zeros[pairs] += self._measure(pairs, size)
            self.shots[pairs] += size
            self._ran[pairs] |= size
