"""Budgets: what may be spent, and the refusal of more before anything is submitted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qiskit import QuantumCircuit

from qiskit_qml_ext.checks import optional_whole_number, real_number
from qiskit_qml_ext.exceptions import BudgetExceededError
from qiskit_qml_ext.primitives.forks import Lock
from qiskit_qml_ext.primitives.pricing.circuit_price import CircuitPrice


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

    def approve_circuits(
        self, work: Sequence[tuple[QuantumCircuit, int]], price: Callable[[QuantumCircuit], CircuitPrice]
    ) -> None:
        """Note circuits, each with its executions, that are about to be submitted; see :meth:`approve`.

        Args:
            work: The circuits.
            price: Says what one of them takes; asked only where the cost is limited.
        """
        seconds: float | None = None
        if self.max_cost is not None:
            times = [(price(circuit).seconds_per_shot, number) for circuit, number in work]
            if all(time is not None for time, _ in times):
                seconds = sum((time or 0.0) * number for time, number in times)
        self.approve(sum(number for _, number in work), seconds)

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
