"""Which process works on a unit, and whether that process still lives."""

import os
import socket
import time
import uuid
from functools import cache
from pathlib import Path
from typing import Protocol

from qiskit_qml_ext.primitives.journal.moments import boot_id

LEASE_SECONDS = 120.0
"""How long a silent process keeps its claim on a unit; one that is certainly dead loses it at once."""


class Beats(Protocol):
    """Where owners count their heartbeats."""

    def beat_of(self, owner: str) -> int | None:
        """Return how often an owner gave a sign of life, ``None`` for one that is not on record."""


class Liveness:
    """Tells which owners are gone: those whose process is dead, and those that gave no sign of life for a lease.

    How long a sign of life is overdue is measured by this process's own clock from when it first saw the last one, so
    that no other clock matters.

    Args:
        journal: Where owners count their heartbeats.
    """

    def __init__(self, journal: Beats):
        self._journal = journal
        self._seen: dict[str, tuple[int | None, float]] = {}

    def is_gone(self, owner: str | None) -> bool:
        """Tell whether an owner's claims may be taken over."""
        if owner is None or is_dead(owner):
            return True
        beat, now = self._journal.beat_of(owner), time.monotonic()
        if owner not in self._seen or self._seen[owner][0] != beat:
            self._seen[owner] = beat, now
        return now - self._seen[owner][1] >= LEASE_SECONDS


def new_owner() -> str:
    """Return a name for this process's claim: host, boot, process namespace, process, its start, something unique."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{boot_id()}:{_namespace()}:{pid}:{_start_of(pid)}:{uuid.uuid4().hex[:8]}"


def is_dead(owner: str) -> bool:
    """Tell whether the owner certainly lives no more; of processes that cannot be seen from here only time can tell.

    Process numbers mean something within one namespace of processes of one running kernel only: containers may share a
    host's name.
    """
    parts = owner.rsplit(":", 5)
    if len(parts) != 6 or os.name == "nt":  # on Windows, kill(pid, 0) would not only ask
        return False
    _, boot, namespace, pid, start, _ = parts
    if boot != boot_id() or namespace != _namespace() or namespace == "?" or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return start != "?" and _start_of(int(pid)) not in (start, "?")


@cache
def _namespace() -> str:
    """Return which numbering of processes this one belongs to."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return "?"


def _start_of(pid: int) -> str:
    """Return when a process started, in the kernel's ticks, so that a number used again is told apart."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "?"
    return "zombie" if fields[0] == "Z" else fields[19]
