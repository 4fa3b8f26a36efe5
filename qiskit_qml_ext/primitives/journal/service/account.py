"""An IBM account: its jobs found by id and by tag, whatever made them."""

from collections.abc import Collection, Sequence
from typing import Any

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.disk.job_ids import checked_job_id
from qiskit_qml_ext.primitives.journal.service.jobs import JobGoneError, created
from qiskit_qml_ext.primitives.journal.store.tags import place_of
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork

_PAGE = 200  # the most jobs that the service lists in one answer


def runtime_job(service: Any, job: str) -> Any:
    """Ask a ``QiskitRuntimeService`` for a job by its id; raises :class:`JobGoneError`."""
    job = checked_job_id(job)
    try:
        return service.job(job)
    except Exception as error:
        if type(error).__name__ == "RuntimeJobNotFound":
            raise JobGoneError(job) from error
        raise


def runtime_jobs(service: Any, tag: str, instance: str | None, known: Collection[str] = ()) -> list[Any]:
    """List all jobs of an instance that carry a tag, oldest first.

    No time narrows the list: the service's clock and this machine's need not agree. The oldest come first and pages
    overlap by a job, so that one that is submitted or deleted meanwhile hides no other. Where all jobs up to some time
    were accounted for, the newest come first, up to the page that has one of those.

    Args:
        service: A ``QiskitRuntimeService``.
        tag: The tag.
        instance: The instance; ``None`` for the active one.
        known: Jobs that were accounted for, with all that are older.
    """
    jobs: dict[str, Any] = {}
    skip = 0
    while True:
        page = service.jobs(limit=_PAGE, skip=skip, job_tags=[tag], instance=instance, descending=bool(known))
        # What a filter let through that it should not have is of no concern.
        jobs |= {job.job_id(): job for job in page if tag in (job.tags or [])}
        if len(page) < _PAGE or any(job.job_id() in known for job in page):
            return sorted(jobs.values(), key=lambda job: (created(job), job.job_id()))
        skip += _PAGE - 1


class RuntimeAccount:
    """The jobs of an IBM account: they can be found and fetched, but nothing is submitted.

    Args:
        service: A ``QiskitRuntimeService``.
    """

    target = ""
    default: float | None = None
    is_durable = True
    more_shots = False
    estimator_work = EstimatorWork()

    def __init__(self, service: Any):
        self._service = service
        self.options: dict[str, Any] = {}
        listed = service.instances() if hasattr(service, "instances") else []
        self._instances: list[str | None] = [item["crn"] for item in listed] or [None]
        self.places = tuple(place_of(instance) for instance in self._instances)

    def submit(self, pubs: Sequence[Any], *, tags: list[str], seed: int | None) -> Any:
        """Refuse: the circuits are known to the user's program only.

        Raises:
            JournalError: Always; :func:`resume` asks for results only.
        """
        raise JournalError("A journal holds no circuits: run the program that asked for this work to submit it.")

    def fetch(self, job: str) -> Any:
        """Ask the service for a job."""
        return runtime_job(self._service, job)

    def find(self, tag: str, known: Collection[str] = ()) -> list[Any]:
        """List the jobs with a tag on all instances of the account."""
        return [job for instance in self._instances for job in runtime_jobs(self._service, tag, instance, known)]

    def reopen(self) -> None:
        """Do nothing: nothing is submitted."""

    def usage(self) -> object:
        """Return nothing: nothing is submitted."""
        return None

    def close(self) -> None:
        """Do nothing: nothing was opened."""

    def reported(self) -> None:
        """Return nothing: nothing is submitted."""

    def calibration(self) -> str | None:
        """Return nothing: nothing is submitted."""
        return None
