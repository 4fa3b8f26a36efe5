"""What a job of a service says of itself, and what can be done to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qiskit_qml_ext.primitives.pricing.quota import seconds_or_none

QUEUED, RUNNING, FINISHED, ERROR, CANCELLED = "QUEUED", "RUNNING", "DONE", "ERROR", "CANCELLED"
_USAGE_NAMES = ("qpu_charge_time_seconds", "quantum_seconds", "seconds")
"""Under which names the service says what it charges; the first is that of its newer versions."""
_STAMPS = ("created", "running")


class JobGoneError(LookupError):
    """The service knows no job of this id."""


def status_of(job: Any) -> str:
    """Return a job's status as one of this module's words."""
    status = job.status()
    name = str(getattr(status, "name", status)).upper()
    return {"INITIALIZING": QUEUED, "VALIDATING": QUEUED}.get(name, name)


def program_of(job: Any) -> str:
    """Return the service's name of what a job runs; empty for jobs of this machine."""
    return str(getattr(job, "primitive_id", ""))


def never_ran(job: Any) -> bool:
    """Tell whether a cancelled job never began to run."""
    try:
        stamps = job.metrics().get("timestamps") or {}
    except Exception:
        return False  # when in doubt it is reported
    return stamps.get("running") is None


def usage_of(job: Any) -> float | None:
    """Return the seconds that the service charges for a job, if it says so for good."""
    return time_of(job).used_seconds


@dataclass(frozen=True)
class TimeOfJob:
    """What the service says of the time of a job, in seconds; ``None`` for what it does not say."""

    used_seconds: float | None = None
    """What it took of the processor's time, once that is settled."""
    partial_seconds: float | None = None
    """What it took so far."""
    queue_seconds: float | None = None
    """How long it waited until it ran, by the service's own clock."""


def time_of(job: Any) -> TimeOfJob:
    """Ask what a job took; what cannot be meant (text, NaN, negative numbers) is not known.

    While the service is still reckoning (its status of the usage is *pending*) it says 0 or what was used so far, which
    is not what will be charged.
    """
    try:
        metrics = job.metrics()
    except Exception:
        return TimeOfJob()  # the number is for the record only
    said = metrics if isinstance(metrics, Mapping) else {}
    usage, stamps = said.get("usage"), said.get("timestamps")
    usage = usage if isinstance(usage, Mapping) else {}
    named = (seconds_or_none(usage.get(name)) for name in _USAGE_NAMES)
    seconds = next((one for one in named if one is not None), None)
    is_settled = str(usage.get("status", "")).lower() != "pending"
    return TimeOfJob(seconds if is_settled else None, seconds, _waited(stamps if isinstance(stamps, Mapping) else {}))


def _waited(stamps: Mapping[str, Any]) -> float | None:
    """Return the seconds between the making of a job and its start, both by the service's clock."""
    try:
        made, began = (datetime.fromisoformat(str(stamps[name]).replace("Z", "+00:00")) for name in _STAMPS)
        return seconds_or_none((began - made).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None


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
