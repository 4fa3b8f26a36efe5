"""Several plans as one."""

from collections.abc import Sequence

from qiskit_qml_ext.primitives import RunPlan


def added(plans: Sequence[RunPlan]) -> RunPlan:
    """Return the plan of all of some work, none of which is done twice.

    Args:
        plans: At least one plan.
    """
    seconds = [plan.seconds for plan in plans if plan.seconds is not None]
    costs = [plan.cost for plan in plans if plan.cost is not None]
    return RunPlan(
        target=" and ".join(dict.fromkeys(plan.target for plan in plans)),
        circuits=sum(plan.circuits for plan in plans),
        shots=max(plan.shots for plan in plans),
        executions=sum(plan.executions for plan in plans),
        jobs=sum(plan.jobs for plan in plans),
        in_journal=sum(plan.in_journal for plan in plans),
        two_qubit_gates=max(plan.two_qubit_gates for plan in plans),
        depth=max(plan.depth for plan in plans),
        seconds=sum(seconds) if len(seconds) == len(plans) else None,
        cost=sum(costs) if len(costs) == len(plans) else None,
        standard_error=max(plan.standard_error for plan in plans),
        error_free=min((plan.error_free for plan in plans if plan.error_free is not None), default=None),
        advice=tuple(dict.fromkeys(sentence for plan in plans for sentence in plan.advice)),
    )
