"""Limits on processor time that hold over all jobs of a journal: those that ended, and those on their way."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from qiskit import QuantumCircuit

from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives.pricing.circuit_price import CircuitPrice
from qiskit_qml_ext.primitives.pricing.job_time import JobTime
from qiskit_qml_ext.primitives.pricing.quota import InstanceUsage, Quota


@dataclass(frozen=True)
class Spent:
    """Processor time of the jobs of a journal."""

    used_seconds: float = 0.0
    """What jobs took by the service's own account."""
    reserved_seconds: float = 0.0
    """What others are predicted to take: those that wait or run, and those of which the service has not said it."""
    num_reserved: int = 0
    """How many these others are."""

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.used_seconds + self.reserved_seconds


@dataclass(frozen=True)
class TimeLimit:
    """A limit on the processor time of all jobs of a journal together."""

    max_seconds: float
    """The limit in seconds."""
    words: str
    """What the limit is, for a sentence that goes on from "but"."""
    window_seconds: float = math.inf
    """Which jobs count: those of the last so many seconds."""
    counts_used: bool = True
    """Whether jobs count whose time the service has said; ``False`` for a limit from which it took them already."""

    def room(self, spent: Spent, wanted: float | None) -> str:
        """Say what is left, and whether it is enough.

        Args:
            spent: What counts.
            wanted: What more jobs are predicted to take, in seconds; ``None`` if that is not known.
        """
        taken = spent.seconds if self.counts_used else spent.reserved_seconds
        left = max(0.0, self.max_seconds - taken)
        jobs = "jobs of this journal took or will take" if self.counts_used else "jobs of this journal will still take"
        short = (
            ". That is not enough for all of this: a run stops there with what is finished, and a larger limit goes on"
        )
        is_short = wanted is not None and wanted > left
        return f"Limit: {self.words}; {jobs} {taken:,.1f} s of it, {left:,.1f} s are left{short if is_short else ''}."

    def refuse(self, spent: Spent, wanted: float) -> None:
        """Raise if another job goes beyond the limit.

        Args:
            spent: What counts.
            wanted: What the job is predicted to take, in seconds.

        Raises:
            BudgetExceededError: If it does.
        """
        used = spent.used_seconds if self.counts_used else 0.0
        total = used + spent.reserved_seconds + wanted
        if total <= self.max_seconds:
            return
        parts = [f"{used:,.1f} s that finished jobs of this journal took"] if used else []
        if spent.num_reserved:
            jobs = "job" if spent.num_reserved == 1 else "jobs"
            reserved = f"{spent.reserved_seconds:,.1f} s reserved for {spent.num_reserved:,} {jobs}"
            parts.append(f"{reserved} whose time is not known yet")
        with_others = f", {total:,.1f} s together with {' and '.join(parts)}" if parts else ""
        raise BudgetExceededError(
            f"The next job is predicted to take {wanted:,.1f} s of processor time{with_others}, but {self.words}. It "
            "was not submitted. What is finished is in the journal: raise the limit and run the same again, and only "
            "the rest is run."
        )


@dataclass(frozen=True)
class Spending:
    """How the time of a journal's jobs is predicted, and what limits it."""

    price: Callable[[QuantumCircuit], CircuitPrice] | None = None
    """Says what a circuit takes; ``None`` where nothing is known."""
    documented: JobTime = field(default_factory=JobTime)
    """What jobs take where none is known."""
    limits: tuple[TimeLimit, ...] = ()
    """Limits on all jobs together."""
    quota: Quota | None = None
    """What the account may use, if it was named."""
    asks_service: bool = False
    """Whether the service is asked before each job how much is left."""

    @property
    def is_limited(self) -> bool:
        """Whether anything limits the time of jobs."""
        return bool(self.limits) or self.quota is not None or self.asks_service

    def limits_now(self, usage: InstanceUsage | None) -> tuple[TimeLimit, ...]:
        """Return all limits on the jobs together.

        Args:
            usage: What the service says is left, if it was asked.
        """
        limits = list(self.limits)
        if self.quota is not None:
            limits.append(TimeLimit(self.quota.max_seconds, str(self.quota), self.quota.window_seconds))
        if usage is not None and usage.remaining_seconds is not None:
            limits.append(TimeLimit(usage.remaining_seconds, str(usage), counts_used=False))
        return tuple(limits)

    def refuse_job(self, wanted: float | None) -> None:
        """Raise if a job cannot run whatever else does.

        Args:
            wanted: What it is predicted to take, in seconds; ``None`` if that is not known.

        Raises:
            BudgetExceededError: If its time is limited and not known, or longer than a job may take.
        """
        if wanted is None:
            raise BudgetExceededError(
                "The target reports no durations, so the processor time of a job is not known, and neither "
                "max_qpu_seconds nor max_cost nor a quota can be kept. Nothing was submitted. Use max_executions."
            )
        if self.quota is not None and wanted > self.quota.max_job_seconds:
            raise BudgetExceededError(
                f"A job is predicted to take {wanted:,.0f} s of processor time, but a job of the {self.quota.name} may "
                f"take {self.quota.max_job_seconds:,.0f} s. It was not submitted: use a smaller max_executions_per_job."
            )
