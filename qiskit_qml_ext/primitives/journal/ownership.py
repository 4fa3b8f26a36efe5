"""Which process works on a unit, and whether that process still lives."""

import os
import socket
import uuid
from pathlib import Path


def new_owner() -> str:
    """Return a name for this process's claim: host, process, the process's start, and something unique."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_start_of(pid)}:{uuid.uuid4().hex[:8]}"


def is_dead(owner: str) -> bool:
    """Tell whether the owner certainly lives no more; of other machines' processes only the lease can tell."""
    host, pid, start, _ = owner.rsplit(":", 3)
    if host != socket.gethostname() or os.name == "nt":  # on Windows, kill(pid, 0) would not only ask
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OSError):
        return False
    return start != "?" and _start_of(int(pid)) not in (start, "?")


def _start_of(pid: int) -> str:
    """Return when a process started, in the kernel's ticks, so that a number used again is told apart."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "?"
    return "zombie" if fields[0] == "Z" else fields[19]
