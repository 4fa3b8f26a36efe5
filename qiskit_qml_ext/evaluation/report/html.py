"""HTML from the templates of the sections: everything that came from the user's data is escaped."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from qiskit_qml_ext.diagnostics.results.svg import svg_element
from qiskit_qml_ext.evaluation import formatting as fmt
from qiskit_qml_ext.evaluation.report import figures

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from matplotlib.axes import Axes

# These colours of the figures become the page's own: they follow light and dark.
_VARIABLES = {
    figures.QUANTUM: "var(--quantum)",
    figures.CONTROL: "var(--control)",
    figures.CLASSICAL: "var(--classical)",
    figures.BASELINE: "var(--soft)",
}
_SIZE = (4.6, 3.4)  # inches; small, so that text stays legible on a phone


class Figure(NamedTuple):
    """A picture on the page; the macro ``drawing`` of blocks.html shows it."""

    title: str
    """Its heading."""
    svg: str
    """The picture."""
    alt: str
    """A text to be read aloud."""
    caption: str
    """How to read it."""


def render(source: str, **values: object) -> str:
    """Fill in a template; it may ``{% import "blocks.html" as blocks %}``."""
    return _template(source).render(**values)


def render_file(name: str, **values: object) -> str:
    """Fill in a template of this folder."""
    return _environment().get_template(name).render(**values)


def svg(draw: Callable[["Axes"], object], name: str) -> str:
    """Draw a figure in the page's colours."""
    drawn = svg_element(draw, size=_SIZE, name=name)
    for colour, variable in _VARIABLES.items():
        drawn = drawn.replace(colour.lower(), variable)
    return drawn


@cache
def _template(source: str) -> "Template":
    return _environment().from_string(source)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("qiskit_qml_ext.evaluation.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {name: getattr(fmt, name) for name in ("score", "signed", "interval", "p_value", "duration", "count")}
    )
    return environment
