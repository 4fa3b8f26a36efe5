"""What the service may charge for beside the results: jobs that nobody waits for, and attempts that came to nothing."""

from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.primitives.journal.service.account import runtime_job
from qiskit_qml_ext.primitives.journal.service.jobs import JobGoneError, usage_of
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.local_work import local_units


@dataclass(frozen=True)
class ExtraJobs:
    """Jobs on the service whose time is not that of a unit that is done."""

    duplicates: tuple[str, ...]
    """Those that nobody waits for and that were executed, or were disowned."""
    unknown: tuple[str, ...]
    """Those that match no work of the file, as far as the service was asked for them."""
    failed: tuple[str, ...]
    """Those of attempts that came to nothing."""

    @property
    def all(self) -> tuple[str, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys(self.duplicates + self.unknown + self.failed))


def extra_jobs(journal: Journal) -> ExtraJobs:
    """Return the jobs on the service that may have cost something without being the job of a unit's result."""
    duplicates = tuple(item.job for item in journal.duplicates() if item.executed)
    unknown = tuple(job for job in journal.unknown() if job not in duplicates)
    here = local_units(journal)
    failed = tuple(
        attempt.job
        for attempt in journal.attempts()
        if attempt.job is not None
        and attempt.outcome not in ("open", "done")
        and attempt.unit not in here
        and attempt.job not in duplicates
    )
    return ExtraJobs(duplicates, unknown, failed)


def seconds_of(service: Any, job: str) -> float | None:
    """Return how many seconds the service charges for a job; ``None`` if it does not say or does not know the job.

    Args:
        service: A ``QiskitRuntimeService``.
        job: The job.
    """
    try:
        return usage_of(runtime_job(service, job))
    except JobGoneError:
        return None
