"""How patient a journaled run is, how much it sends ahead and how large its units may be."""

from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.checks import optional_whole_number, real_number, whole_number

WATCH_SECONDS = 900.0
"""How long a service may have a submission under way; requests have been seen to take a quarter of a minute."""


@dataclass(frozen=True)
class Policy:
    """Limits and waiting times of journaled runs. ``None`` picks what fits the service."""

    max_executions: int = 10_000_000
    """The largest number of circuits times shots in one job; IBM's limit is 10 million."""
    max_bytes: int = 50_000_000
    """The largest payload of one job, estimated."""
    max_pending: int | None = None
    """How many jobs wait or run at the same time; by default 3, and 1 for simulators on this machine."""
    submissions_per_minute: int | None = None
    """How many jobs are submitted in a minute, over all processes that share the journal; by default 5, the rate that
    IBM documents, and no limit for simulators."""
    max_retries: int = 2
    """How often a job that the service reports as failed is submitted again."""
    poll_seconds: float | None = None
    """The pause between two looks at the jobs; by default 2, and far less for simulators."""
    settle_seconds: float = 30.0
    """How long to go on searching before a submission that got no answer is sent again. Should it arrive even later, it
    is found by its tag: see ``watch_seconds``."""
    watch_seconds: float = WATCH_SECONDS
    """How long the service may have a submission under way. A submission is watched until its jobs were listed so long
    after its beginning, by this run or a later one; no run waits for that."""
    throttle_seconds: float = 15.0
    """The first pause after a refusal for now that names no time."""
    patience_seconds: float = 3600.0
    """How long to go on without any answer from the service, or while it refuses new jobs for now and none of this work
    waits or runs; as long as one does, there is no limit."""
    call_seconds: float = 120.0
    """The longest time for a question about a job."""
    download_seconds: float = 600.0
    """The longest time for the download of one result."""
    download_tries: int = 8
    """How often a result that arrives damaged is fetched again in one run."""

    def __post_init__(self) -> None:
        whole = ("max_executions", "max_bytes", "download_tries")
        optional = ("max_pending", "submissions_per_minute")
        seconds = ("settle_seconds", "watch_seconds", "throttle_seconds", "patience_seconds", "call_seconds",
                   "download_seconds")  # fmt: skip
        checked: dict[str, Any] = {name: whole_number(name, getattr(self, name)) for name in whole}
        checked |= {name: optional_whole_number(name, getattr(self, name)) for name in optional}
        checked |= {name: real_number(name, getattr(self, name), minimum=0.0, infinite=True) for name in seconds}
        if self.poll_seconds is not None:
            checked["poll_seconds"] = real_number("poll_seconds", self.poll_seconds, minimum=0.0)
        checked["max_retries"] = whole_number("max_retries", self.max_retries, minimum=0)
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # NumPy's numbers are Python's from here on


def check_policy(policy: object) -> None:
    """Raise a ``TypeError`` for what is neither a policy nor ``None``."""
    if policy is not None and not isinstance(policy, Policy):
        raise TypeError(f"policy must be a Policy or None, but {policy!r} ({type(policy).__name__}) came.")
