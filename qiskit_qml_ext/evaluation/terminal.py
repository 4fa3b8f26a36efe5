"""The result as text: a table, the kernel's health, and the verdict."""

import io
import textwrap
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from qiskit_qml_ext.evaluation import formatting as fmt

if TYPE_CHECKING:
    from qiskit_qml_ext.evaluation.results import Evaluation, ModelResult

TEXT_WIDTH = 110
_NARROW = 100  # below this width the confidence intervals are left to the report
_STYLES = {"quantum": "bold", "control": "", "classical": "", "baseline": "dim"}


def as_text(evaluation: "Evaluation", *, width: int = TEXT_WIDTH) -> str:
    """Return the result as plain text without colours."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None, highlight=False)
    print_evaluation(evaluation, console)
    return console.file.getvalue().rstrip() + "\n"  # type: ignore[attr-defined]


def print_evaluation(evaluation: "Evaluation", console: Console) -> None:
    """Print the result on a console."""
    settings, data = evaluation.settings, evaluation.dataset
    console.print(Text(data.summary(), style="bold"))
    console.print(
        f"{escape(settings.feature_map)} on {fmt.plural(settings.num_qubits, 'qubit')}, {settings.how_it_ran()}; "
        f"{settings.folds_in_words()}",
        style="dim",
    )
    console.print(_table(evaluation, wide=console.width >= _NARROW))
    for model in evaluation.models:
        if model.failure is not None:
            _wrapped(console, f"{model.name} failed: {model.failure}", style="red")
    if evaluation.health is not None:
        _print_health(evaluation, console)
    notes = [*evaluation.notes, *(f"{m.name}: {warning}" for m in evaluation.models for warning in m.warnings)]
    for note in notes:
        _wrapped(console, f"Note: {note}", style="dim")
    if notes:
        console.print()
    _wrapped(console, evaluation.verdict.sentence, style="bold")
    for detail in (*evaluation.verdict.details, *([evaluation.hardware.sentence()] if evaluation.hardware else [])):
        _wrapped(console, detail)


def _wrapped(console: Console, text: str, *, style: str = "") -> None:
    """Print a paragraph, wrapped at a width that is comfortable to read."""
    width = min(console.width, TEXT_WIDTH)
    for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
        console.print(Text(line, style=style), soft_wrap=True)


def _table(evaluation: "Evaluation", *, wide: bool) -> Table:
    sampled = not evaluation.settings.is_exact
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    table.add_column("Model", no_wrap=True)
    table.add_column(evaluation.settings.scoring, justify="right", no_wrap=True)
    table.add_column("to best classical", justify="right", no_wrap=True)
    if wide:
        table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("fit", justify="right", no_wrap=True)
    table.add_column("circuits" if sampled else "states", justify="right", no_wrap=True)
    if sampled:
        table.add_column("shots", justify="right", no_wrap=True)
    for model in evaluation.models:
        cells = _cells(model, is_best=model.key == evaluation.best_classical)
        if not wide:
            del cells[3]
        table.add_row(*cells[: len(table.columns)], style=_STYLES[model.role])
    return table


def _cells(model: "ModelResult", *, is_best: bool) -> list[str]:
    """Return name, score, difference, interval, p, fit time, circuits and shots of a row."""
    if model.failure is not None:
        return [model.name, "failed", "", "", "", "", *_usage(model)]
    comparison = model.comparison
    if comparison is None:
        difference, interval, p_value = "best classical" if is_best else "–", "", ""
    else:
        difference, p_value = fmt.signed(comparison.difference), fmt.p_value(comparison.p_value)
        interval = f"{fmt.signed(comparison.low)} to {fmt.signed(comparison.high)}"
    spread = f"{fmt.score(model.mean)} ± {fmt.score(model.std)}"
    return [model.name, spread, difference, interval, p_value, fmt.duration(model.fit_seconds), *_usage(model)]


def _usage(model: "ModelResult") -> list[str]:
    if model.role not in ("quantum", "control"):
        return ["", ""]
    return [f"{model.circuits:,}", fmt.count(model.shots)]


def _print_health(evaluation: "Evaluation", console: Console) -> None:
    health, kernel = evaluation.health, evaluation.kernel
    assert health is not None
    assert kernel is not None
    console.print()
    console.print(
        f"The quantum kernel on the first training set ({health.num_samples:,} samples, bandwidth {kernel.bandwidth:g})"
    )
    grid = Table.grid(padding=(0, 2))
    for name, value, meaning in health.rows():
        grid.add_row(f"  {name}", value, Text(meaning, style="dim"))
    console.print(grid)
    console.print()
