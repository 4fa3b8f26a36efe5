"""How a connection replays what was measured: like a journal in which everything is done, and nothing else can be."""

import os
from collections.abc import Callable, Sequence

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_qml_ext.primitives.connection.bookkeeping.bookkeeping import Bookkeeping
from qiskit_qml_ext.primitives.connection.bookkeeping.journaling import Journaling
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.usage import Usage
from qiskit_qml_ext.primitives.journal import Journal, Policy
from qiskit_qml_ext.primitives.journal.work.inputs import Source
from qiskit_qml_ext.primitives.journal.work.requests import Approve
from qiskit_qml_ext.primitives.pricing import Budget, JobTime, Spent
from qiskit_qml_ext.primitives.replay import Measured, ReplayEstimator, ReplaySampler
from qiskit_qml_ext.primitives.shots import precision_of
from qiskit_qml_ext.primitives.targets import Target


class Replaying(Bookkeeping):
    """Makes primitives that look results up.

    Args:
        measured: What was measured.
        target: The connection's target.
        settings: How the connection uses it.
    """

    def __init__(self, measured: Measured, target: Target, settings: ConnectionSettings):
        super().__init__(target)
        self._measured = measured
        self._shots = settings.shots

    def made_before(self, source: Source) -> QuantumCircuit | None:
        """Return the circuit that ran for another one; ``None`` if that is not there, or ran as it is."""
        return self._measured.isa(source.circuit, source.key)

    def sampler(self, shots: int) -> ReplaySampler:
        """Return a sampler with these default shots."""
        return ReplaySampler(self._measured, shots, repetitions=self._repetitions, source=self._source)

    def estimator(self, shots: int | None) -> ReplayEstimator:
        """Return an estimator whose precision corresponds to ``shots``."""
        return ReplayEstimator(
            self._measured,
            precision_of(shots or self._target.default_shots),
            repetitions=self._repetitions,
            source=self._source,
            place=self._place,
        )

    def known(self, pubs: Sequence[SamplerPub]) -> list[int]:
        """Count the circuits of each PUB that were measured, as if they were asked for first."""
        return self.sampler(pubs[0].shots).known(pubs) if pubs else []

    def job_time(self, shots: int | None) -> JobTime:
        """Return that there are no jobs that take anything."""
        return JobTime()

    def room(self, seconds: float | None) -> list[str]:
        """Say nothing: there is no time to be limited."""
        return []

    def spent(self) -> Spent:
        """Return that nothing is spent."""
        return Spent()


def bookkeeping_of(
    journal: Journal | Measured | str | os.PathLike[str] | None,
    target: Target,
    settings: ConnectionSettings,
    policy: Policy | None,
    approve: Approve,
    count: Callable[[Usage], None],
    budget: Budget,
) -> Bookkeeping | None:
    """Return what knows of a connection's work: its journal, or what was measured; ``None`` if there is neither.

    Args:
        journal: The journal or the path of its file, or what was measured.
        target: The connection's target.
        settings: How it is used.
        policy: Limits and waiting times of journaled runs.
        approve: Asked before anything is submitted.
        count: Takes note of what is submitted.
        budget: What may be spent.
    """
    if journal is None:
        return None
    if isinstance(journal, Measured):
        return Replaying(journal, target, settings)
    return Journaling(journal, target, settings, policy, approve, count, budget)
