"""What an account may use: the processor time of a plan of IBM's, over a time, and what else the plan limits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.checks import one_of, real_number

_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Quota:
    """How much processor time an account may use in how many days."""

    name: str
    """What it is called in sentences."""
    max_seconds: float
    """The processor time in seconds that all jobs together may take."""
    window_days: float = math.inf
    """Over how many days, up to now; infinite for a limit that holds once and for all."""
    max_job_seconds: float = math.inf
    """The processor time in seconds that one job may take."""
    has_sessions: bool = True
    """Whether jobs may run in sessions."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"name must be a text, but {self.name!r} came.")
        for name in ("max_seconds", "window_days", "max_job_seconds"):
            real_number(name, getattr(self, name), minimum=0.0, infinite=True)

    @property
    def window_seconds(self) -> float:
        """Over how many seconds, up to now."""
        return self.window_days * _DAY_SECONDS

    def __str__(self) -> str:
        window = "" if math.isinf(self.window_days) else f" in {self.window_days:g} days"
        return f"the {self.name} has {self.max_seconds:,.0f} s of processor time{window}"


OPEN_PLAN = Quota("Open Plan", max_seconds=600.0, window_days=28.0, max_job_seconds=3 * 3600.0, has_sessions=False)
"""IBM's free plan: 10 minutes in any 28 days, 3 hours a job, no sessions
(https://quantum.cloud.ibm.com/docs/guides/plans-overview, …/max-execution-time)."""

NAMED = {"open": OPEN_PLAN}
"""The quotas that have a name."""


FROM_SERVICE = "service"
"""Stands for what the service says is left."""


def read_quota(given: object, *, target: str, mode: str, has_service: bool) -> Quota | None:
    """Return the quota that a user named; ``None`` for none, and where the service is asked.

    Args:
        given: A quota, the name of one, ``"service"`` or ``None``.
        target: The target's name.
        mode: The execution mode.
        has_service: Whether the target's jobs run on a service that says what is left.

    Raises:
        TypeError: If it is none of these.
        ValueError: If there is no such name, there is no service to ask, or the quota has no sessions.
    """
    if isinstance(given, str):
        one_of("quota", given, (*NAMED, FROM_SERVICE))
    elif given is not None and not isinstance(given, Quota):
        words = ", ".join(map(repr, (*NAMED, FROM_SERVICE)))
        raise TypeError(f"quota must be {words}, a Quota or None, but {given!r} ({type(given).__name__}) came.")
    if given == FROM_SERVICE and not has_service:
        raise ValueError(
            f"quota='service' means nothing for {target}: no service is asked there. Name a quota to rehearse with."
        )
    quota = NAMED.get(given) if isinstance(given, str) else given
    if quota is not None and not quota.has_sessions and mode == "session":
        raise ValueError(f"The {quota.name} has no sessions. Use mode='job' or mode='batch'.")
    return quota


@dataclass(frozen=True)
class InstanceUsage:
    """What the service says of an instance's use; ``None`` for what it does not say."""

    consumed_seconds: float | None = None
    """The processor time in seconds that was used."""
    limit_seconds: float | None = None
    """The processor time in seconds that may be used."""
    remaining_seconds: float | None = None
    """The processor time in seconds that is left."""

    @classmethod
    def of(cls, answer: object) -> "InstanceUsage":
        """Read what ``QiskitRuntimeService.usage()`` returned; numbers that cannot be meant are not known."""
        said: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {}
        consumed = seconds_or_none(said.get("usage_consumed_seconds"))
        limit = seconds_or_none(said.get("usage_limit_seconds"))
        left = seconds_or_none(said.get("usage_remaining_seconds"))
        if left is None and limit is not None and consumed is not None:
            left = max(0.0, limit - consumed)
        if said.get("usage_limit_reached") is True:
            left = 0.0
        return cls(consumed, limit, left)

    def __str__(self) -> str:
        """Say what is left."""
        if self.remaining_seconds is None:
            return "the service does not say how much processor time is left"
        of = "" if self.limit_seconds is None else f" of {self.limit_seconds:,.0f} s"
        return f"by the service's answer {self.remaining_seconds:,.1f} s{of} of processor time are left"


def seconds_or_none(value: object) -> float | None:
    """Return a time in seconds as the service gave it, or ``None`` for what is none: text, NaN, a negative number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
