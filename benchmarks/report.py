"""The outcome as Markdown, as JSON and on the terminal."""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.race import Measured, Outcome
from benchmarks.roofline import Rates, Share
from benchmarks.rows import Row
from benchmarks.suites import SUITES
from benchmarks.verdict import judge

_LONG_FIRST_CALL = 1.0  # seconds of a first call that the reader is told of


@dataclass(frozen=True)
class Report:
    """All that a run found."""

    date: str
    command: str
    machine: dict[str, str]
    load: tuple[float | None, float | None]
    """The load average before and after."""

    versions: dict[str, dict[str, str]]
    settings: dict[str, Any]
    rows: Measured
    rates: Rates
    shares: list[Share]


@dataclass(frozen=True)
class _Grid:
    title: str
    header: list[str]
    cells: list[list[str]]


def to_json(report: Report) -> str:
    """Everything, with each timing."""
    rows = [
        {
            "suite": row.suite,
            "title": row.title,
            "case": row.case,
            "outcomes": [{**asdict(outcome), "median": outcome.median} for outcome in outcomes],
            **asdict(judge(row, outcomes)),
        }
        for row, outcomes in report.rows
    ]
    content = {
        "date": report.date,
        "command": report.command,
        "machine": report.machine,
        "load_before_and_after": report.load,
        "versions": report.versions,
        "settings": report.settings,
        "rows": rows,
        "rates": asdict(report.rates),
        "shares": [asdict(share) for share in report.shares],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def to_markdown(report: Report) -> str:
    """The tables, for people."""
    lines = [f"# Benchmarks of {report.date}", ""]
    lines += [f"`{report.command}`", "", *_facts(report), ""]
    for suite, grid in _suite_grids(report):
        lines += [f"## {grid.title}", "", SUITES[suite][0], "", *_markdown_table(grid), "", *_notes(report, suite)]
    grid = _roofline_grid(report)
    lines += [f"## {grid.title}", "", *_markdown_table(grid), "", _counting(), ""]
    lines += ["## Who took part", ""]
    for name, contender in CONTENDERS.items():
        if name in report.versions:
            versions = ", ".join(f"{package} {version}" for package, version in report.versions[name].items())
            lines.append(f"- **{contender.label}**: {contender.mode} ({versions})")
    return "\n".join(lines) + "\n"


def print_report(report: Report, console: Console) -> None:
    """Print the tables."""
    for fact in _facts(report):
        console.print(fact, highlight=False, markup=False)
    for suite, grid in _suite_grids(report):
        console.print(_rich_table(grid))
        for note in _notes(report, suite):
            console.print(note, highlight=False, markup=False)
    console.print(_rich_table(_roofline_grid(report)))


def as_text(report: Report, width: int = 160) -> str:
    """What :func:`print_report` prints, without colours."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    print_report(report, console)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def save(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write ``DATE.json`` and ``DATE.md``; a second run on the same day replaces the first.

    Returns:
        The paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{report.date}.json", folder / f"{report.date}.md"
    for path, text in zip(paths, (to_json(report), to_markdown(report)), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def missing(report: Report) -> list[str]:
    """Where we have no number: an error, other than a peer that is absent."""
    return [
        f"{row.suite}: {row.title}: {outcome.status}"
        for row, outcomes in report.rows
        for outcome in outcomes
        if outcome.contender == OURS and outcome.status != "ok"
    ]


def format_seconds(seconds: float) -> str:
    """Three digits and a unit."""
    for limit, unit in ((1e-3, "µs"), (1.0, "ms"), (float("inf"), "s")):
        if seconds < limit:
            value = seconds * {"µs": 1e6, "ms": 1e3, "s": 1.0}[unit]
            return f"{value:,.0f} {unit}" if value >= 99.95 else f"{value:.3g} {unit}"
    raise AssertionError("unreachable: every number is below infinity")


def format_rate(rate: float | None, unit: str) -> str:
    """In billions per second."""
    return "–" if rate is None else f"{rate / 1e9:.1f} {unit}"


def _facts(report: Report) -> list[str]:
    machine = ", ".join(f"{name}: {value}" for name, value in report.machine.items())
    before, after = ("unknown" if load is None else f"{load:.2f}" for load in report.load)
    return [
        f"Machine: {machine}; load average before {before}, after {after}.",
        f"Median of {report.settings['repetitions']} timings, contenders in turns; a call of more than "
        f"{report.settings['slow']:g} s is timed once. Each result agreed with ours before it was timed.",
    ]


def _suite_grids(report: Report) -> list[tuple[str, _Grid]]:
    grids = []
    for suite in SUITES:
        rows = [(row, outcomes) for row, outcomes in report.rows if row.suite == suite]
        if rows:
            grids.append((suite, _suite_grid(suite, rows)))
    return grids


def _suite_grid(suite: str, rows: Measured) -> _Grid:
    """A column a row of the suite (there are few), a line a contender (there are many)."""
    names = list(dict.fromkeys(outcome.contender for _, outcomes in rows for outcome in outcomes))
    others = {name for row, _ in rows for name in row.others}
    cells = []
    for name in names:
        in_order = [next((outcome for outcome in outcomes if outcome.contender == name), None) for _, outcomes in rows]
        line = [_cell(row, outcome) for (row, _), outcome in zip(rows, in_order, strict=True)]
        cells.append([CONTENDERS[name].label + (" *" if name in others else ""), *line])
    verdicts = [judge(row, outcomes) for row, outcomes in rows]
    if any(row.rivals for row, _ in rows):
        cells.append(["**best rival / ours**", *(_ratio(verdict.ratio) for verdict in verdicts)])
    if others:
        cells.append(["best of all / ours", *(_ratio(verdict.ratio_to_all) for verdict in verdicts)])
    if any(verdict.target for verdict in verdicts):
        cells.append(["target", *(verdict.target or "–" for verdict in verdicts)])
        cells.append(["met", *({True: "yes", False: "**no**", None: "–"}[verdict.met] for verdict in verdicts)])
    return _Grid(suite.replace("_", " ").capitalize(), ["", *(row.title for row, _ in rows)], cells)


def _cell(row: Row, outcome: Outcome | None) -> str:
    if outcome is None:
        return "–"
    if outcome.status != "ok":
        return outcome.status.split(":")[0]
    if outcome.bytes is not None:
        return f"{outcome.bytes / 1e9:.3f} GB"
    median = outcome.median
    return "–" if median is None else format_seconds(median / row.items)


def _ratio(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:,.0f}" if ratio >= 99.5 else f"{ratio:.1f}"


def _notes(report: Report, suite: str) -> list[str]:
    """What does not fit into a cell: why a number is missing, and how it was found."""
    rows = [(row, outcomes) for row, outcomes in report.rows if row.suite == suite]
    notes: dict[str, list[str]] = {}
    for row, outcomes in rows:
        for outcome in outcomes:
            remarks = [outcome.note, _compilation(outcome)] if outcome.status == "ok" else [outcome.status]
            for remark in filter(None, remarks):
                notes.setdefault(f"{CONTENDERS[outcome.contender].label}: {remark}", []).append(row.title)
    lines = [
        f"- {note}" + ("" if len(titles) == len(rows) else f" ({'; '.join(titles)})") for note, titles in notes.items()
    ]
    if any(row.others for row, _ in rows):
        lines.append("- * measured too; the target does not speak of it")
    return [*lines, ""] if lines else []


def _compilation(outcome: Outcome) -> str:
    """Say how long the first call took where that is another order of magnitude."""
    first, median = outcome.first_seconds, outcome.median
    if first is None or median is None or first < max(_LONG_FIRST_CALL, 10 * median):
        return ""
    return f"its first call took {format_seconds(first)}"


def _roofline_grid(report: Report) -> _Grid:
    machine = report.rates
    title = (
        f"Roofline: complex128 product {format_rate(machine.gemm_flops, 'GFLOP/s')}, "
        f"complex64 {format_rate(machine.gemm_flops_single, 'GFLOP/s')}, "
        f"copy {format_rate(machine.copy_bytes, 'GB/s')}"
    )
    cells = [
        [share.row, f"{share.flops:.3g}", f"{share.bytes:.3g}", _percent(share.of_gemm), _percent(share.of_copy)]
        for share in report.shares
    ]
    return _Grid(title, ["ours", "operations", "bytes", "share of the product's rate", "share of the copy rate"], cells)


def _counting() -> str:
    return (
        "Operations of B states of N = 2ⁿ amplitudes: B·N·(2n + 12), that is n butterflies in the second repetition "
        "and two products with a phase, without sines; of a kernel matrix 8·N·B(B+1)/2 more. Bytes: 16·N·B, each "
        "amplitude written once, while the copy rate counts reading and writing."
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _markdown_table(grid: _Grid) -> list[str]:
    lines = [grid.header, ["---", *("---:" for _ in grid.header[1:])], *grid.cells]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _rich_table(grid: _Grid) -> Table:
    table = Table(title=grid.title, title_justify="left", box=box.SIMPLE_HEAD)
    for index, name in enumerate(grid.header):
        table.add_column(name, justify="left" if index == 0 else "right")
    for line in grid.cells:
        table.add_row(*(cell.replace("**", "") for cell in line))
    return table
