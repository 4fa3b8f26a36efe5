"""The time of a run's jobs: predicted before they are submitted, asked for when they ended, held against the limits."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from qiskit import QuantumCircuit

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.job_times import JobNote
from qiskit_qml_ext.primitives.journal.run.context import RunContext
from qiskit_qml_ext.primitives.journal.service.jobs import RUNNING, JobGoneError, TimeOfJob, status_of, time_of
from qiskit_qml_ext.primitives.journal.store.job_times import past_jobs
from qiskit_qml_ext.primitives.pricing.job_time import JobTime, fitted_to
from qiskit_qml_ext.primitives.pricing.quota import InstanceUsage
from qiskit_qml_ext.primitives.pricing.spending import TimeLimit

_MOST_QUESTIONS = 20  # about jobs whose time is not known, in one go
_SETTLED_SECONDS = 10.0  # within a run that is limited, jobs are not asked about more often
_LONGEST_QUESTION = 10.0  # seconds; no run ends late because the service does not say what a job took


class Times:
    """Predicts the time of a run's jobs, and asks what they took.

    Args:
        run: What the run works with.
        kind: The kind of its requests; nothing is predicted without one.
    """

    def __init__(self, run: RunContext, kind: str = ""):
        self._run = run
        self._kind = kind
        self._settle_from = 0.0
        self._per_shot: dict[int, tuple[QuantumCircuit, float | None]] = {}

    def predicted(self, work: Sequence[tuple[QuantumCircuit, int]]) -> JobNote:
        """Predict what a job takes, by the jobs of its kind that the journal knows by now.

        Those of this machine too that nothing limits: later ones may be limited, and then these count.

        Args:
            work: Its circuits with their executions.
        """
        spending = self._run.spending
        if spending.price is None:
            return JobNote()
        times = [(self._seconds_per_shot(circuit), number) for circuit, number in work]
        if any(seconds is None for seconds, _ in times):
            return JobNote()
        circuits = sum((seconds or 0.0) * number for seconds, number in times)
        return JobNote(circuits, self._model().seconds(circuits))

    def limits(self, note: JobNote) -> tuple[TimeLimit, ...]:
        """Return the limits that a job with this prediction is held against.

        Raises:
            BudgetExceededError: If it cannot run whatever else does.
        """
        spending = self._run.spending
        if not spending.is_limited:
            return ()
        spending.refuse_job(note.predicted_seconds)
        if time.monotonic() >= self._settle_from:  # some may have taken more than was predicted
            self.settle()
            self._settle_from = time.monotonic() + _SETTLED_SECONDS
        usage = self._usage_of_instance() if spending.asks_service else None
        return spending.limits_now(usage)

    def note(self, tag: str | None, job: Any) -> TimeOfJob:
        """Ask a service what a job took, and write it down; nothing is raised for what it does not say.

        Args:
            tag: The tag of the attempt whose job it is.
            job: The job.
        """
        if not self._run.service.is_durable or tag is None:
            return TimeOfJob()
        try:
            said = self._run.ask(lambda: time_of(job))
        except TimeoutError:
            return TimeOfJob()
        self._run.journal.note_time(
            tag,
            used_seconds=said.used_seconds,
            partial_seconds=said.partial_seconds if said.used_seconds is None else None,
            queue_seconds=said.queue_seconds,
        )
        return said

    def settle(self) -> None:
        """Ask about jobs whose time is not known: those that ended, and those that run and may take long."""
        if not self._run.service.is_durable:
            return
        records = [record for record in self._run.journal.job_records() if not record.is_here]
        asked = [record for record in records if record.job is not None and (record.is_open or record.is_unsaid)]
        for record in asked[-_MOST_QUESTIONS:]:
            try:
                job = self._run.ask(partial(self._run.service.fetch, str(record.job)), _LONGEST_QUESTION)
                if record.is_open and self._run.ask(partial(status_of, job), _LONGEST_QUESTION) != RUNNING:
                    continue  # its end is noted by whoever takes its result
                self.note(record.tag, job)
            except JobGoneError:
                continue
            except JournalError:
                raise
            except Exception:
                return  # the service cannot be asked now; a later run asks again

    def _seconds_per_shot(self, circuit: QuantumCircuit) -> float | None:
        known = self._per_shot.get(id(circuit))
        if known is None:
            assert self._run.spending.price is not None
            known = self._per_shot[id(circuit)] = (circuit, self._run.spending.price(circuit).seconds_per_shot)
        return known[1]

    def _model(self) -> JobTime:
        service = self._run.service
        if not service.is_durable:
            return self._run.spending.documented  # nobody says what jobs of this machine would have taken
        records = self._run.journal.job_records()
        past = past_jobs(records, target=service.target, kind=self._kind, options=service.options)
        return fitted_to(self._run.spending.documented, past)

    def _usage_of_instance(self) -> InstanceUsage:
        try:
            return InstanceUsage.of(self._run.ask(self._run.service.usage, _LONGEST_QUESTION))
        except TimeoutError:
            return InstanceUsage()
