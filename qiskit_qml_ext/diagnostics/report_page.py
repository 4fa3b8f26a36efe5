"""The report as one HTML page with its pictures inside."""

import io
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from qiskit_qml_ext.diagnostics.estimate import Result

if TYPE_CHECKING:
    from jinja2 import Template

    from qiskit_qml_ext.diagnostics.report import Diagnosis

_INK = "#010203"
_STYLE: dict[str, object] = {
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "svg.fonttype": "path",
}


def render_page(diagnosis: "Diagnosis") -> str:
    """Return the whole page."""
    sections = [
        {
            "title": title,
            "headline": result.headline(),
            "rows": result.rows(),
            "svg": _svg(result, f"figure{number}"),
            "alt": f"Picture of: {title}. {result.headline()}",
        }
        for number, (title, result) in enumerate(diagnosis.evidence.items())
    ]
    return _template().render(d=diagnosis, sections=sections)


@cache
def _template() -> "Template":
    from jinja2 import Environment

    source = files("qiskit_qml_ext.diagnostics").joinpath("report.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)


def _svg(result: Result, name: str) -> str:
    """Draw a result as an SVG element whose names differ from those of others on the page."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": name})  # type: ignore[dict-item]
        figure = Figure(figsize=(5.4, 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        result.plot(figure.add_subplot())  # type: ignore[attr-defined]
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", svg)
    svg = re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1).replace(_INK, "currentColor")
