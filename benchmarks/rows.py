"""One line of a table: what is computed, by whom, and what we claim about it."""

from dataclasses import dataclass, field
from typing import Literal

from benchmarks.task import Case

CheckName = Literal["states", "close", "binomial", "none"]


@dataclass(frozen=True)
class Target:
    """A claim: ``minimum_ratio`` to the best rival, or an upper limit on our own time or memory.

    ``maximum_added_seconds`` limits how much longer than us the best rival takes: one that adds to what we do.
    """

    minimum_ratio: float | None = None
    maximum_seconds: float | None = None
    maximum_bytes: float | None = None
    maximum_added_seconds: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of a suite's table."""

    suite: str
    title: str
    case: Case
    rivals: tuple[str, ...] = ()
    """The contenders to whose best the target's ratio refers."""

    others: tuple[str, ...] = ()
    """Contenders that are measured too: modes that the target does not speak of."""

    target: Target = field(default_factory=Target)
    check: CheckName = "close"
    tolerance: float = 1e-6
    """How far a peer's numbers may be from ours."""

    items: int = 1
    """The table shows the time of a call divided by this."""

    measure: Literal["seconds", "bytes"] = "seconds"
    """``"bytes"``: our task returns a number of bytes, measured once in a process of its own."""
