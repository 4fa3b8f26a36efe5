"""What the journal remembers, as plain records."""

from collections.abc import Mapping
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
    """The work of one job."""

    id: int
    """Its number in the journal."""
    kind: str
    """``"sampler"`` or ``"estimator"``."""
    target: str
    """The name of the target."""
    settings: dict[str, Any]
    """Shots or precision and the options that are not defaults, for the reader."""
    layout: list[dict[str, Any]]
    """The shapes that the result must have, one entry for each PUB."""
    content: bytes
    """What its items are, in order; jobs on the service carry it in a tag."""
    num_items: int
    """Circuits with their parameter values (sampler) or blocks of expectation values (estimator)."""
    executions: int
    """Circuits times shots."""
    state: str
    """One of ``STATES``."""
    attempts: int
    """How often it was submitted."""
    owner: str | None
    """The process that works on it."""
    reason: str | None
    """Why it failed."""
    tag: str | None
    """The tag of its last attempt."""
    job: str | None
    """The job of its last attempt."""
    session: str | None
    """The session or batch of its last attempt."""
    calibration: str | None
    """When the device was calibrated, as known at the last attempt."""
    started: float | None
    """When the last attempt was begun, in seconds since 1970."""
    submitted: float | None
    """When the service accepted it."""
    finished: float | None
    """When its result was written."""
    usage_seconds: float | None
    """What the service says it took."""

    @property
    def is_unrecorded(self) -> bool:
        """Whether its record was damaged: after a repair, only its content, its jobs and its result are known.

        The program that asked for it knows the rest. When it is run again, the unit gets its record back.
        """
        return self.num_items == 0 and self.state != DISSOLVED


@dataclass(frozen=True)
class NewInputs:
    """What a unit is asked for, in words that others understand; see :mod:`inputs` of the room *work*."""

    arrays: bytes
    """Values of parameters, as npz bytes."""
    about: dict[str, Any]
    """All else, with the keys of the parts."""
    parts: dict[bytes, tuple[str, bytes]]
    """What it shares with other units (circuits, how they are run), by key: its kind and its bytes."""


@dataclass(frozen=True)
class NewUnit:
    """A unit to be written: the keys of its items in order, and what it is."""

    keys: tuple[bytes, ...]
    """The keys of its items, in order."""
    kind: str
    """The kind of its requests."""
    target: str
    """Where it is to run."""
    settings: dict[str, Any]
    """The settings that it runs with."""
    layout: list[dict[str, Any]]
    """The shapes in which its items stand."""
    executions: int
    """How often its circuits are executed in all."""
    inputs: NewInputs | None = None
    """What it is asked for, where that is written down."""


@dataclass(frozen=True)
class Duplicate:
    """A job that nobody waits for."""

    job: str
    """Its id."""
    tag: str
    """The tag of the attempt that made it, or that of its content if another file did."""
    executed: bool
    """Whether it ran; ``False`` means that it was cancelled in the queue."""


@dataclass(frozen=True)
class Attempt:
    """One submission of a unit."""

    number: int
    """Attempts are numbered in the order in which they were made."""
    tag: str
    """The tag that its jobs carry."""
    unit: int
    """The unit."""
    job: str | None
    """The job that counts, if one is known."""
    outcome: str
    """``"open"``, ``"done"``, or why it came to nothing."""
    moment: Moment
    """When it was begun."""
    watched: bool
    """Whether the service may still make a job of it that nobody waits for."""

    @property
    def was_refused(self) -> bool:
        """Whether the service would not take it, or would fail it, a second time either."""
        return self.outcome in ("refused", "rejected")


def says_local(settings: Mapping[str, object]) -> bool:
    """Tell whether a unit's settings are those of a primitive on this machine: they say what the primitive holds."""
    return "content" in settings
