"""The result as text: a table, the diagnosis of the kernel, and the verdict."""

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from qiskit_qml_ext.evaluation import formatting as fmt
from qiskit_qml_ext.evaluation.diagnosis import measured, numbers, where

if TYPE_CHECKING:
    from qiskit_qml_ext.evaluation.results import Evaluation, ModelResult

TEXT_WIDTH = 120
_PROSE_WIDTH = 100
# What is left out, step by step, where the terminal is too narrow; the report has everything.
_ORDER = ("interval", "fit", "shots", "circuits", "difference")
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
    console.print(_fitting_table(evaluation, console))
    for model in evaluation.models:
        if model.failure is not None:
            _wrapped(console, f"{model.name} failed: {model.failure}", style="red")
    if evaluation.health is not None:
        _print_kernel(evaluation, console)
    notes = [*evaluation.notes, *(f"{m.name}: {warning}" for m in evaluation.models for warning in m.warnings)]
    for note in notes:
        _wrapped(console, f"Note: {note}", style="dim")
    if notes:
        console.print()
    _wrapped(console, evaluation.verdict.sentence, style="bold")
    for detail in (*evaluation.verdict.details, *([evaluation.hardware.sentence()] if evaluation.hardware else [])):
        _wrapped(console, detail)


def _wrapped(console: Console, text: str, *, start: str = "", style: str = "") -> None:
    """Print a paragraph, wrapped at a width that is comfortable to read, its lines under the end of ``start``."""
    width, rest = min(console.width, _PROSE_WIDTH), " " * len(start)
    for line in textwrap.wrap(
        text, width, initial_indent=start, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    ):
        console.print(Text(line, style=style), soft_wrap=True)


def _fitting_table(evaluation: "Evaluation", console: Console) -> Table:
    """Return the table with all columns, or with those that fit."""
    for number in range(len(_ORDER) + 1):
        table = _table(evaluation, _ORDER[:number])
        if console.measure(table, options=console.options.update(width=1000)).maximum <= console.width:
            break
    return table


def _table(evaluation: "Evaluation", dropped: Sequence[str]) -> Table:
    sampled = not evaluation.settings.is_exact
    headings = {
        "model": "Model",
        "score": evaluation.settings.scoring,
        "difference": "to best classical",
        "interval": "95 % interval",
        "p": "p",
        "fit": "fit",
        "circuits": "circuits" if sampled else "states",
        **({"shots": "shots"} if sampled else {}),
    }
    shown = [name for name in headings if name not in dropped]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in shown:
        table.add_column(headings[name], justify="left" if name == "model" else "right", no_wrap=True)
    for model in evaluation.models:
        cells = _cells(model, is_best=model.key == evaluation.best_classical)
        table.add_row(*(cells.get(name, "") for name in shown), style=_STYLES[model.role])
    return table


def _cells(model: "ModelResult", *, is_best: bool) -> dict[str, str]:
    """Return the cells of a row by the name of their column; those that are empty are left out."""
    cells = {"model": model.name}
    if model.role in ("quantum", "control"):
        cells |= {"circuits": f"{model.circuits:,}", "shots": fmt.count(model.shots)}
    if model.failure is not None:
        return cells | {"score": "failed"}
    cells |= {"score": f"{fmt.score(model.mean)} ± {fmt.score(model.std)}", "fit": fmt.duration(model.fit_seconds)}
    if is_best:
        return cells | {"difference": "best classical"}
    if (comparison := model.comparison) is None:
        return cells
    return cells | {
        "difference": fmt.signed(comparison.difference),
        "interval": fmt.interval(comparison.low, comparison.high),
        "p": fmt.p_value(comparison.p_value),
    }


def _print_kernel(evaluation: "Evaluation", console: Console) -> None:
    """Print what was found about the quantum kernel, findings first, then the numbers that they do not tell."""
    health, kernel, diagnosis = evaluation.health, evaluation.kernel, evaluation.diagnosis
    assert health is not None
    assert kernel is not None
    samples = f"{kernel.place} ({health.num_samples:,} samples)"
    console.print()
    if diagnosis is None:
        _wrapped(console, f"The quantum kernel: bandwidth {kernel.bandwidth:g}, on {samples}")
    else:
        _wrapped(console, f"The quantum kernel: {where(evaluation)}")
        for finding in diagnosis.findings:
            _wrapped(console, finding.sentence, start=f"  {finding.mark} ")
        for sentence in (*diagnosis.advice, *(f"Not done: {reason}" for reason in diagnosis.skipped)):
            _wrapped(console, sentence, start="  → ")
    console.print(_grid(numbers(evaluation)))
    if rows := measured(evaluation):
        _wrapped(console, f"As sampled on {evaluation.settings.target}, on all of {samples}")
        console.print(_grid(rows))
    console.print()


def _grid(rows: Sequence[tuple[str, str, str]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value, meaning in rows:
        grid.add_row(f"  {name}", value, Text(meaning, style="dim"))
    return grid
