"""What a piece of work will take, before anything runs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.pricing.circuit_price import CircuitPrice
from qiskit_qml_ext.primitives.pricing.job_time import JobTime


@dataclass(frozen=True)
class RunPlan:
    """What a piece of work will take on a target."""

    target: str
    """The target's name."""
    circuits: int
    """Circuits with their parameter values."""
    shots: int
    """Shots that every circuit gets, which with twirling may be more than are asked for; the largest number if they
    differ."""
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
    expected_executions: float | None = None
    """The executions that are expected where their number follows from what is measured, which is not known before;
    ``executions``, ``jobs``, ``seconds`` and ``cost`` are then the most. ``None`` where it is fixed, or not known."""
    overhead_seconds: float = 0.0
    """The part of ``seconds`` that jobs take however few circuits they hold."""
    job_time: JobTime | None = None
    """On what ``seconds`` rests: documented numbers, or finished jobs and how far off they were predicted; ``None``
    where it rests on several of these."""
    uniform_executions: int | None = None
    """The executions of uniform shots that leave the worst probability with the same error, where circuits get shots of
    their own; ``None`` where shots are uniform."""

    def summary(self) -> str:
        """Say it in words."""
        differ = self.executions != self.circuits * self.shots
        lines = [
            f"{self.circuits:,} circuits with {'up to ' * differ}{self.shots:,} shots each on {self.target}: "
            f"{self.executions:,} executions in {self.jobs:,} job{'s' * (self.jobs != 1)}.",
            f"After transpilation: {self.two_qubit_gates:,} two-qubit gates, depth {self.depth:,}.",
        ]
        if self.in_journal:
            lines.append(f"Of these, {self.in_journal:,} circuits were submitted before and are not run again.")
        if self.seconds is not None:
            cost = "" if self.cost is None else f", cost about {self.cost:,.2f}"
            lines.append(f"Estimated processor time: {self.seconds:,.1f} s{cost}.{self._basis()}")
            lines += [] if self.job_time is None else [line for line in [self.job_time.queue()] if line]
        lines.append(f"Standard error of a probability: at most {self.standard_error:.2g}.")
        if self.error_free is not None:
            lines.append(f"By the reported errors, {100 * self.error_free:.2g} % of the shots are free of errors.")
        if self.expected_executions is not None and self.uniform_executions is not None:
            where = "" if self.error_free is None else ", if each of the reported errors leaves nothing of the signal"
            lines.append(
                f"About {self.expected_executions:,.0f} executions are expected{where}; uniform shots take "
                f"{self.uniform_executions:,}."
            )
        return "\n".join([*lines, *self.advice])

    def _basis(self) -> str:
        return "" if self.job_time is None or not self.seconds else f" {self.job_time.basis()}"

    def seconds_with(self, factor: float) -> float | None:
        """Return the processor time with so many times as many shots in the same jobs; ``None`` if it is not known."""
        if self.seconds is None:
            return None
        return self.overhead_seconds + factor * (self.seconds - self.overhead_seconds)

    def cost_with(self, factor: float) -> float | None:
        """Return the cost with so many times as many shots in the same jobs; ``None`` if it is not known."""
        seconds = self.seconds_with(factor)
        if self.cost is None or seconds is None:
            return None
        return self.cost * seconds / self.seconds if self.seconds else self.cost

    def with_jobs(self, jobs: int) -> "RunPlan":
        """Return the plan of the same circuits in another number of jobs."""
        if self.seconds is None or self.job_time is None or not self.circuits:
            return replace(self, jobs=jobs)
        left = math.ceil(jobs * (self.circuits - self.in_journal) / self.circuits)
        overhead = self.job_time.seconds(0.0, left)
        seconds = self.seconds - self.overhead_seconds + overhead
        cost = self.cost * seconds / self.seconds if self.cost is not None and self.seconds else self.cost
        return replace(self, jobs=jobs, seconds=seconds, cost=cost, overhead_seconds=overhead)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dictionary."""
        return {**asdict(self), "advice": list(self.advice)}

    def of_known_work(self) -> "RunPlan":
        """Return the plan of the same circuits where everything is known, so that nothing is run."""
        seconds = None if self.seconds is None else 0.0
        cost = None if self.cost is None else 0.0
        expected = None if self.expected_executions is None else 0.0
        uniform = None if self.uniform_executions is None else 0
        nothing = replace(self, circuits=0, executions=0, jobs=0, in_journal=0, overhead_seconds=0.0)
        return replace(nothing, seconds=seconds, cost=cost, expected_executions=expected, uniform_executions=uniform)

    def packed(self, copies: int) -> "RunPlan":
        """Return the plan of packed circuits: each copy counts by its own errors."""
        error_free = None if self.error_free is None else self.error_free ** (1 / copies)
        return replace(self, error_free=error_free).with_advice(f"Up to {copies} copies run side by side in a circuit.")

    def with_advice(self, *sentences: str) -> "RunPlan":
        """Return the plan with more advice."""
        return replace(self, advice=(*self.advice, *sentences))


def plan_pubs(
    pubs: Sequence[SamplerPub],
    *,
    target: str,
    price: Callable[[QuantumCircuit], CircuitPrice],
    in_journal: Sequence[int],
    max_executions: int,
    price_per_minute: float | None,
    job_time: JobTime | None = None,
    shots_run: Callable[[int], int] = int,
) -> RunPlan:
    """Plan PUBs of ISA circuits.

    Args:
        pubs: The PUBs.
        target: The target's name.
        price: Says what a circuit takes there.
        in_journal: How many circuits of each PUB the journal knows.
        max_executions: The largest number of circuits times shots in a job.
        price_per_minute: The price of a minute of processor time.
        job_time: What jobs take; by default what their circuits take by the device's report.
        shots_run: Says how many shots circuits get where so many are asked for; by default as many.
    """
    pubs = [SamplerPub(pub.circuit, pub.parameter_values, shots_run(pub.shots)) for pub in pubs]
    prices, job_time = [price(pub.circuit) for pub in pubs], job_time or JobTime()
    circuit_seconds = _circuit_seconds(pubs, prices, in_journal)
    left = [(pub.size - number, pub.shots) for pub, number in zip(pubs, in_journal, strict=True)]
    overhead = job_time.seconds(0.0, _num_jobs([part for part in left if part[0]], max_executions))
    seconds = None if circuit_seconds is None else overhead + job_time.factor * circuit_seconds
    shots = max((pub.shots for pub in pubs), default=0)
    return RunPlan(
        target=target,
        circuits=sum(pub.size for pub in pubs),
        shots=shots,
        executions=sum(pub.size * pub.shots for pub in pubs),
        jobs=_num_jobs([(pub.size, pub.shots) for pub in pubs], max_executions),
        in_journal=sum(in_journal),
        two_qubit_gates=max((one.two_qubit_gates for one in prices), default=0),
        depth=max((one.depth for one in prices), default=0),
        seconds=seconds,
        cost=None if seconds is None or price_per_minute is None else seconds / 60 * price_per_minute,
        standard_error=0.5 / math.sqrt(max(1, min((pub.shots for pub in pubs), default=1))),
        error_free=min((one.error_free for one in prices if one.error_free is not None), default=None),
        advice=_split_advice(shots, max_executions),
        overhead_seconds=0.0 if seconds is None else overhead,
        job_time=job_time,
    )


def _circuit_seconds(pubs: Sequence[SamplerPub], prices: Sequence[CircuitPrice], done: Sequence[int]) -> float | None:
    """Return the time of circuits that are not done; ``None`` unless the durations of all are known."""
    seconds = 0.0
    for pub, price, number in zip(pubs, prices, done, strict=True):
        if price.seconds_per_shot is None:
            return None
        seconds += price.seconds_per_shot * (pub.size - number) * pub.shots
    return seconds


def _num_jobs(work: Sequence[tuple[int, int]], max_executions: int) -> int:
    """Count the jobs of circuits that are cut at the limit; those with the same shots share jobs.

    A circuit whose shots alone exceed the limit takes several jobs.

    Args:
        work: Numbers of circuits, each with the shots that they have.
        max_executions: The limit.
    """
    jobs = 0
    for shots in {shots for _, shots in work}:
        circuits = sum(number for number, others in work if others == shots)
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
