"""The inversion test with shots of its own for each pair, so that all entries are equally precise."""

from dataclasses import dataclass, replace

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.adaptive.even_allocation import EvenAllocation, entries_of_moments
from qiskit_qml_ext.kernels.adaptive.even_errors import EvenErrors
from qiskit_qml_ext.kernels.methods import Fidelities
from qiskit_qml_ext.kernels.methods.exact import few_exact_fidelities
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
        certain = sum(len(values) * size for size, values in work)
        plan = _with_expectation(plan, even, wanted, len(new), certain)
        return self._with_approximation(_split(plan, even, len(new), certain), wanted, test)

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


def _unpacked(even: EvenAllocation, new: int, certain: int) -> int:
    """Return the most executions if no copies of a circuit run side by side."""
    return new * (even.pilot + int(even.sizes[-1])) + certain


def _split(plan: RunPlan, even: EvenAllocation, new: int, certain: int) -> RunPlan:
    """Return a plan of pairs that all take the most shots, as if their jobs had different numbers of them.

    A job more for each number of shots; and, where copies run side by side, one circuit more, which is not full.
    """
    others = even.sizes[:-1][: max(new - 1, 0)]
    plan = replace(plan.with_jobs(plan.jobs + len(others)), standard_error=even.standard_error)
    if plan.executions == _unpacked(even, new, certain):
        return plan
    executions = plan.executions + int(even.sizes[:-1].sum()) * (new > 1)
    growth = executions / max(plan.executions, 1)
    return replace(
        plan,
        circuits=plan.circuits + len(others),
        executions=executions,
        seconds=plan.seconds_with(growth),
        cost=plan.cost_with(growth),
    )


def _with_expectation(plan: RunPlan, even: EvenAllocation, wanted: Fidelities, new: int, certain: int) -> RunPlan:
    """Return a plan with what is expected of the pairs whose pilot is not known.

    Args:
        plan: The most that it will be.
        even: How shots are given out.
        wanted: What is planned.
        new: How many pairs have no pilot yet.
        certain: Executions of the others, if no copies of a circuit run side by side.
    """
    share = plan.executions / max(_unpacked(even, new, certain), 1)
    sizes = even.sizes
    plan = plan.with_advice(
        f"These are the most: after a pilot of {even.pilot:,} shots each pair gets {sizes[0]:,} to {sizes[-1]:,} more, "
        f"as its entry needs for a root mean square error of at most {even.standard_error:.2g}, that of "
        f"{even.uniform:,} uniform shots at worst."
    )
    entries = few_exact_fidelities(wanted) if wanted.moments is None else entries_of_moments(*wanted.moments)
    moments = moments_of(entries) if wanted.moments is None else wanted.moments
    if moments is None:
        return plan
    intact = 1.0 if plan.error_free is None else plan.error_free
    expected = share * (certain + new * even.expected_shots(intact * entries))
    plan = replace(plan, expected_executions=expected)
    where = "" if plan.error_free is None else ", if each of the reported errors leaves nothing of the signal"
    return plan.with_advice(
        f"About {expected:,.0f} executions are expected{where}; {new:,} pairs with uniform shots take "
        f"{share * new * even.uniform:,.0f}.",
        spread_in_words(moments[1]),
    )
