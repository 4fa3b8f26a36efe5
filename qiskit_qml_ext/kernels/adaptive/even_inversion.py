"""The inversion test with shots of its own for each pair, so that all entries are equally precise."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.adaptive.even_allocation import EvenAllocation, entries_of_moments
from qiskit_qml_ext.kernels.adaptive.even_errors import EvenErrors
from qiskit_qml_ext.kernels.adaptive.even_work import EvenWork
from qiskit_qml_ext.kernels.methods import Fidelities
from qiskit_qml_ext.kernels.methods.exact import few_exact_entries
from qiskit_qml_ext.kernels.methods.inversion_circuit import InversionTest
from qiskit_qml_ext.kernels.methods.inversion_test import (
    InversionTestCounts,
    inversion_test_of,
    pairs_to_run,
    wants_both,
)
from qiskit_qml_ext.kernels.outcomes import OutcomeCounts, PairCounts
from qiskit_qml_ext.kernels.outcomes.counts import Kept
from qiskit_qml_ext.kernels.plan import moments_of, spread_in_words
from qiskit_qml_ext.primitives import RunPlan
from qiskit_qml_ext.primitives.connection.shared_results import planned_apart
from qiskit_qml_ext.primitives.connection.views import copies_side_by_side


@dataclass(frozen=True)
class EvenInversionTest(InversionTestCounts):
    """Fidelities by the inversion test, with a pilot of each pair and then as many shots as its entry needs."""

    settings: EvenErrors
    """How shots are given out."""

    def _counted(
        self, wanted: Fidelities, test: InversionTest, keep: str, samples: FloatArray, pairs: IndexArray
    ) -> list[PairCounts]:
        """Run the pilot, then each pair with its number of shots, one job a number; the pilot is not counted."""
        even = self._even(wanted)
        sizes = even.sizes_after(self._pilot(even, wanted, test, samples, pairs))
        groups, parts = [np.flatnonzero(sizes == size) for size in np.unique(sizes)], []
        for group in groups:
            counts = OutcomeCounts(wanted.connection, test, keep=keep, shots=int(sizes[group[0]]))
            parts.append(counts.of(samples, pairs[group], both=wants_both(wanted, test), run=wanted.may_run))
        orders = min((len(part) for part in parts), default=1)  # the other order may be known of some only
        return [_joined(groups, [part[order] for part in parts], test.num_qubits) for order in range(orders)]

    def plan(self, wanted: Fidelities, *, shots: int | None = None, price_per_minute: float | None = None) -> RunPlan:
        """Say what the pairs that are not known yet will take: at the most, and about.

        Args:
            wanted: The fidelities.
            shots: The uniform shots that leave the worst entry with the promised error; by default as set.
            price_per_minute: The price of a minute of processor time.
        """
        chosen = self if shots is None else replace(self, settings=replace(self.settings, shots=shots))
        even, test = chosen._even(wanted), inversion_test_of(wanted.connection, wanted.encoding)
        needed = wanted.pairs()
        pairs = pairs_to_run(needed, wanted.run_diagonal)
        pilot = OutcomeCounts(wanted.connection, test, shots=even.pilot)
        with planned_apart():
            known = pilot.known(needed.samples, pairs)
        work = self._known_work(even, wanted, test, needed.samples, pairs[known])
        new = pilot.missing(needed.samples, pairs)
        most = int(even.sizes[-1])
        pubs = [(test.circuit, new, even.pilot), (test.circuit, new, most)] if len(new) or not work else []
        pubs += [(test.circuit, values, size) for size, values in work]
        plan = wanted.connection.plan(pubs, price_per_minute=price_per_minute)
        side_by_side = partial(copies_side_by_side, wanted.connection, test.circuit)
        certain = sum(size * -(-len(values) // side_by_side(len(values))) for size, values in work)
        left = EvenWork(even, len(new), side_by_side(len(new)), certain)
        different, entries = _entries(wanted, needed.samples, pairs[~known])
        plan = left.about(left.at_most(plan), entries)
        moments = moments_of(different) if wanted.moments is None else wanted.moments
        plan = plan if moments is None else plan.with_advice(spread_in_words(moments[1]))
        return self._with_approximation(plan, wanted, test)

    def _even(self, wanted: Fidelities) -> EvenAllocation:
        """Return how shots are given out, refused before anything runs where a circuit takes more than a job may."""
        even = self.settings.with_shots_of(wanted.connection.shots)
        most, limit = max(int(even.sizes[-1]), even.pilot), wanted.connection.max_executions_per_job
        if most > limit:
            raise ValueError(
                f"One circuit may take {most:,} shots, but a job has at most {limit:,} executions. Take fewer shots "
                "or raise max_executions_per_job."
            )
        return even

    def _pilot(
        self, even: EvenAllocation, wanted: Fidelities, test: InversionTest, samples: FloatArray, pairs: IndexArray
    ) -> IntArray:
        """Return how often each pair reads all zeros in its pilot, shape (pairs,)."""
        counts = OutcomeCounts(wanted.connection, test, shots=even.pilot)
        zeros: IntArray = counts.of(samples, pairs, run=wanted.may_run)[0].histograms[:, 0]
        return zeros

    def _known_work(
        self, even: EvenAllocation, wanted: Fidelities, test: InversionTest, samples: FloatArray, pairs: IndexArray
    ) -> list[tuple[int, FloatArray]]:
        """Return each number of shots with the values of the pairs that will run so often, of known pilots."""
        if not len(pairs):
            return []
        sizes = even.sizes_after(self._pilot(even, replace(wanted, may_run=False), test, samples, pairs))
        work = []
        for size in np.unique(sizes).tolist():
            counts = OutcomeCounts(wanted.connection, test, shots=size)
            work.append((size, counts.missing(samples, pairs[sizes == size])))
        return [(size, values) for size, values in work if len(values)] or work[:1]


def _joined(groups: list[IndexArray], parts: list[PairCounts], num_qubits: int) -> PairCounts:
    """Return the counts of all pairs in their own order, from those of groups of them."""
    number = sum(map(len, groups))
    histograms = np.zeros((number, num_qubits + 1), dtype=np.int64)
    kept: dict[int, Kept] = {}
    for group, part in zip(groups, parts, strict=True):
        histograms[group] = part.histograms
        kept |= dict(zip(group.tolist(), part.kept or (), strict=part.kept is not None))
    return PairCounts(histograms, [kept[place] for place in range(number)] if kept else None)


def _entries(wanted: Fidelities, samples: FloatArray, pairs: IndexArray) -> tuple[FloatArray, FloatArray]:
    """Return exact entries that stand for those of pairs whose pilot is not known; none where they are not known.

    Args:
        wanted: What is planned.
        samples: Shape (d, features).
        pairs: Rows of ``samples``, shape (p, 2); samples with themselves among them.

    Returns:
        The entries of different samples alone, and with them as many ones as samples with themselves take.
    """
    different = pairs[pairs[:, 0] != pairs[:, 1]]
    if wanted.moments is not None:
        entries = entries_of_moments(*wanted.moments)
    else:
        entries = few_exact_entries(wanted.encoding, samples, different)
    num_same = len(pairs) - len(different)
    if not len(different):
        return entries, np.ones(num_same)
    return entries, np.concatenate([entries, np.ones(round(num_same * len(entries) / len(different)))])
