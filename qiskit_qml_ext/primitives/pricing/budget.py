"""Budgets: what may be spent, and the refusal of more before anything is submitted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import optional_whole_number, real_number
from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.pricing.circuit_price import CircuitPrice
from qiskit_qml_ext.primitives.pricing.job_time import JobTime
from qiskit_qml_ext.primitives.pricing.quota import Quota
from qiskit_qml_ext.primitives.pricing.spending import Spent, TimeLimit


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
    max_qpu_seconds: float | None = None
    """The largest processor time in seconds that all jobs of a journal may take."""
    quota: Quota | None = None
    """What the account may use, if it was named."""
    asks_service: bool = False
    """Whether the service is asked before each job how much is left."""
    executions: int = 0
    """What was approved so far."""
    cost: float = 0.0
    """The estimated cost so far: of what was approved, with a journal of all its jobs."""

    def __post_init__(self) -> None:
        optional_whole_number("max_executions", self.max_executions)
        for name in ("max_cost", "price_per_minute", "max_qpu_seconds"):
            value = getattr(self, name)
            if value is not None:
                real_number(name, value, minimum=0.0)
        if self.max_cost is not None and self.price_per_minute is None:
            raise ValueError("max_cost needs price_per_minute, the price of a minute of processor time.")
        self._lock = Lock()

    @property
    def needs_journal(self) -> bool:
        """Whether anything is limited that holds over the jobs of a journal only."""
        return self.max_qpu_seconds is not None or self.quota is not None or self.asks_service

    @property
    def limits(self) -> tuple[TimeLimit, ...]:
        """The limits on the processor time of all jobs of a journal together; of a quota there are others."""
        limits = []
        if self.max_qpu_seconds is not None:
            limits.append(TimeLimit(self.max_qpu_seconds, f"max_qpu_seconds is {self.max_qpu_seconds:,.1f} s"))
        if self.max_cost is not None and self.price_per_minute:
            most = 60 * self.max_cost / self.price_per_minute
            money = f"max_cost is {self.max_cost:,.2f}, which is {most:,.1f} s at {self.price_per_minute:,.2f} a minute"
            limits.append(TimeLimit(most, money))
        return tuple(limits)

    def approve_circuits(
        self,
        work: Sequence[tuple[QuantumCircuit, int]],
        price: Callable[[QuantumCircuit], CircuitPrice],
        *,
        time: JobTime,
        max_executions_per_job: int,
        spent: Callable[[], Spent] | None = None,
    ) -> None:
        """Note circuits, each with its executions, that are about to be submitted; see :meth:`approve`.

        Args:
            work: The circuits.
            price: Says what one of them takes; asked only where the cost is limited.
            time: What jobs take.
            max_executions_per_job: Into how large jobs they are cut.
            spent: Returns what the jobs of a journal took, if there is one; asked only where the cost is limited.
        """
        seconds, before = None, None
        executions = sum(number for _, number in work)
        if self.max_cost is not None:
            before = None if spent is None else spent().seconds
            times = [(price(circuit).seconds_per_shot, number) for circuit, number in work]
            if all(one is not None for one, _ in times):
                jobs = -(-executions // max_executions_per_job)
                seconds = time.seconds(sum((one or 0.0) * number for one, number in times), jobs)
        self.approve(executions, seconds, before)

    def approve(self, executions: int, seconds: float | None, spent_seconds: float | None = None) -> None:
        """Note work that is about to be submitted.

        Args:
            executions: Its circuits times shots.
            seconds: The processor time that it is predicted to take; ``None`` if that is not known.
            spent_seconds: The processor time of the jobs of a journal up to now; ``None`` counts what was approved.

        Raises:
            BudgetExceededError: If it goes beyond the budget; nothing of it is submitted.
        """
        with self._lock:  # nobody else may count between the look and the note
            self._approve(executions, seconds, spent_seconds)

    def _approve(self, executions: int, seconds: float | None, spent_seconds: float | None) -> None:
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
            if spent_seconds is not None:
                cost = spent_seconds / 60 * self.price_per_minute
            cost += seconds / 60 * self.price_per_minute
            if cost > self.max_cost:
                raise BudgetExceededError(
                    f"This would bring the estimated cost to {cost:,.2f}, but max_cost is {self.max_cost:,.2f}. "
                    "Nothing was submitted. Use fewer samples or shots, or raise the limit."
                )
        self.executions, self.cost = total, cost
