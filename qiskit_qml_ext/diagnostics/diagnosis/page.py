"""The report as one HTML page with its pictures inside."""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from qiskit_qml_ext.diagnostics.diagnosis.findings import Finding
from qiskit_qml_ext.diagnostics.results.result import Result
from qiskit_qml_ext.diagnostics.results.svg import svg_element

if TYPE_CHECKING:
    from jinja2 import Template

_SIZE = (5.4, 3.4)  # inches


def render_page(
    *,
    title: str,
    findings: Sequence[Finding],
    lists: Sequence[tuple[str, Sequence[str]]],
    sections: Iterable[tuple[str, Result]],
    seconds: float,
    seed: int | None,
) -> str:
    """Return the whole page.

    Args:
        title: What was diagnosed.
        findings: The verdict.
        lists: Lists of sentences with their headings.
        sections: The evidence, each result with its heading.
        seconds: How long it took.
        seed: The seed.
    """
    shown = [
        {
            "title": heading,
            "headline": result.headline(),
            "rows": result.rows(),
            "svgs": [
                svg_element(draw, size=_SIZE, name=f"figure{number}{letter}")
                for letter, draw in zip("abc", result.drawings(), strict=False)
            ],
            "alt": f"Picture of: {heading}. {result.headline()}",
        }
        for number, (heading, result) in enumerate(sections)
    ]
    return _template().render(title=title, findings=findings, lists=lists, sections=shown, seconds=seconds, seed=seed)


@cache
def _template() -> "Template":
    from jinja2 import Environment

    source = files("qiskit_qml_ext.diagnostics.diagnosis").joinpath("report.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
