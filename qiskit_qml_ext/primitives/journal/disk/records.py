"""What the journal remembers, as plain records."""

from dataclasses import dataclass
from typing import Any

from qiskit_qml_ext.primitives.journal.disk.moments import Moment

DISSOLVED = "dissolved"
"""The state of a unit whose items were planned anew in other units."""
PLANNED, SUBMITTING, SUBMITTED, DONE, FAILED, LOST = "planned", "submitting", "submitted", "done", "failed", "lost"
STATES = (PLANNED, SUBMITTING, SUBMITTED, DONE, FAILED, LOST)
"""A unit's states. *submitting* is on disk before the request leaves; *lost* means that the service denies the job,
or that a repair does not know (:attr:`Unit.is_unrecorded`)."""


@dataclass(frozen=True)
class Unit:
    """The work of one job.

    Attributes:
        id: Its number in the journal.
        kind: ``"sampler"`` or ``"estimator"``.
        target: The name of the target.
        settings: Shots or precision and the options that are not defaults, for the reader.
        layout: The shapes that the result must have, one entry for each PUB.
        content: What its items are, in order; jobs on the service carry it in a tag.
        num_items: Circuits with their parameter values (sampler) or blocks of expectation values (estimator).
        executions: Circuits times shots.
        state: One of ``STATES``.
        attempts: How often it was submitted.
        owner: The process that works on it.
        reason: Why it failed.
        tag: The tag of its last attempt.
        job: The job of its last attempt.
        session: The session or batch of its last attempt.
        calibration: When the device was calibrated, as known at the last attempt.
        started: When the last attempt was begun, in seconds since 1970.
        submitted: When the service accepted it.
        finished: When its result was written.
        usage_seconds: What the service says it took.
    """

    id: int
    kind: str
    target: str
    settings: dict[str, Any]
    layout: list[dict[str, Any]]
    content: bytes
    num_items: int
    executions: int
    state: str
    attempts: int
    owner: str | None
    reason: str | None
    tag: str | None
    job: str | None
    session: str | None
    calibration: str | None
    started: float | None
    submitted: float | None
    finished: float | None
    usage_seconds: float | None

    @property
    def is_unrecorded(self) -> bool:
        """Whether its record was damaged: after a repair, only its content, its jobs and its result are known.

        The program that asked for it knows the rest. When it is run again, the unit gets its record back.
        """
        return self.num_items == 0 and self.state != DISSOLVED


@dataclass(frozen=True)
class NewUnit:
    """A unit to be written: the keys of its items in order, and what it is."""

    keys: tuple[bytes, ...]
    kind: str
    target: str
    settings: dict[str, Any]
    layout: list[dict[str, Any]]
    executions: int


@dataclass(frozen=True)
class Surplus:
    """A job that nobody waits for.

    Attributes:
        job: Its id.
        tag: The tag of the attempt that made it, or that of its content if another file did.
        executed: Whether it ran; ``False`` means that it was cancelled in the queue.
    """

    job: str
    tag: str
    executed: bool


@dataclass(frozen=True)
class Attempt:
    """One submission of a unit.

    Attributes:
        number: Attempts are numbered in the order in which they were made.
        tag: The tag that its jobs carry.
        unit: The unit.
        job: The job that counts, if one is known.
        outcome: ``"open"``, ``"done"``, or why it came to nothing.
        moment: When it was begun.
        watched: Whether the service may still make a job of it that nobody waits for.
    """

    number: int
    tag: str
    unit: int
    job: str | None
    outcome: str
    moment: Moment
    watched: bool
