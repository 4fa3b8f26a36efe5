"""What a fault may mean, and what a run does about each meaning: a new kind of fault is one more line in either.

Which fault means what is said in :mod:`service_codes`, for the service's own codes, and in :mod:`faults`.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Meaning(Enum):
    """What became of a request."""

    UNKNOWN = auto()
    """The service may have accepted the job: look for it before anything else. A failed job may run next time."""
    THROTTLED = auto()
    """Not accepted for now: wait and send it again."""
    TOO_LARGE = auto()
    """Not accepted: more executions or bytes than a job may have. Halve it."""
    SESSION_CLOSED = auto()
    """Not accepted: the session or batch takes no jobs any more. Open a new one."""
    UNAUTHORIZED = auto()
    """Not accepted: the token is not valid."""
    REFUSED = auto()
    """Not accepted, and it would not be if it were sent again."""


class WaitsFor(Enum):
    """What has to happen before a request that was refused for now is accepted; the value is said to the user."""

    REQUESTS = "the service takes only so many requests in a minute"
    JOBS = "the account has as many pending jobs as it may have; the next one is sent when one of them ends"
    DEVICE = "the device or the service is paused or under maintenance"


class Step(Enum):
    """What becomes of a unit whose submission met a fault, or whose job failed of one."""

    SEARCH = auto()
    """Look for its job by the tag, and send it again if there is none; one whose job failed is planned again."""
    AGAIN = auto()
    """Plan it again."""
    HALVE = auto()
    """Cut it in two."""
    GIVE_UP = auto()
    """It failed for good."""


@dataclass(frozen=True)
class Reaction:
    """What a run does about a fault."""

    step: Step
    """What becomes of the unit."""
    words: str
    """What the run does, for the table of the service's codes."""
    holds_back: bool = False
    """Whether nothing is submitted until the service takes jobs again."""
    reopens: bool = False
    """Whether a new session or batch is opened first."""
    ends_run: str | None = None
    """Why nothing else can be asked of the service either, and what to do; the client's words stand for
    ``{reason}``."""

    @property
    def passes(self) -> bool:
        """Whether the fault goes away by waiting."""
        return self.step is Step.SEARCH or self.holds_back


REACTIONS: dict[Meaning, Reaction] = {
    Meaning.UNKNOWN: Reaction(
        Step.SEARCH,
        "look for the job by its tag, and send it again if there is none; a failed job is run again, at most "
        "`max_retries` times",
    ),
    Meaning.THROTTLED: Reaction(Step.AGAIN, "wait and send it again", holds_back=True),
    Meaning.TOO_LARGE: Reaction(
        Step.HALVE, "send it again in halves; a single circuit ends the run with the service's words"
    ),
    Meaning.SESSION_CLOSED: Reaction(Step.AGAIN, "open a new session or batch and send it again", reopens=True),
    Meaning.UNAUTHORIZED: Reaction(
        Step.AGAIN,
        "end the run and ask for a new token; a failed job is run again, at most `max_retries` times",
        ends_run="The service does not accept the token: {reason} Nothing is lost: renew it and run again.",
    ),
    Meaning.REFUSED: Reaction(Step.GIVE_UP, "end the run with the service's words; a failed job is not run again"),
}
