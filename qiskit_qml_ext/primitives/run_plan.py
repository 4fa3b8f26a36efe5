"""What a piece of work will take, before anything runs; and budgets that refuse more."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.checks import optional_whole_number, real_number
from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives.estimates import error_free_fraction, seconds_per_shot, two_qubit_gates
from qiskit_qml_ext.primitives.forks import Lock


@dataclass(frozen=True)
class RunPlan:
    """What a piece of work will take on a target."""

    target: str
    """The target's name."""
    circuits: int
    """Circuits with their parameter values."""
    shots: int
    """Shots of every circuit; the largest number if they differ."""
    executions: int
    """Circuits times shots."""
    jobs: int
    """Jobs, from the limit on executions."""
    in_journal: int
    """Circuits that the journal knows already: they are done or submitted and are not run again."""
    two_qubit_gates: int
    """Two-qubit gates of the largest circuit after transpilation."""
    depth: int
    """Depth of the deepest circuit after transpilation."""
    seconds: float | None
    """Estimated processor time of what is not in the journal; ``None`` where no durations are known."""
    cost: float | None
    """Estimated cost, if a price was given."""
    standard_error: float
    """The largest standard error of a probability, 1/(2√shots)."""
    error_free: float | None
    """The estimated fraction of shots without an error, of the worst circuit; ``None`` if unknown."""
    advice: tuple[str, ...] = ()
    """Sentences on what stands in the way and what helps."""

    def summary(self) -> str:
        """Say it in words."""
        lines = [
            f"{self.circuits:,} circuits with {self.shots:,} shots each on {self.target}: {self.executions:,} "
            f"executions in {self.jobs:,} job{'s' * (self.jobs != 1)}.",
            f"After transpilation: {self.two_qubit_gates:,} two-qubit gates, depth {self.depth:,}.",
        ]
        if self.in_journal:
            lines.append(f"Of these, {self.in_journal:,} circuits are in the journal and are not run again.")
        if self.seconds is not None:
            cost = "" if self.cost is None else f", cost about {self.cost:,.2f}"
            lines.append(f"Estimated processor time: {self.seconds:,.1f} s{cost}.")
        lines.append(f"Standard error of a probability: at most {self.standard_error:.2g}.")
        if self.error_free is not None:
            lines.append(f"By the reported errors, {100 * self.error_free:.2g} % of the shots are free of errors.")
        return "\n".join([*lines, *self.advice])

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dictionary."""
        return {**asdict(self), "advice": list(self.advice)}

    def packed(self, copies: int) -> "RunPlan":
        """Return the plan of packed circuits: each copy counts by its own errors."""
        error_free = None if self.error_free is None else self.error_free ** (1 / copies)
        return replace(self, error_free=error_free).with_advice(f"Up to {copies} copies run side by side in a circuit.")

    def with_advice(self, *sentences: str) -> "RunPlan":
        """Return the plan with more advice."""
        return replace(self, advice=(*self.advice, *sentences))


@dataclass
class Budget:
    """What may be spent through a connection; more is refused before anything is submitted.

    Threads that share a budget do not exceed it together. A pickled copy, in another process, counts on its own from
    what was approved before.
    """

    max_executions: int | None = None
    """The largest number of circuits times shots, over all that is run."""
    max_cost: float | None = None
    """The largest estimated cost; needs ``price_per_minute``."""
    price_per_minute: float | None = None
    """The price of a minute of processor time."""
    executions: int = 0
    """What was approved so far."""
    cost: float = 0.0
    """The cost of what was approved so far."""

    def __post_init__(self) -> None:
        optional_whole_number("max_executions", self.max_executions)
        for name in ("max_cost", "price_per_minute"):
            value = getattr(self, name)
            if value is not None:
                real_number(name, value, minimum=0.0)
        if self.max_cost is not None and self.price_per_minute is None:
            raise ValueError("max_cost needs price_per_minute, the price of a minute of processor time.")
        self._lock = Lock()

    def approve(self, executions: int, seconds: float | None) -> None:
        """Note work that is about to be submitted.

        Raises:
            BudgetExceededError: If it goes beyond the budget; nothing of it is submitted.
        """
        with self._lock:  # nobody else may count between the look and the note
            self._approve(executions, seconds)

    def _approve(self, executions: int, seconds: float | None) -> None:
        total = self.executions + executions
        if self.max_executions is not None and total > self.max_executions:
            raise BudgetExceededError(
                f"This needs {executions:,} executions, {total:,} together with those before, but max_executions is "
                f"{self.max_executions:,}. Nothing was submitted. Use fewer samples or shots, or raise the limit."
            )
        cost = self.cost
        if self.max_cost is not None and self.price_per_minute is not None and executions:
            if seconds is None:
                raise BudgetExceededError(
                    "The target reports no durations, so its cost is not known and max_cost cannot be kept. Use "
                    "max_executions."
                )
            cost += seconds / 60 * self.price_per_minute
            if cost > self.max_cost:
                raise BudgetExceededError(
                    f"This would bring the estimated cost to {cost:,.2f}, but max_cost is {self.max_cost:,.2f}. "
                    "Nothing was submitted. Use fewer samples or shots, or raise the limit."
                )
        self.executions, self.cost = total, cost


def plan_pubs(
    pubs: Sequence[SamplerPub],
    *,
    target: str,
    backend: Any,
    in_journal: Sequence[int],
    max_executions: int,
    price_per_minute: float | None,
) -> RunPlan:
    """Plan PUBs of ISA circuits.

    Args:
        pubs: The PUBs.
        target: The target's name.
        backend: The device, for its reported errors and durations; ``None`` for others.
        in_journal: How many circuits of each PUB the journal knows.
        max_executions: The largest number of circuits times shots in a job.
        price_per_minute: The price of a minute of processor time.
    """
    executions = sum(pub.size * pub.shots for pub in pubs)
    fractions, seconds = [], 0.0
    known = backend is not None
    for pub, done in zip(pubs, in_journal, strict=True):
        per_shot = None if backend is None else seconds_per_shot(pub.circuit, backend)
        known = known and per_shot is not None
        seconds += (per_shot or 0.0) * (pub.size - done) * pub.shots
        fraction = None if backend is None else error_free_fraction(pub.circuit, backend.target)
        if fraction is not None:
            fractions.append(fraction)
    shots = max((pub.shots for pub in pubs), default=0)
    return RunPlan(
        target=target,
        circuits=sum(pub.size for pub in pubs),
        shots=shots,
        executions=executions,
        jobs=_num_jobs(pubs, max_executions),
        in_journal=sum(in_journal),
        two_qubit_gates=max((two_qubit_gates(pub.circuit) for pub in pubs), default=0),
        depth=max((pub.circuit.depth() for pub in pubs), default=0),
        seconds=seconds if known else None,
        cost=seconds / 60 * price_per_minute if known and price_per_minute is not None else None,
        standard_error=0.5 / math.sqrt(max(1, min((pub.shots for pub in pubs), default=1))),
        error_free=min(fractions, default=None),
        advice=_split_advice(shots, max_executions),
    )


def _num_jobs(pubs: Sequence[SamplerPub], max_executions: int) -> int:
    """Count the jobs of PUBs that are cut at the limit; PUBs with the same shots share jobs.

    A circuit whose shots alone exceed the limit takes several jobs.
    """
    jobs = 0
    for shots in {pub.shots for pub in pubs}:
        circuits = sum(pub.size for pub in pubs if pub.shots == shots)
        per_job = max_executions // shots
        jobs += -(-circuits // per_job) if per_job else circuits * -(-shots // max_executions)
    return jobs


def _split_advice(shots: int, max_executions: int) -> tuple[str, ...]:
    if shots <= max_executions:
        return ()
    return (
        f"One circuit takes {shots:,} shots, but a job holds at most {max_executions:,} executions: split the shots of "
        f"each circuit over {-(-shots // max_executions):,} jobs and add up the counts.",
    )
