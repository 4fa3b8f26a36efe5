"""The report of a diagnosis: verdicts first, then what to do, the price, what was not done, and the evidence."""

import html
import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from qiskit_qml_ext._version import __version__
from qiskit_qml_ext.diagnostics.diagnosis.findings import Finding
from qiskit_qml_ext.diagnostics.diagnosis.page import render_page
from qiskit_qml_ext.diagnostics.results.result import Result, html_table, plain
from qiskit_qml_ext.primitives import RunPlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA_VERSION = "2.0"
"""The version of the form of :meth:`Diagnosis.to_dict`: a new optional field raises its second number, what could
break a reader its first."""

_WIDTH = 100
_LISTS = {"advice": "What to do", "price": "The price", "skipped": "Not done"}
"""The fields of a diagnosis that are lists of sentences, with their headings, in the order of the report."""


class Skipped(str):
    """What was not done, and why, in words.

    Attributes:
        key: The title of the stage that was skipped.
    """

    key: str

    def __new__(cls, sentence: str, key: str) -> "Skipped":
        """Join a sentence and what it is about."""
        skipped = super().__new__(cls, sentence)
        skipped.key = key
        return skipped


@dataclass(frozen=True, repr=False)
class Diagnosis(Result):
    """What :func:`diagnose` found."""

    title: str
    """What was diagnosed."""
    findings: tuple[Finding, ...]
    """The verdict, the most important line first."""
    advice: tuple[str, ...]
    """What to do; each an :class:`Advice`."""
    price: tuple[str, ...]
    """What running it costs."""
    skipped: tuple[str, ...]
    """What was not done, and why; each a :class:`Skipped`."""
    seconds: float
    """How long it took."""
    seed: int | None
    """The seed."""
    evidence: Mapping[str, Result] = field(repr=False)
    """The results behind the findings, by the names of the functions that they come from."""
    plan: RunPlan | None = None
    """The numbers of the price on the backend that was named; None if none was, or none could be planned."""
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What each piece of evidence shows, as a heading, by the same names."""

    typical: ClassVar[Mapping[str, object]] = {"level": "", "code": "", "finding": ""}

    def headline(self) -> str:
        """Return the first finding."""
        return (
            self.findings[0].sentence
            if self.findings
            else "Nothing could be diagnosed; the report says what was not done and why."
        )

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the findings as rows of a table."""
        return [(finding.mark, finding.sentence, "") for finding in self.findings]

    def lists(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the lists of sentences below the verdict, each with its heading; those that are empty are left out."""
        return [(heading, sentences) for key, heading in _LISTS.items() if (sentences := getattr(self, key))]

    def sections(self) -> Iterator[tuple[str, Result]]:
        """Return the evidence, each result with its heading."""
        for key, result in self.evidence.items():
            yield self.titles.get(key, key), result

    def summary(self) -> str:
        """Return the whole report as text."""
        lines = [self.title, "=" * min(len(self.title), _WIDTH), ""]
        lines += [_wrapped(finding.sentence, f"{finding.mark} ") for finding in self.findings]
        for heading, sentences in self.lists():
            lines += ["", heading, *(_wrapped(sentence, "- ") for sentence in sentences)]
        for heading, result in self.sections():
            lines += ["", f"Evidence: {heading}", result.summary()]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers, texts, lists and dictionaries, with the version of their form."""
        evidence = {key: result.to_dict() for key, result in self.evidence.items()}
        codes = [getattr(sentence, "code", "") for sentence in self.advice]
        return {
            "schema_version": SCHEMA_VERSION,
            "version": __version__,
            **super().to_dict(),
            "advice_codes": codes,
            "evidence": plain(evidence),
        }

    def to_html(self) -> str:
        """Return a page that needs nothing from outside."""
        return render_page(
            title=self.title,
            findings=self.findings,
            lists=self.lists(),
            sections=self.sections(),
            seconds=self.seconds,
            seed=self.seed,
        )

    def save(self, path: str | Path) -> Path:
        """Write the report, readable by its owner only: a page for ``.html``, data for ``.json``, else text.

        Returns:
            The absolute path.

        Raises:
            ValueError: If the file cannot be written.
        """
        from qiskit_qml_ext.private_files import write_private

        suffix = Path(path).suffix.lower()
        if suffix in (".html", ".htm"):
            return write_private(path, self.to_html())
        if suffix == ".json":
            return write_private(path, json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return write_private(path, self.summary() + "\n")

    def records(self) -> list[dict[str, object]]:
        """Return the findings."""
        return [{"level": one.level, "code": one.code, "finding": one.sentence} for one in self.findings]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the first result that has a picture.

        Raises:
            ValueError: If there is no evidence.
        """
        for result in self.evidence.values():
            return result.plot(ax)  # type: ignore[attr-defined]
        raise ValueError("The report has no evidence to draw.")

    def _repr_html_(self) -> str:
        parts = [f"<h3>{html.escape(self.title)}</h3>", html_table([(mark, text, "") for mark, text, _ in self.rows()])]
        for heading, sentences in self.lists():
            items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
            parts.append(f"<h4>{heading}</h4><ul>{items}</ul>")
        for heading, result in self.sections():
            parts.append(f"<details><summary>{html.escape(heading)}</summary>{result._repr_html_()}</details>")
        return "".join(parts)


def _wrapped(sentence: str, start: str) -> str:
    return textwrap.fill(
        sentence, _WIDTH, initial_indent=start, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
