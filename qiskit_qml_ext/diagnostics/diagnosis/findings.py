"""The sentences of a diagnosis, each with one word for programs: the same word whatever the numbers in the sentence."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["good", "bad", "unknown"]
_MARKS: dict[str, str] = {"good": "✓", "bad": "✗", "unknown": "?"}


@dataclass(frozen=True)
class Finding:
    """One line of the verdict."""

    level: Level
    """``"good"``, ``"bad"`` or ``"unknown"``."""
    sentence: str
    """The finding, in words for someone who has not read the papers."""
    code: str = ""
    """What was found, as one word for programs; the same finding has the same code whatever its numbers."""

    @property
    def mark(self) -> str:
        """The level as one character."""
        return _MARKS[self.level]


class Advice(str):
    """What to do, in words, and as one word for programs.

    Attributes:
        code: The same advice has the same code whatever its numbers.
    """

    code: str

    def __new__(cls, sentence: str, code: str = "") -> "Advice":
        """Join a sentence and its code."""
        advice = super().__new__(cls, sentence)
        advice.code = code
        return advice


class Skipped(str):
    """What was not done and why, in words, and as the name of the function that was not run.

    Attributes:
        key: The name of the function, the key that its result would have in ``Diagnosis.evidence``; several are
            separated by a comma, and it is empty for none.
    """

    key: str

    def __new__(cls, sentence: str, key: str = "") -> "Skipped":
        """Join a sentence and the name of a function."""
        skipped = super().__new__(cls, sentence)
        skipped.key = key
        return skipped
