"""What all parts of a run work with: the service, the journal's file, and what holds the two against each other."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from qiskit.transpiler import Target as DeviceTarget
from typing_extensions import Self

from qiskit_qml_ext.primitives.journal.run.duplicates import Duplicates
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.run.reconcile import Reconciliation
from qiskit_qml_ext.primitives.journal.service.backoff import Backoff
from qiskit_qml_ext.primitives.journal.service.services import Service
from qiskit_qml_ext.primitives.journal.service.timed_calls import TimedCalls
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.ownership import new_owner
from qiskit_qml_ext.primitives.pricing.spending import Spending


@dataclass(frozen=True)
class RunContext:
    """What a run works with."""

    service: Service
    """Where the jobs are."""
    journal: Journal
    """Where everything is written down."""
    policy: Policy
    """Limits and waiting times."""
    seed: int | None
    """The user's seed, for simulators."""
    device: Callable[[], DeviceTarget | None]
    """Returns what the device says of its qubits and gates."""
    owner: str
    """The claim of the run."""
    backoff: Backoff
    """How long to wait while the service does not answer."""
    ask: TimedCalls
    """Asks the service questions."""
    duplicates: Duplicates
    """Finds jobs by their tags."""
    reconciliation: Reconciliation
    """Takes over jobs that the file does not know."""
    spending: Spending = field(default_factory=Spending)
    """How the time of its jobs is predicted, and what limits it."""

    @classmethod
    def of(
        cls,
        service: Service,
        journal: Journal,
        policy: Policy | None = None,
        *,
        seed: int | None = None,
        seconds: float = math.inf,
        spending: Spending | None = None,
        device: Callable[[], DeviceTarget | None] = lambda: None,
    ) -> Self:
        """Make the context of a new run with a service and a journal.

        Args:
            service: Where the jobs are.
            journal: Where everything is written down.
            policy: Limits and waiting times.
            seed: The user's seed, for simulators.
            seconds: The longest time for all questions, if there is any.
            spending: How the time of jobs is predicted, and what limits it.
            device: Returns what the device says of its qubits and gates.
        """
        policy = policy or Policy()
        backoff = Backoff(policy.patience_seconds)
        ask = TimedCalls(policy.call_seconds, backoff.over, altogether=seconds)
        duplicates = Duplicates(service, journal, ask, watch_seconds=policy.watch_seconds)
        owner = new_owner()
        reconciliation = Reconciliation(journal, duplicates, ask, owner=owner)
        spending = spending or Spending()
        return cls(service, journal, policy, seed, device, owner, backoff, ask, duplicates, reconciliation, spending)

    def within(self, seconds: float) -> Self:
        """Return the context of another run with the same, whose questions take no longer than this altogether."""
        return self.of(self.service, self.journal, self.policy, seconds=seconds)
