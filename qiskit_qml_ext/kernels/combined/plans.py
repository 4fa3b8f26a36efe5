"""Several plans as one."""

from collections.abc import Sequence
from dataclasses import replace

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.abilities import PlansRuns
from qiskit_qml_ext.kernels.combined.leaves import may_run_circuits, quantum_leaves
from qiskit_qml_ext.primitives import RunPlan
from qiskit_qml_ext.primitives.connection.shared_results import planned_together


def plans_of(
    kernels: Sequence[tuple[str, object]],
    x: FloatArray,
    y: FloatArray | None,
    *,
    shots: int | None,
    price_per_minute: float | None,
    entries: tuple[float, float] | None,
) -> list[RunPlan]:
    """Return the plans of the kernels that run circuits; what one of them runs is not in the plans of the next ones.

    Advice that is not that of all has the name of its kernel.

    Raises:
        ValueError: If a kernel may run circuits and cannot say which.
    """
    planning = [(name, planner) for name, kernel in kernels for planner in _planners(name, kernel, x.shape[1])]
    with planned_together():
        plans = [one.plan(x, y, shots=shots, price_per_minute=price_per_minute, entries=entries) for _, one in planning]
    of_all = set.intersection(*(set(plan.advice) for plan in plans)) if plans else set()
    return [
        replace(plan, advice=tuple(said if said in of_all else f"{name}: {said}" for said in plan.advice))
        for (name, _), plan in zip(planning, plans, strict=True)
    ]


def _planners(name: str, kernel: object, num_features: int) -> list[PlansRuns]:
    """Return what plans a kernel: itself, or the kernels inside of it; nothing where no circuits run."""
    leaves = [leaf for leaf in quantum_leaves(kernel) if may_run_circuits(leaf, num_features)]
    if leaves and isinstance(kernel, PlansRuns):
        return [kernel]
    planning = [leaf for leaf in leaves if isinstance(leaf, PlansRuns)]
    unable = next((leaf for leaf in leaves if not isinstance(leaf, PlansRuns)), None)
    if unable is not None:
        raise ValueError(
            f"The kernel {name!r} ({type(unable).__name__}) may run circuits, but it cannot say what they take, so "
            "that the plan would say too little. Plan the other kernels without it."
        )
    return planning


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
        expected_executions=_expected(plans),
        uniform_executions=(
            sum(plan.executions if plan.uniform_executions is None else plan.uniform_executions for plan in plans)
            if any(plan.uniform_executions is not None for plan in plans)
            else None
        ),
        advice=tuple(dict.fromkeys(sentence for plan in plans for sentence in plan.advice)),
        overhead_seconds=sum(plan.overhead_seconds for plan in plans) if len(seconds) == len(plans) else 0.0,
        job_time=plans[0].job_time if len({plan.job_time for plan in plans}) == 1 else None,
    )


def _expected(plans: Sequence[RunPlan]) -> float | None:
    """Return the executions that are expected of all, ``None`` where all are fixed, or some are not known."""
    differing = [plan for plan in plans if plan.uniform_executions is not None]
    if not differing or any(plan.expected_executions is None for plan in differing):
        return None
    return sum(plan.executions if plan.expected_executions is None else plan.expected_executions for plan in plans)
