"""``python -m benchmarks``: measure, print and store; ``python -m benchmarks setup``: make the peers' environments."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path

import click
from rich.console import Console

from benchmarks import environments, machine, roofline
from benchmarks import report as reports
from benchmarks.contenders import CONTENDERS
from benchmarks.race import Field, Measured, Settings, race
from benchmarks.rows import Row, Target
from benchmarks.suites import SUITES

_RESULTS = Path(__file__).resolve().parent / "results"
_PLAIN_WIDTH = 140  # of tables that go to a file or a pipe
_TINY = {"repetitions": 2, "window": 0.005, "pause": 0.0, "patience": 120.0}

_environments_option = click.option(
    "--environments",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=environments.DEFAULT_FOLDER,
    show_default=True,
    help="The folder of the peers' virtual environments.",
)


def _choice(names: dict[str, object], what: str) -> Callable[..., tuple[str, ...]]:
    """A callback that splits a list with commas and checks each name."""

    def split(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
        chosen = tuple(name.strip() for name in value.split(",") if name.strip())
        for name in chosen:
            if name not in names:
                raise click.BadParameter(f"there is no {what} {name!r}; there are {', '.join(names)}.")
        return chosen

    return split


@click.group(invoke_without_command=True)
@_environments_option
@click.option(
    "--suites", default="", metavar="A,B,…", callback=_choice(dict(SUITES), "suite"), help="Only these suites."
)
@click.option(
    "--peers", default="", metavar="A,B,…", callback=_choice(dict(CONTENDERS), "peer"), help="Only these peers."
)
@click.option(
    "--repetitions", type=click.IntRange(min=1), default=5, show_default=True, help="Timings of each contender."
)
@click.option("--tiny", is_flag=True, help="Toy sizes: shows that everything runs, and nothing about speed.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where the JSON and Markdown files go.  [default: {_RESULTS}; none with --tiny]",
)
@click.pass_context
def main(
    context: click.Context,
    folder: Path,
    suites: tuple[str, ...],
    peers: tuple[str, ...],
    repetitions: int,
    tiny: bool,
    output: Path | None,
) -> None:
    """Measure qiskit-qml-ext beside its peers. Peers that are not installed are reported as absent.

    For numbers that mean something the machine must have nothing else to do.
    """
    if context.invoked_subcommand is not None:
        return
    options = _TINY if tiny else {"repetitions": repetitions}
    settings = Settings(folder, **options)
    report = measure(settings, suites or tuple(SUITES), peers, tiny)
    console = Console()
    reports.print_report(report, console if console.is_terminal else Console(width=_PLAIN_WIDTH))
    if output is not None or not tiny:
        for path in reports.save(report, output or _RESULTS):
            click.echo(f"written: {path}")
    if missing := reports.missing(report):
        raise click.ClickException("our own numbers are incomplete:\n" + "\n".join(missing))


@main.command()
@_environments_option
@click.option("--python", default=sys.executable, show_default=True, help="The interpreter to make them of.")
def setup(folder: Path, python: str) -> None:
    """Make the peers' virtual environments from the pinned files in benchmarks/environments/."""
    if failed := environments.set_up(folder, python, click.echo):
        raise click.ClickException(f"not made: {', '.join(failed)}")


def measure(settings: Settings, suites: tuple[str, ...], peers: tuple[str, ...], tiny: bool) -> reports.Report:
    """Run the suites and collect what they found."""
    before = machine.load()
    if before is not None and before > 0.5 and not tiny:
        click.echo(f"The load average is {before:.2f}: something else is running, so the times mean little.", err=True)
    with Field(settings, peers) as workers:

        def run(rows: list[Row]) -> Measured:
            return [(row, race(row, workers, _progress)) for row in rows]

        machine_rows = run(roofline.rows(tiny))
        rows = [row for name in suites for row in SUITES[name][1](tiny)]
        # Toy sizes say nothing about speed, so no target applies to them.
        measured = run([replace(row, target=Target()) for row in rows] if tiny else rows)
        versions = workers.versions
    rates = roofline.rates(machine_rows)
    return reports.Report(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        command=shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        machine=machine.describe(),
        load=(before, machine.load()),
        versions=versions,
        settings={**asdict(settings), "environments": settings.environments.name, "tiny": tiny},
        rows=measured,
        rates=rates,
        shares=roofline.shares(measured, rates),
    )


def _progress(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
