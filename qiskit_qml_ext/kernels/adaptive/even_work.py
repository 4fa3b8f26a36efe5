"""What pairs with shots of their own take: at the most, and about."""

from dataclasses import dataclass, replace

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.adaptive.even_allocation import EvenAllocation
from qiskit_qml_ext.primitives import RunPlan


@dataclass(frozen=True)
class EvenWork:
    """Pairs that are to run, each with a pilot and then as many shots as its entry needs."""

    even: EvenAllocation
    """How shots are given out."""
    new: int
    """How many pairs have no pilot yet."""
    copies: int
    """How many of them run side by side in a circuit."""
    certain: int
    """Executions of the other pairs, whose pilots are known."""

    def at_most(self, plan: RunPlan) -> RunPlan:
        """Return a plan of pairs that all take the most shots, as if their jobs had different numbers of them.

        A job more for each number of shots; and, where copies run side by side, one circuit more, which is not full.
        """
        even, sizes = self.even, self.even.sizes
        others = len(sizes[:-1][: max(self.new - 1, 0)])
        plan = replace(plan.with_jobs(plan.jobs + others), standard_error=even.standard_error)
        if self.copies > 1:
            executions = plan.executions + int(sizes[:-1].sum())
            growth = executions / plan.executions
            plan = replace(
                plan,
                circuits=plan.circuits + others,
                executions=executions,
                seconds=plan.seconds_with(growth),
                cost=plan.cost_with(growth),
            )
        return plan.with_advice(
            f"These are the most: after a pilot of {even.pilot:,} shots each pair gets {sizes[0]:,} to {sizes[-1]:,} "
            f"more, as its entry needs for a root mean square error of at most {even.standard_error:.2g}, that of "
            f"{even.uniform:,} uniform shots at worst."
        )

    def about(self, plan: RunPlan, entries: FloatArray) -> RunPlan:
        """Return a plan with what is expected.

        Args:
            plan: The plan of the most.
            entries: Exact entries that stand for those of new pairs; none where they are not known.
        """
        uniform = -(-self.new // self.copies) * self.even.uniform
        plan, dearer = replace(plan, uniform_executions=self.certain + uniform), ""
        if entries.size or not self.new:
            intact = 1.0 if plan.error_free is None else plan.error_free
            of_new = self.even.expected_executions(intact * entries, self.new, self.copies) if self.new else 0.0
            plan = replace(plan, expected_executions=self.certain + of_new)
            dearer = ": here uniform shots, shots=None or a number, take less" * (of_new > uniform)
        return plan if self.copies == 1 else plan.with_advice(f"{_NOT_FULL}{dearer}.")


_NOT_FULL = "Only pairs with the same number of shots run side by side, so that circuits are not full"
