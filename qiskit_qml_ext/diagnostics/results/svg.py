"""Figures as SVG elements that stand inside a page, take its colours, and get along with others there."""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Drawn in this colour, which no figure uses otherwise, and then made the page's own: it follows light, dark and print.
_INK = "#010203"
_STYLE: dict[str, object] = {
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
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


def svg_element(draw: Callable[["Axes"], object], *, size: tuple[float, float], name: str) -> str:
    """Draw a figure and return it as an ``<svg>`` element without a size of its own.

    Args:
        draw: Draws on axes.
        size: Width and height in inches, which set how large the text is beside the figure.
        name: A word that differs from those of the other figures on the page; the ids inside begin with it.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": name})  # type: ignore[dict-item]
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", dpi=144, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", svg)
    svg = re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1).replace(_INK, "currentColor")
