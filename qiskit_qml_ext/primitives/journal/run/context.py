"""What all parts of a run work with: the service, the journal's file, and what holds the two against each other."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from typing_extensions import Self

from qiskit_qml_ext.primitives.journal.run.duplicates import Twins
from qiskit_qml_ext.primitives.journal.run.policy import Policy
from qiskit_qml_ext.primitives.journal.run.reconcile import Reconciliation
from qiskit_qml_ext.primitives.journal.service.services import Service
from qiskit_qml_ext.primitives.journal.service.timed_calls import Questions
from qiskit_qml_ext.primitives.journal.store.journal import Journal


@dataclass(frozen=True)
class Tools:
    """What a run works with.

    Attributes:
        service: Where the jobs are.
        journal: Where everything is written down.
        policy: Limits and waiting times.
        ask: Asks the service questions.
        twins: Finds jobs by their tags.
        reconciliation: Takes over jobs that the file does not know.
    """

    service: Service
    journal: Journal
    policy: Policy
    ask: Questions
    twins: Twins
    reconciliation: Reconciliation

    @classmethod
    def of(
        cls,
        service: Service,
        journal: Journal,
        policy: Policy,
        *,
        answered: Callable[[], None] = lambda: None,
        seconds: float = math.inf,
    ) -> Self:
        """Lay the tools out for a service and a journal.

        Args:
            service: Where the jobs are.
            journal: Where everything is written down.
            policy: Limits and waiting times.
            answered: Called after each answer of the service.
            seconds: The longest time for all questions, if there is any.
        """
        ask = Questions(policy.call_seconds, answered, altogether=seconds)
        twins = Twins(service, journal, ask, watch_seconds=policy.watch_seconds)
        return cls(service, journal, policy, ask, twins, Reconciliation(journal, twins, ask))
