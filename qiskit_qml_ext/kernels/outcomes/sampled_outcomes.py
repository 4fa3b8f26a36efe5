"""Counted outcomes of pairs of samples as kernel matrices."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IntArray
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel
from qiskit_qml_ext.kernels.outcomes.counts import PairCounts
from qiskit_qml_ext.kernels.outcomes.keeping import split_distinct
from qiskit_qml_ext.kernels.outcomes.pair_outcomes import PairOutcomes
from qiskit_qml_ext.kernels.outcomes.read_pairs import ReadPairs, means_of_histograms
from qiskit_qml_ext.kernels.readings import Reading, ReadoutErrors, values_of
from qiskit_qml_ext.kernels.samples import DistinctPairs


@dataclass(frozen=True, eq=False)
class SampledOutcomes(PairOutcomes):
    """What shots gave for the pairs of a kernel matrix."""

    needed: DistinctPairs
    """The pairs."""
    counts: tuple[PairCounts, ...]
    """Their counts, in the first order and, if that ran too, in the other one."""
    same: PairCounts | None
    """The counts of samples against themselves; ``None`` where they did not run."""
    shots: int | None
    """The shots of a circuit, where nothing ran."""
    target: str
    """The name of the target that ran the circuits."""

    @property
    def marginals(self) -> FloatArray:
        """The share of shots in which each qubit read 1, shape (n, m, qubits), of the first order of each pair.

        Raises:
            ValueError: If only the Hamming weights were kept.
        """
        shares = _shares_of_ones(self.counts[0], self.num_qubits)
        itself = np.zeros((len(self.needed.same), self.num_qubits))
        if self.same is not None:
            itself = _shares_of_ones(self.same, self.num_qubits)
        return np.stack([self.needed.fill(shares[:, q], itself[:, q]) for q in range(self.num_qubits)], axis=-1)

    def raw(self, reading: Reading, *, both: bool, errors: ReadoutErrors | None = None) -> RawKernel:
        """Return the matrix of a reading with its errors.

        Args:
            reading: The reading.
            both: Whether it is the mean over both orders of each pair.
            errors: Readout errors that are undone.

        Raises:
            ValueError: If only one order ran, or so many shots say nothing once the errors are undone.
        """
        if both and len(self.counts) < 2:
            raise ValueError(
                f"The kernel {reading.name!r} of this feature map is the mean over both orders of each pair, U(y)†U(x) "
                "and U(x)†U(y), but only one order ran. A HammingKernel or BitFlipTolerantKernel with the same "
                "connection and shots runs the other one, and only that, unless the first one had adaptive shots, "
                "which they do not take: then both. orders='one' takes the order that ran as it is."
            )
        values = values_of(reading, self.num_qubits)
        orders = self.counts[: 1 + both]
        read = _read(orders[0], values, errors)
        if both:
            read = read.averaged_with(_read(orders[1], values, errors))
        itself = ReadPairs(np.full(len(self.needed.same), values[0]), np.zeros(len(self.needed.same)))
        if self.same is not None:
            itself = _read(self.same, values, errors)
        shots: IntArray = np.sum([one.shots for one in orders], axis=0)
        of_same = np.zeros(len(self.needed.same), dtype=np.int64) if self.same is None else self.same.shots
        behind = np.unique(np.concatenate([shots, of_same[of_same > 0]]))
        return RawKernel(
            self.needed.fill(read.means, itself.means),
            self.needed.fill(read.errors, itself.errors),
            int(behind[0]) if len(behind) else self.shots,
            self.target,
            outcomes=self,
            applied=() if errors is None else (str(errors),),
            entry_shots=None if len(behind) < 2 else self.needed.fill(shots, of_same).astype(np.int64),
        )


def _read(counts: PairCounts, values: FloatArray, errors: ReadoutErrors | None) -> ReadPairs:
    """Return means of a reading f(0), …, f(n), with readout errors undone."""
    if errors is None:
        return means_of_histograms(counts.histograms, values)
    errors.check_size(values, int(counts.shots.min(initial=np.iinfo(np.int64).max)))
    if errors.is_uniform:
        return means_of_histograms(counts.histograms, errors.corrected(values))
    if counts.kept is None or any(written.ndim == 1 for written in counts.kept):
        raise ValueError(
            "Readout errors of single qubits are undone in whole outcomes, which were not kept. Say keep='outcomes' "
            "before the first run, or give one rate for all qubits."
        )
    means, deviations = np.empty(len(counts.kept)), np.empty(len(counts.kept))
    for place, written in enumerate(counts.kept):
        bits, times = split_distinct(written)
        read = means_of_histograms(times[None], errors.corrected(values, bits[:, : len(values) - 1]))
        means[place], deviations[place] = read.means[0], read.errors[0]
    return ReadPairs(means, deviations)


def _shares_of_ones(counts: PairCounts, num_qubits: int) -> FloatArray:
    """Return the share of shots in which each qubit read 1, shape (pairs, qubits)."""
    if counts.kept is None:
        raise ValueError("The marginals of single qubits were not kept. Say keep='marginals' before the first run.")
    ones = np.zeros((len(counts.kept), num_qubits))
    for place, kept in enumerate(counts.kept):
        if kept.ndim == 1:
            ones[place] = kept
        else:
            bits, times = split_distinct(kept)
            ones[place] = times @ bits[:, :num_qubits]
    return ones / np.maximum(counts.shots, 1)[:, None]
