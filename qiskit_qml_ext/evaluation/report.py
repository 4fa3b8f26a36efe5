"""The report page: one HTML file that needs nothing from outside."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from qiskit_qml_ext.diagnostics.results.svg import svg_element
from qiskit_qml_ext.evaluation import figures
from qiskit_qml_ext.evaluation import formatting as fmt
from qiskit_qml_ext.evaluation.diagnosis import difference_of, measured, numbers, where

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.axes import Axes

    from qiskit_qml_ext.evaluation.results import Evaluation

# These colours of the figures become the page's own: they follow light and dark.
_VARIABLES = {
    figures.QUANTUM: "var(--quantum)",
    figures.CONTROL: "var(--control)",
    figures.CLASSICAL: "var(--classical)",
    figures.BASELINE: "var(--soft)",
}
_SIZE = (4.6, 3.4)  # inches; small, so that text stays legible on a phone


def render_report(evaluation: "Evaluation") -> str:
    """Return the whole page as HTML."""
    page = _environment().get_template("report.html")
    return page.render(
        e=evaluation,
        css=files("qiskit_qml_ext.evaluation").joinpath("report.css").read_text(encoding="utf-8"),
        scores=_score_figure(evaluation),
        kernel_figures=_kernel_figures(evaluation),
        tables=_tables(evaluation),
        scope=_scope(evaluation),
        where=_where(evaluation),
        chosen=[(model.name, chosen(model.parameters)) for model in evaluation.models if any(model.parameters)],
        facts=_facts(evaluation),
    )


def render_fragment(evaluation: "Evaluation") -> str:
    """Return the verdict, the table and the findings about the kernel as HTML for a notebook."""
    return _environment().get_template("fragment.html").render(e=evaluation, where=_where(evaluation))


def _where(evaluation: "Evaluation") -> str:
    return "" if evaluation.diagnosis is None else where(evaluation)


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


def _scope(evaluation: "Evaluation") -> str:
    """Say what the pictures and the numbers of the kernel belong to, and how their errors were computed."""
    if evaluation.kernel is None or evaluation.health is None:
        return ""
    samples = f"{evaluation.kernel.place} ({evaluation.health.num_samples:,} samples)"
    if evaluation.diagnosis is None:
        return f"On {samples}, bandwidth {evaluation.kernel.bandwidth:g}. Errors: {evaluation.health.method}."
    how = "" if evaluation.settings.is_exact else f", sampled on {evaluation.settings.target}"
    return (
        f"Matrix, entries, eigenvalues, effective rank and alignment: all of {samples}{how}. "
        f"Errors: {evaluation.health.method}."
    )


def _tables(evaluation: "Evaluation") -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Return the tables of the kernel's numbers, each with its title."""
    tables = [
        ("In numbers", numbers(evaluation)),
        (f"As sampled on {evaluation.settings.target}", measured(evaluation)),
    ]
    return [(title, rows) for title, rows in tables if rows]


def _score_figure(evaluation: "Evaluation") -> dict[str, str]:
    best = "" if evaluation.best_classical is None else " The dashed line is the mean of the best classical model."
    return {
        "title": "Scores",
        "svg": _svg(lambda axes: figures.plot_scores(evaluation, axes), "scores"),
        "alt": figures.describe_scores(evaluation),
        "caption": f"Each dot is a fold (at the same height in all rows), each bar a mean.{best}",
    }


def _kernel_figures(evaluation: "Evaluation") -> list[dict[str, str]]:
    """Return the figures of the quantum kernel as SVG, each with a title, a caption and a text to be read aloud."""
    health = evaluation.health
    if health is None or evaluation.kernel is None:
        return []
    by_class = bool(evaluation.dataset.class_names)
    kind = "class" if by_class else "label"
    contrast = (
        "Bright blocks on the diagonal mean that samples of one class look alike."
        if by_class
        else "A bright band along the diagonal means that samples with similar labels look alike."
    )
    drawn = [
        {
            "title": "Kernel matrix",
            "svg": _svg(lambda axes: figures.plot_kernel(evaluation, axes), "kernel"),
            "alt": f"Heat map of the {health.num_samples} by {health.num_samples} kernel matrix, sorted by {kind}.",
            "caption": f"How similar two training samples look to the quantum kernel, sorted by {kind}. {contrast}"
            " The colours start at the smallest entry.",
        },
        {
            "title": "Kernel entries",
            "svg": _svg(lambda axes: figures.plot_entries(evaluation, axes), "entries"),
            "alt": f"Histogram of the kernel entries off the diagonal, mean {health.mean}.",
            "caption": "All values at one place would mean that all pairs of samples look alike (concentration).",
        },
        {
            "title": "Eigenvalues",
            "svg": _svg(lambda axes: figures.plot_spectrum(evaluation, axes), "spectrum"),
            "alt": f"Eigenvalue spectrum on a logarithmic axis; effective rank {health.effective_rank}.",
            "caption": "A steep fall: few directions matter, a simple model. A flat line: every sample is on its own.",
        },
    ]
    other = None if evaluation.diagnosis is None else difference_of(evaluation.diagnosis)
    if other is not None:
        drawn.append(
            {
                "title": "Classical kernels beside it",
                "svg": _svg(other.plot, "difference"),
                "alt": f"Bar chart of the geometric difference of {len(other.comparisons)} classical kernels from the "
                f"quantum kernel, the smallest {other.closest.total:.3g} for {other.closest.name}.",
                "caption": "The geometric difference g: labels are at most g² times as complex for that classical "
                "kernel as for the quantum kernel. Whether these labels are is another question; which model predicts "
                "them better, the scores answer.",
            }
        )
    return drawn


def _svg(draw: Callable[["Axes"], object], name: str) -> str:
    """Draw a figure in the page's colours."""
    svg = svg_element(draw, size=_SIZE, name=name)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour.lower(), variable)
    return svg
