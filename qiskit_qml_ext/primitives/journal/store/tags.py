"""The tags by which a service's jobs are known again: whose journal, which content, which attempt.

A job carries the tag of its journal (``qmlx-ID``), one for what it computes (``qmlx-ID-cCONTENT``) and one for the
attempt that made it (``qmlx-ID-LINEAGE-PLACE-UNIT-RANDOM``). The first two are the same for every copy of the journal's
file, so that work which a file does not know can be found and taken over.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

_ANYWHERE = "0000"  # no instance is named
_CONTENT = re.compile(r"c([0-9a-f]{20})")
_ATTEMPT = re.compile(r"([0-9a-f]{4})-([0-9a-f]{4})-\d+-[0-9a-f]{6}")
_ATTEMPT_OF_ANY = re.compile(r"-[0-9a-f]{4}-([0-9a-f]{4})-\d+-[0-9a-f]{6}\Z")
_SERVICE_ID = re.compile(r"[a-z0-9]{15,24}")
"""Ids of IBM's service; those that simulators give their jobs have dashes or colons in them, or are numbers."""


@dataclass(frozen=True)
class Marks:
    """What a job's tags say."""

    attempt: str | None = None
    """The tag of the attempt that made it; ``None`` if it carries none of this journal."""
    content: bytes | None = None
    """What it computes; ``None`` if it does not say."""
    lineage: str | None = None
    """Which copy of the journal's file made it."""
    place: str | None = None
    """Where it was submitted."""


def content_tag(journal: str, content: bytes) -> str:
    """Return the tag of all jobs that compute the same.

    Args:
        journal: The journal's tag.
        content: The content of the unit.
    """
    return f"{journal}-c{content.hex()}"


def new_attempt_tag(journal: str, *, lineage: str, place: str, unit: int) -> str:
    """Return a tag that no other attempt has."""
    return f"{journal}-{lineage}-{place}-{unit}-{uuid.uuid4().hex[:6]}"


def read_marks(tags: Iterable[str] | None, journal: str) -> Marks:
    """Read a job's tags; those of other journals and the user's own say nothing."""
    attempt = content = lineage = place = None
    for tag in tags or ():
        if not tag.startswith(f"{journal}-"):
            continue
        rest = tag.removeprefix(f"{journal}-")
        if match := _CONTENT.fullmatch(rest):
            content = bytes.fromhex(match.group(1))
        elif match := _ATTEMPT.fullmatch(rest):
            attempt, lineage, place = tag, match.group(1), match.group(2)
    return Marks(attempt, content, lineage, place)


def is_without_place(tag: str) -> bool | None:
    """Tell whether an attempt's tag names no instance of a service; ``None`` if it is of a kind that never does."""
    match = _ATTEMPT_OF_ANY.search(tag)
    return None if match is None else match.group(1) == _ANYWHERE


def is_local(tag: str, job: str | None, *, watched: bool) -> bool | None:
    """Tell whether an attempt was made on this machine; ``None`` if it does not say.

    Args:
        tag: The attempt's tag.
        job: Its job.
        watched: Whether the service may still make jobs of it. Of what runs here no service is ever suspected.
    """
    placeless = is_without_place(tag)
    if placeless is False:
        return False
    if job:
        return not _SERVICE_ID.fullmatch(job)
    return None if placeless is None else not watched


def place_of(instance: str | None) -> str:
    """Return a short name of an instance of the service; jobs are listed instance by instance."""
    return _ANYWHERE if instance is None else hashlib.blake2b(instance.encode(), digest_size=2).hexdigest()


def is_listed(tag: str, journal: str, places: Iterable[str]) -> bool:
    """Tell whether jobs of an attempt are among those that are listed at some places; if in doubt, they are.

    Args:
        tag: The attempt's tag.
        journal: The journal's tag.
        places: The places.
    """
    place = read_marks([tag], journal).place
    return place in (None, _ANYWHERE, *places) or _ANYWHERE in places
