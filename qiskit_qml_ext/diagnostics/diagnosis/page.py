"""The report as one HTML page with its pictures inside."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from qiskit_qml_ext.diagnostics.results.svg import svg_element

if TYPE_CHECKING:
    from jinja2 import Template

    from qiskit_qml_ext.diagnostics.diagnosis.report import Diagnosis

_SIZE = (5.4, 3.4)  # inches


def render_page(diagnosis: "Diagnosis") -> str:
    """Return the whole page."""
    sections = [
        {
            "title": title,
            "headline": result.headline(),
            "rows": result.rows(),
            "svgs": [
                svg_element(draw, size=_SIZE, name=f"figure{number}{letter}")
                for letter, draw in zip("abc", result.drawings(), strict=False)
            ],
            "alt": f"Picture of: {title}. {result.headline()}",
        }
        for number, (title, result) in enumerate(diagnosis.evidence.items())
    ]
    return _template().render(d=diagnosis, sections=sections)


@cache
def _template() -> "Template":
    from jinja2 import Environment

    source = files("qiskit_qml_ext.diagnostics.diagnosis").joinpath("report.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
