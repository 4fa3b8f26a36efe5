"""Points in time that no setting of a clock can move: ticks since a machine was started, and which start that was.

Wall clocks are stepped by time servers, by hand, and when a virtual machine goes on; so they are written down for the
reader only. What is decided by time is decided by these.

Two clocks are used. Ticks go on while a machine sleeps, for the service's minutes pass meanwhile. How long another
process has been silent is measured by ``time.monotonic`` instead, which stands still while this machine sleeps where
the system lets it, since then the other one sleeps too; see :mod:`.ownership`.
"""

import os
import sys
import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Moment:
    """A point in time."""

    boot: str
    """Which start of which machine the ticks count from."""
    ticks: float
    """Seconds since then, those of sleep included where the system counts them."""

    def seconds_until(self, later: "Moment") -> float | None:
        """Return the seconds from this moment to a later one; ``None`` if nothing can be said.

        Moments of two starts cannot be compared, nor can those before and after a virtual machine was set back, which
        shows where the later one comes out earlier.
        """
        if self.boot != later.boot or later.ticks < self.ticks:
            return None
        return later.ticks - self.ticks


def moment() -> Moment:
    """Return now."""
    return Moment(f"{boot_id()}.{time_namespace()}", _ticks())


@cache
def boot_id() -> str:
    """Return what tells this start of this machine from others; where the system has no such word, this process."""
    try:
        if sys.platform == "darwin":
            return _boot_session_of_a_mac()
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
    except (OSError, ValueError, AttributeError):
        return uuid.uuid4().hex


def time_namespace() -> str:
    """Return which setting of Linux's ticks this process sees; containers may have ticks of their own."""
    try:
        return str(os.stat("/proc/self/ns/time").st_ino)
    except OSError:  # kernels before 5.6 know one setting only
        return "0"


def _ticks() -> float:
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)  # its CLOCK_UPTIME_RAW stands still in sleep
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def _boot_session_of_a_mac() -> str:
    import ctypes

    text, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
    if ctypes.CDLL(None).sysctlbyname(b"kern.bootsessionuuid", text, ctypes.byref(size), None, 0):
        raise OSError("sysctl kern.bootsessionuuid failed")
    session = text.value.decode("ascii").replace("-", "").lower()
    if not session:
        raise OSError("sysctl kern.bootsessionuuid is empty")
    return session
