"""How a connection uses a journal: everything that it asks for is written down there before it is submitted."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.connection.bookkeeping.bookkeeping import Bookkeeping
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.usage import Usage
from qiskit_qml_ext.primitives.journal import Journal, JournaledEstimator, JournaledSampler, Policy
from qiskit_qml_ext.primitives.journal.work.inputs import Provenance
from qiskit_qml_ext.primitives.journal.work.requests import Approve
from qiskit_qml_ext.primitives.pricing import Budget, JobTime, Spending, Spent
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS
from qiskit_qml_ext.primitives.targets import Target
from qiskit_qml_ext.primitives.targets.checked_primitives import ESTIMATOR, SAMPLER


class Journaling(Bookkeeping):
    """Makes journaled primitives for a connection's target.

    Args:
        journal: The journal or the path of its file.
        target: The connection's target.
        settings: How the connection uses it.
        policy: Other limits and waiting times.
        approve: Asked before anything is submitted.
        count: Takes note of what is submitted.
        budget: What may be spent; limits on time hold over all jobs of the journal.
    """

    def __init__(
        self,
        journal: Journal | str | os.PathLike[str],
        target: Target,
        settings: ConnectionSettings,
        policy: Policy | None,
        approve: Approve,
        count: Callable[[Usage], None],
        budget: Budget,
    ):
        super().__init__(target)
        self.journal = journal if isinstance(journal, Journal) else Journal(journal)
        self.policy = replace(policy or Policy(), max_executions=settings.max_executions_per_job)
        self._approve = approve
        self._count = count
        self._settings = settings
        self._seed = settings.seed
        self._spending = Spending(
            price=target.price,
            documented=JobTime(target.job_overhead_seconds),
            limits=budget.limits,
            quota=budget.quota,
            asks_service=budget.asks_service,
        )

    def sampler(self, shots: int) -> JournaledSampler:
        """Return a journaled sampler with these default shots."""
        return JournaledSampler(
            self._target.without_mode().sampler(shots, None),
            self.journal,
            make=lambda seed: self._target.sampler(shots, seed),
            approve=self._approving(SAMPLER),
            **self._common,
        )

    def estimator(self, shots: int | None) -> JournaledEstimator:
        """Return a journaled estimator whose precision corresponds to ``shots``."""
        return JournaledEstimator(
            self._target.without_mode().estimator(shots, None),
            self.journal,
            make=lambda seed: self._target.estimator(shots, seed),
            place=self._place,
            approve=self._approving(ESTIMATOR),
            **self._common,
        )

    @property
    def _common(self) -> dict[str, Any]:
        """What both kinds of primitives are given."""
        return {
            "policy": self.policy,
            "seed": self._seed,
            "open_mode": self._target.open_mode,
            "identify": self._identify,
            "repetitions": self._repetitions,
            "count": self._take_note,
            "spending": self._spending,
            "provenance": Provenance(
                self._source,
                lambda: self._target.device,
                {"connection": asdict(self._settings), "target": self._target.about()},
            ),
        }

    def _take_note(self, circuits: int, executions: int) -> None:
        self._count(Usage(circuits, executions, 1))

    def _approving(self, primitive: str) -> Approve:
        """Return what work of a primitive has to pass before it is submitted: what the target takes, and the budget."""

        def approve(work: Sequence[tuple[QuantumCircuit, int]]) -> None:
            for circuit, _ in work:
                self._target.refuse_circuit(circuit, primitive)
            self._approve(work)

        return approve

    def job_time(self, shots: int | None) -> JobTime:
        """Return what the jobs of samplers take, by what the journal knows of those before."""
        return self.sampler(shots or DEFAULT_SHOTS).job_time()

    def room(self, seconds: float | None) -> list[str]:
        """Say what limits on processor time leave for jobs that are predicted to take so many seconds."""
        return self.sampler(DEFAULT_SHOTS).room(seconds)

    def spent(self) -> Spent:
        """Return what all jobs of the journal took of a processor's time, and what is reserved for those under way."""
        return self.sampler(DEFAULT_SHOTS).spent()

    def known(self, pubs: Sequence[SamplerPub]) -> list[int]:
        """Count the circuits of each PUB that the journal knows, as if they were asked for first."""
        if not pubs:
            return []
        return self.sampler(pubs[0].shots).known(pubs)
