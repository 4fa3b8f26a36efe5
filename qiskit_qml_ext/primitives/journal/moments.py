"""Points in time that no setting of a clock can move: ticks since a machine was started, and which start that was.

Wall clocks are stepped by time servers, by hand, and when a virtual machine goes on; so they are written down for the
reader only. What is decided by time is decided by these.
"""

import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Moment:
    """A point in time.

    Attributes:
        boot: Which start of which machine the ticks count from.
        ticks: Seconds since then, those of sleep included where the system counts them.
    """

    boot: str
    ticks: float

    def seconds_until(self, later: "Moment") -> float | None:
        """Return the seconds from this moment to a later one; ``None`` if nothing can be said.

        Moments of two starts cannot be compared, nor can those of two containers whose ticks were set apart, which
        shows where the later one comes out earlier.
        """
        if self.boot != later.boot or later.ticks < self.ticks:
            return None
        return later.ticks - self.ticks


def moment() -> Moment:
    """Return now."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return Moment(boot_id(), time.monotonic() if clock is None else time.clock_gettime(clock))


@cache
def boot_id() -> str:
    """Return what tells this start of this machine from others; where the system has no such word, this process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
    except OSError:
        return uuid.uuid4().hex
