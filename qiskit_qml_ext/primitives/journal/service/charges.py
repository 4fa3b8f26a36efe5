"""What the service may charge for beside the results: jobs that nobody waits for, and attempts that came to nothing."""

from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.primitives.journal.service.services import JobGoneError, runtime_job, usage_of
from qiskit_qml_ext.primitives.journal.store.journal import Journal
from qiskit_qml_ext.primitives.journal.store.local_work import local_units


@dataclass(frozen=True)
class ExtraJobs:
    """Jobs on the service whose time is not that of a unit that is done.

    Attributes:
        surplus: Those that nobody waits for and that were executed, or were disowned.
        unknown: Those that match no work of the file, as far as looks at the service found any.
        failed: Those of attempts that came to nothing.
    """

    surplus: tuple[str, ...]
    unknown: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys(self.surplus + self.unknown + self.failed))


def extra_jobs(journal: Journal) -> ExtraJobs:
    """Return the jobs on the service that may have cost something without being the job of a unit's result."""
    surplus = tuple(item.job for item in journal.surplus() if item.executed)
    unknown = tuple(job for job in journal.unknown() if job not in surplus)
    here = local_units(journal)
    failed = tuple(
        attempt.job
        for attempt in journal.attempts()
        if attempt.job is not None
        and attempt.outcome not in ("open", "done")
        and attempt.unit not in here
        and attempt.job not in surplus
    )
    return ExtraJobs(surplus, unknown, failed)


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
