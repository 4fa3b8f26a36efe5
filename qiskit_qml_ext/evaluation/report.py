"""The report page: one HTML file that needs nothing from outside."""

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from qiskit_qml_ext.evaluation import figures
from qiskit_qml_ext.evaluation import formatting as fmt
from qiskit_qml_ext.evaluation.hardware import SHOTS_PER_SECOND

if TYPE_CHECKING:
    from jinja2 import Environment

    from qiskit_qml_ext.evaluation.results import Evaluation

# Figures are drawn in these colours, which then become the page's own: they follow light, dark and print.
_INK = "#010203"
_VARIABLES = {
    _INK: "currentColor",
    figures.QUANTUM: "var(--quantum)",
    figures.CONTROL: "var(--control)",
    figures.CLASSICAL: "var(--classical)",
    figures.BASELINE: "var(--soft)",
}
_STYLE = {
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
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


_SIZE = (4.6, 3.4)  # inches; small, so that text stays legible on a phone


def render_report(evaluation: "Evaluation") -> str:
    """Return the whole page as HTML."""
    page = _environment().get_template("report.html")
    return page.render(
        e=evaluation,
        css=files("qiskit_qml_ext.evaluation").joinpath("report.css").read_text(encoding="utf-8"),
        figures=_figures(evaluation),
        chosen=[(model.name, chosen(model.parameters)) for model in evaluation.models if any(model.parameters)],
        facts=_facts(evaluation),
        shots_per_second=SHOTS_PER_SECOND,
    )


def render_fragment(evaluation: "Evaluation") -> str:
    """Return the verdict and the table as HTML for a notebook."""
    return _environment().get_template("fragment.html").render(e=evaluation)


def chosen(parameters: Sequence[Mapping[str, float]]) -> str:
    """Say what a search chose over the folds: ``C 10 (3×), 1 (2×); bandwidth 0.1``."""
    parts = []
    for name in sorted({name for fold in parameters for name in fold}):
        counts = Counter(fold[name] for fold in parameters if name in fold)
        values = [
            f"{value:.3g} ({number}×)" if len(counts) > 1 else f"{value:.3g}" for value, number in counts.most_common()
        ]
        parts.append(f"{_WORDS.get(name, name)} {', '.join(values)}")
    return "; ".join(parts)


_WORDS = {
    "gamma": "γ",
    "alpha": "α",
    "learning_rate": "learning rate",
    "min_samples_leaf": "samples per leaf",
}


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("qiskit_qml_ext.evaluation", ""),
        autoescape=True,  # everything that came from the user's data is escaped
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {name: getattr(fmt, name) for name in ("score", "signed", "interval", "p_value", "duration", "count")}
    )
    return environment


def _facts(evaluation: "Evaluation") -> list[tuple[str, str]]:
    """Return what was run, as pairs of name and value."""
    settings, data, provenance = evaluation.settings, evaluation.dataset, evaluation.provenance
    samples = f"{data.num_samples:,}"
    if data.num_samples < evaluation.num_available:
        samples += f" of {evaluation.num_available:,}"
    encoded = "principal components" if settings.uses_pca else "features"
    facts = [
        ("Data", f"{data.name} ({data.source})"),
        ("Label", f"{data.label_name} ({data.task})"),
        ("Samples", samples),
        ("Features", f"{data.num_features:,}" + (f", {data.num_missing:,} values missing" if data.num_missing else "")),
    ]
    if data.class_names:
        shown = list(data.class_counts.items())
        text = ", ".join(f"{name}: {number:,}" for name, number in shown[:12])
        facts.append(("Classes", text + (f", … ({len(shown)} in all)" if len(shown) > 12 else "")))
    facts += [
        ("Feature map", f"{settings.feature_map} on {fmt.plural(settings.num_qubits, 'qubit')}"),
        ("Encoded", f"{settings.num_encoded} {encoded}"),
        ("Quantum models", settings.how_it_ran()),
        ("Folds", settings.folds_in_words()),
        ("Score", settings.scoring),
        ("Values of C", ", ".join(f"{value:g}" for value in settings.C_values)),
        ("Bandwidths", ", ".join(f"{value:g}" for value in settings.bandwidths)),
        ("Seed", str(settings.seed)),
        ("Started", provenance.started.replace("T", " ").replace("+00:00", " UTC")),
        ("Time", fmt.duration(provenance.seconds)),
        ("System", provenance.platform),
        ("Versions", ", ".join(f"{name} {version}" for name, version in provenance.versions.items())),
    ]
    return facts


def _figures(evaluation: "Evaluation") -> list[dict[str, str]]:
    """Return the figures as SVG, each with a title, a caption and a text for those who cannot see it."""
    best = "" if evaluation.best_classical is None else " The dashed line is the mean of the best classical model."
    drawn = [
        {
            "title": "Scores",
            "svg": _svg(evaluation, figures.plot_scores, _SIZE, "scores"),
            "alt": figures.describe_scores(evaluation),
            "caption": f"Each dot is a fold (at the same height in all rows), each bar a mean.{best}",
        }
    ]
    if evaluation.health is None or evaluation.kernel is None:
        return drawn
    health, kind = evaluation.health, "class" if evaluation.dataset.class_names else "label"
    contrast = (
        "Bright blocks on the diagonal mean that samples of one class look alike."
        if evaluation.dataset.class_names
        else "A bright band along the diagonal means that samples with similar labels look alike."
    )
    return [
        *drawn,
        {
            "title": "Kernel matrix",
            "svg": _svg(evaluation, figures.plot_kernel, _SIZE, "kernel"),
            "alt": f"Heat map of the {health.num_samples} by {health.num_samples} kernel matrix, sorted by {kind}.",
            "caption": f"How similar two training samples look to the quantum kernel, sorted by {kind}. {contrast}"
            " The colours start at the smallest entry.",
        },
        {
            "title": "Kernel entries",
            "svg": _svg(evaluation, figures.plot_entries, _SIZE, "entries"),
            "alt": f"Histogram of the kernel entries off the diagonal, mean {health.mean}.",
            "caption": "All values at one place would mean that the kernel cannot tell samples apart (concentration).",
        },
        {
            "title": "Eigenvalues",
            "svg": _svg(evaluation, figures.plot_spectrum, _SIZE, "spectrum"),
            "alt": f"Eigenvalue spectrum on a logarithmic axis; effective rank {health.effective_rank}.",
            "caption": "A steep fall: few directions matter, a simple model. A flat line: every sample is on its own.",
        },
    ]


def _svg(evaluation: "Evaluation", plot: figures.Plot, size: tuple[float, float], name: str) -> str:
    """Draw a figure as an SVG element that can stand inside a page beside others."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": name})  # type: ignore[dict-item]
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        plot(evaluation, figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", dpi=144, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Names inside one page must differ between its figures.
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", svg)
    svg = re.sub(r'^<svg([^>]*?) height="[^"]*"', r"<svg\1", svg)
    svg = svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour.lower(), variable)
    return svg
