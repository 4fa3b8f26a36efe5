"""Which process works on a unit, and whether that process still lives.

A claim may be taken over from a process that is certainly dead, at once, and from one that was silent for a lease. A
process that cannot be seen from here (another container or machine) is judged by its silence alone. One that can be
seen may be silent because it is suspended, or because a simulator lets no other thread of it run: while it lives, it
keeps what would be run twice if it went on; see :class:`Risk`.
"""

import os
import socket
import sys
import time
import uuid
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from qiskit_qml_ext.primitives.journal.disk.moments import boot_id, time_namespace
from qiskit_qml_ext.primitives.journal.disk.records import SUBMITTED

LEASE_SECONDS = 120.0
"""How long a silent process keeps its claim on a unit; one that is certainly dead loses it at once."""

_UNKNOWN = "?"
_retired: set[str] = set()


class Beats(Protocol):
    """Where owners count their heartbeats."""

    def beat_of(self, owner: str) -> int | None:
        """Return how often an owner gave a sign of life, ``None`` for one that is not on record."""


class Life(Enum):
    """What can be seen of a process from here."""

    LIVES = "lives"
    SUSPENDED = "is suspended"
    DEAD = "is dead"
    UNSEEN = "cannot be seen from here"


class Risk(Enum):
    """What happens if an owner goes on although its claim was taken over."""

    NONE = "both fetch the same job"
    DUPLICATE = "a request that it was about to send leaves after all; its job is found by the tag, dropped or reported"
    SECOND_RUN = "what lives and dies with its process runs twice"

    @classmethod
    def of(cls, state: str, *, durable: bool) -> "Risk":
        """Return the risk with a unit under way in a state, on a service whose jobs live on without the process."""
        if not durable:
            return cls.SECOND_RUN
        return cls.NONE if state == SUBMITTED else cls.DUPLICATE


@dataclass
class _Silence:
    beat: int | None
    looked: float
    seconds: float = 0.0


class Liveness:
    """Tells which owners are gone: those whose process is dead, and those that gave no sign of life for a lease.

    How long a sign of life is overdue is measured by this process's own clock from when it first saw the last one, so
    that no other clock matters. Of the time between two looks not more than a quarter of a lease counts: whoever was
    suspended for an hour has not watched for an hour, and the others may have been suspended with it.

    Args:
        journal: Where owners count their heartbeats.
    """

    def __init__(self, journal: Beats):
        self._journal = journal
        self._seen: dict[str, _Silence] = {}

    def is_gone(self, owner: str | None, risk: Risk = Risk.SECOND_RUN) -> bool:
        """Tell whether an owner's claim may be taken over.

        After a lease of silence it may, but for two cases: a process that is seen to live and that is not suspended
        keeps what it may be submitting, and any process that is seen to live keeps what would run twice.

        Args:
            owner: The owner; ``None`` if nobody has a claim.
            risk: What happens if it goes on all the same.
        """
        if owner is None:
            return True
        life = life_of(owner)
        if life is Life.DEAD:
            return True
        enough = {
            Life.UNSEEN: True,
            Life.SUSPENDED: risk is not Risk.SECOND_RUN,
            Life.LIVES: risk is Risk.NONE,
        }[life]
        return self.silence(owner) >= LEASE_SECONDS and enough

    def silence(self, owner: str) -> float:
        """Return for how many seconds this process has seen an owner give no sign of life."""
        beat, now = self._journal.beat_of(owner), time.monotonic()
        seen = self._seen.get(owner)
        if seen is None or seen.beat != beat:
            seen = self._seen[owner] = _Silence(beat, now)
        seen.seconds += min(now - seen.looked, LEASE_SECONDS / 4)
        seen.looked = now
        return seen.seconds

    def shows_life(self, owner: str) -> bool:
        """Watch an owner until it is certain that it lives or that its claim may be taken over, for a lease at most."""
        first = self._journal.beat_of(owner)
        while not self.is_gone(owner):
            if life_of(owner) is not Life.UNSEEN or self._journal.beat_of(owner) != first:
                return True
            time.sleep(min(1.0, LEASE_SECONDS / 100))
        return False

    def describe(self, owner: str) -> str:
        """Return who an owner is and what is known of its life, for a reader who waits for it."""
        life, silence = life_of(owner), self.silence(owner)
        words = [name_of(owner)]
        if life is Life.SUSPENDED:
            words.append("which is suspended: let it go on or end it")
        elif silence > LEASE_SECONDS / 2 and life is Life.LIVES:
            words.append(f"which lives but gave no sign of life for {silence:.0f} s")
        elif silence > LEASE_SECONDS / 2:
            words.append(f"which gave no sign of life for {silence:.0f} s; after {LEASE_SECONDS:.0f} s it is given up")
        return ", ".join(words)


def new_owner() -> str:
    """Return a name for this process's claim: host, boot, process namespace, process, its start, something unique."""
    start = _state_and_start("self")[1]
    return f"{socket.gethostname()}:{boot_id()}:{_namespace()}:{os.getpid()}:{start}:{uuid.uuid4().hex[:8]}"


def retire(owner: str) -> None:
    """Note that an owner of this process works no more, although its claims could not be given up in the journal."""
    _retired.add(owner)


def name_of(owner: str) -> str:
    """Return who an owner is: ``"process 123 on HOST"``."""
    parts = owner.rsplit(":", 5)
    if len(parts) != 6:
        return "an unknown process"
    if parts[1:4] == [boot_id(), _namespace(), str(os.getpid())] and parts[2] != _UNKNOWN:
        return "another run of this process"
    return f"process {parts[3]} on {parts[0]}"


def is_dead(owner: str) -> bool:
    """Tell whether the owner certainly lives no more; of processes that cannot be seen from here only time can tell."""
    return life_of(owner) is Life.DEAD


def life_of(owner: str) -> Life:
    """Tell what can be seen of an owner's process.

    Process numbers mean something within one namespace of processes of one running kernel only: containers may share a
    host's name. A number that is used again is told apart by when its process started, in the kernel's ticks.
    """
    if owner in _retired:
        return Life.DEAD
    parts = owner.rsplit(":", 5)
    if len(parts) != 6 or os.name == "nt":  # on Windows, kill(pid, 0) would not only ask
        return Life.UNSEEN
    _, boot, namespace, pid, start, _ = parts
    if boot != boot_id() or namespace != _namespace() or namespace == _UNKNOWN or not _is_number(pid):
        return Life.UNSEEN
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return Life.DEAD
    except PermissionError:
        pass  # another user's
    except (OSError, OverflowError):
        return Life.UNSEEN
    state, started = _state_and_start(pid) if _shows_own_numbers() else (_UNKNOWN, _UNKNOWN)
    if started == _UNKNOWN or not _is_number(start):
        return Life.UNSEEN
    if started != start or state in ("Z", "X"):
        return Life.DEAD
    return Life.SUSPENDED if state in ("T", "t") else Life.LIVES


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) > 0


def _namespace() -> str:
    """Return which numbering of processes, with which ticks for their starts, this process sees."""
    if sys.platform == "darwin":
        return "0"  # there is one
    try:
        return f"{os.stat('/proc/self/ns/pid').st_ino}.{time_namespace()}"
    except OSError:
        return _UNKNOWN


def _shows_own_numbers() -> bool:
    """Tell whether /proc shows the processes of this namespace, not those of one further up."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def _state_and_start(pid: str) -> tuple[str, str]:
    """Return the letter of a process's state and when it started in the kernel's ticks, as far as /proc shows it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        state, start = fields[0], fields[19]
        # A process whose first thread has ended shows as a zombie although the others go on.
        if state == "Z" and len(os.listdir(f"/proc/{pid}/task")) > 1:
            state = "S"
    except (OSError, IndexError):
        return _UNKNOWN, _UNKNOWN
    return state, start
