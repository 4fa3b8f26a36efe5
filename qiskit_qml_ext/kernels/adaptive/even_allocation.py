"""How many shots a pair gets after its pilot, so that no entry is less precise than the worst under uniform shots."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom

from qiskit_qml_ext.arrays import FloatArray, IntArray

_ROUNDING = 1e-9  # 4.000000000000001 shots are not called 5
_QUANTILES = 64  # of a distribution of entries of which mean and variance are known


@dataclass(frozen=True)
class EvenAllocation:
    """Numbers of shots; what they promise stands at :class:`~qiskit_qml_ext.kernels.EvenErrors`."""

    uniform: int
    """S, the uniform shots that would leave the worst entry with the promised error."""
    pilot: int
    """n, the shots of the pilot of each pair."""

    @property
    def standard_error(self) -> float:
        """The root mean square error that no entry exceeds."""
        return 0.5 / math.sqrt(self.uniform)

    @property
    def sizes(self) -> IntArray:
        """The numbers of shots that a pair may get after its pilot, ascending; none of them is the pilot's.

        With a seed, a circuit that runs twice with one number of shots gives the same twice.
        """
        fewest, most = self._needed(np.array([0, self.pilot // 2])).tolist()
        steps = math.ceil(2 * math.log2(most / fewest) - _ROUNDING)
        sizes = np.ceil(np.geomspace(fewest, most, steps + 1) * (1 - _ROUNDING)).astype(np.int64)
        different: IntArray = np.unique(sizes + (sizes == self.pilot))
        return different

    def sizes_after(self, zeros: IntArray) -> IntArray:
        """Return the shots of each pair after its pilot.

        Args:
            zeros: How often each read all zeros in its pilot, shape (pairs,).
        """
        sizes = self.sizes
        chosen: IntArray = sizes[np.searchsorted(sizes, self._needed(zeros) * (1 - 2 * _ROUNDING))]
        return chosen

    def expected_shots(self, entries: FloatArray) -> float:
        """Return the mean number of shots of a pair, pilot included, over pairs of these exact entries."""
        return float(self.pilot + np.mean(self._chances(entries) @ self.sizes))

    def expected_executions(self, entries: FloatArray, pairs: int, copies: int) -> float:
        """Return the mean number of executions of pairs, pilots included, where several pairs share a circuit.

        Only pairs with the same number of shots do, so that a circuit of each number is not full.

        Args:
            entries: Exact entries: of each pair, or of some that stand for all.
            pairs: How many pairs there are.
            copies: The most pairs of a circuit.
        """
        if copies == 1:
            return pairs * self.expected_shots(entries)
        circuits = [_expected_circuits(chances, pairs, copies) for chances in self._chances(entries).T]
        return float(self.pilot * -(-pairs // copies) + self.sizes @ np.array(circuits))

    def _chances(self, entries: FloatArray) -> FloatArray:
        """Return the chance of each number of shots after the pilot, for each exact entry, shape (entries, sizes)."""
        zeros, sizes = np.arange(self.pilot + 1), self.sizes
        places = np.searchsorted(sizes, self.sizes_after(zeros))
        pilots = (binom.pmf(zeros, self.pilot, entry) for entry in np.clip(entries, 0.0, 1.0).tolist())
        return np.array([np.bincount(places, chances, len(sizes)) for chances in pilots])

    def _needed(self, zeros: IntArray) -> FloatArray:
        """Return r(h) of each h."""
        left = (zeros + 1.0) * (self.pilot - zeros + 1.0)
        needed: FloatArray = 4.0 * self.uniform * left / ((self.pilot + 1) * (self.pilot + 2))
        return needed


def _expected_circuits(chances: FloatArray, pairs: int, copies: int) -> float:
    """Return the mean number of circuits of one number of shots.

    Args:
        chances: The chance of it, of each pair or of some that stand for all.
        pairs: How many pairs there are.
        copies: The most pairs of a circuit.
    """
    if len(chances) == pairs:
        distribution = np.ones(1)
        for chance in chances.tolist():
            distribution = np.convolve(distribution, [1 - chance, chance])
    else:
        distribution = binom.pmf(np.arange(pairs + 1), pairs, chances.mean())
    return float(distribution @ -(-np.arange(pairs + 1) // copies))


def entries_of_moments(mean: float, variance: float) -> FloatArray:
    """Return entries between 0 and 1 that have about a mean and a variance: quantiles of a beta distribution."""
    mean = min(max(mean, 0.0), 1.0)
    most = mean * (1 - mean)
    if variance <= 0:
        return np.full(_QUANTILES, mean)
    if variance >= most:  # all at the ends
        return (np.arange(_QUANTILES) < mean * _QUANTILES).astype(np.float64)
    total = most / variance - 1
    places = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return np.asarray(beta.ppf(places, mean * total, (1 - mean) * total))
