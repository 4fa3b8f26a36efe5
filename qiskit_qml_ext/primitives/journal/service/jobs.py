"""What a job of a service says of itself, and what can be done to it."""

from typing import Any

QUEUED, RUNNING, FINISHED, ERROR, CANCELLED = "QUEUED", "RUNNING", "DONE", "ERROR", "CANCELLED"


class JobGoneError(LookupError):
    """The service knows no job of this id."""


def status_of(job: Any) -> str:
    """Return a job's status as one of this module's words."""
    status = job.status()
    name = str(getattr(status, "name", status)).upper()
    return {"INITIALIZING": QUEUED, "VALIDATING": QUEUED}.get(name, name)


def never_ran(job: Any) -> bool:
    """Tell whether a cancelled job never began to run."""
    try:
        stamps = job.metrics().get("timestamps") or {}
    except Exception:
        return False  # when in doubt it is reported
    return stamps.get("running") is None


def usage_of(job: Any) -> float | None:
    """Return the seconds that the service charges for a job, if it says so."""
    try:
        usage = (job.metrics() or {}).get("usage") or {}
    except Exception:
        return None  # the number is for the record only
    seconds = usage.get("quantum_seconds", usage.get("seconds", usage.get("qpu_charge_time_seconds")))
    return None if seconds is None else float(seconds)


def session_of(job: Any) -> str | None:
    """Return the session or batch of a job, if it has one."""
    session: str | None = getattr(job, "_session_id", None)
    return session


def created(job: Any) -> float:
    """Return when the service made a job, by its own clock, in seconds since 1970; 0 if it does not say."""
    date = getattr(job, "creation_date", None)
    return float(date.timestamp()) if date is not None else 0.0


def cancel(job: Any) -> None:
    """Cancel a job, unless it has just ended."""
    try:
        job.cancel()
    except Exception as error:
        if type(error).__name__ != "RuntimeInvalidStateError":
            raise


def did_run(job: Any) -> bool:
    """Tell whether a job that nobody waits for cost anything; when in doubt it did."""
    if status_of(job) == ERROR and usage_of(job) == 0:
        return False
    return not (status_of(job) in (CANCELLED, ERROR) and never_ran(job))


def is_older(job: Any, other: Any) -> bool:
    """Tell whether the service made a job before another one, in an order that is the same for everyone who asks."""
    return (created(job), job.job_id()) < (created(other), other.job_id())
