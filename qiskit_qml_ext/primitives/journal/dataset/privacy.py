"""What must not be in a data set: credentials, accounts, people, places of files, jobs of the service."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATTERNS: Mapping[str, re.Pattern[bytes]] = {
    "a cloud resource name": re.compile(rb"crn:v\d:[\w:.-]*"),
    "an e-mail address": re.compile(rb"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{2,}(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    "a token": re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|(?i:bearer\s+[A-Za-z0-9._~+/-]{16,})"),
    "a key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a tag of a journal": re.compile(rb"qmlx-[0-9a-f]{10}"),
}
_SECRETS = re.compile(r"TOKEN|API_?KEY|SECRET|PASSWORD|_INSTANCE$", re.IGNORECASE)
_SHORTEST = 8  # characters of a secret of the environment; shorter ones are words, such as "true"


def own_words(*paths: Path) -> dict[str, str]:
    """Return words that would tell whose data they are, each with what it is: folders, secrets of the environment."""
    words = {str(path.parent): "a folder of yours" for path in paths if len(path.parent.parts) > 1}
    home = Path.home()
    if len(home.parts) > 1:
        words[str(home)] = "your home folder"
    words |= {
        value: f"the value of {name}"
        for name, value in os.environ.items()
        if _SECRETS.search(name) and len(value) >= _SHORTEST
    }
    return words


def private_in(name: str, content: bytes, *, words: Mapping[str, str], allowed: Sequence[str] = ()) -> list[str]:
    """Return a sentence for each thing in a file that must not be there.

    Args:
        name: The file's name.
        content: Its bytes.
        words: Words that must not be there, each with what it is.
        allowed: What may be there though it looks private, as the user gave it for this place.
    """
    plain = content
    for given in allowed:
        plain = plain.replace(given.encode(), b"")
    said = []
    for what, pattern in _PATTERNS.items():
        match = pattern.search(plain)
        if match is not None:
            said.append(f"{name} holds {what}: {_shown(match.group())}.")
    said += [f"{name} holds {what}." for word, what in words.items() if word.encode() in plain]
    return said


def _shown(text: bytes) -> str:
    shown = text.decode("utf-8", "replace")
    return shown if len(shown) <= 12 else f"{shown[:12]}…"
