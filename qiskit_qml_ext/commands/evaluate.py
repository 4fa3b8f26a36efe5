"""``qiskit-qml-ext evaluate``: parse, run, print, write."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from qiskit_qml_ext.commands.user_input import bad_input, check_files, data_options, load_data

if TYPE_CHECKING:
    from qiskit_qml_ext.evaluation import Evaluation, EvaluationPlan
    from qiskit_qml_ext.primitives import Connection


@click.command(
    "evaluate",
    epilog="""\b
Examples:
  qiskit-qml-ext evaluate breast_cancer
  qiskit-qml-ext evaluate digits --classes 3,8 --qubits 4 --report digits.html
  qiskit-qml-ext evaluate iris --model both --feature-map angle
  qiskit-qml-ext evaluate my_data.csv --label diagnosis --drop hospital
  qiskit-qml-ext evaluate my_data.csv --label diagnosis --target fake_fez --shots 2048""",
)
@data_options
@click.option(
    "--feature-map",
    default="zz",
    show_default=True,
    metavar="NAME",
    help="The encoding: zz, angle, iqp, …; any other word lists them all.",
)
@click.option(
    "--model",
    type=click.Choice(["kernel", "variational", "both"]),
    default="kernel",
    show_default=True,
    help="What is compared with classical models: a quantum kernel, a trained circuit, or both side by side.",
)
@click.option(
    "--target",
    metavar="NAME",
    help="Where the quantum models run: a name as connect() takes it: aer, fake_fez, …  [default: exact]",
)
@click.option(
    "--shots",
    type=click.IntRange(min=1),
    help="Shots of every circuit on a sampled target.  [default: the target's own]",
)
@click.option(
    "--qubits",
    "max_qubits",
    type=click.IntRange(min=1),
    help="The largest number of qubits.  [default: the number of features, at most 8]",
)
@click.option("--folds", type=click.IntRange(min=2), help="Folds of the cross-validation.  [default: 5]")
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    help="Make it so often, each time with other folds.  [default: as is affordable; once with --folds]",
)
@click.option(
    "--max-samples",
    type=click.IntRange(min=4),
    help="Use at most so many samples.  [default: 1000; sampled 100; fake devices 30]",
)
@click.option("--scoring", metavar="NAME", help="A scikit-learn scorer.  [default: accuracy, or r2]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything random.")
@click.option(
    "--jobs", type=int, help="Processes that work at the same time; -1: all.  [default: 1, more for long evaluations]"
)
@click.option("--report", type=click.Path(), metavar="FILE.html", help="Write the result as one page.")
@click.option("--json", "json_file", type=click.Path(), metavar="FILE.json", help="Write the result as JSON.")
@click.option(
    "--journal",
    type=click.Path(),
    metavar="FILE",
    help="Write all jobs of a sampled target down in this file: killed and run again, the command goes on from there.",
)
@click.option(
    "--replay",
    type=click.Path(exists=True, file_okay=False),
    metavar="FOLDER",
    help="Run nothing: take the shots from this data set, which `jobs FILE dataset FOLDER` made.",
)
@click.option(
    "--series",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Which of the data set's series, if it has several.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print the result only: no progress, no plan.")
def command(
    replay: str | None,
    series: int | None,
    report: str | None,
    json_file: str | None,
    quiet: bool,
    jobs: int | None,
    **options: Any,
) -> None:
    """Does a quantum model help on this data, and could it be run on hardware?

    DATA is a bundled data set, such as breast_cancer (any other word lists them all), or a CSV or Parquet file of
    numbers with a label column; columns that name or count the rows are left out, with a note. A quantum kernel is
    compared with the same kernel without entanglement and with classical models, all tuned and tested on the same
    folds; so is a variational model, a trained circuit, with --model variational. It is trained on exact simulation.
    """
    with bad_input():
        from qiskit_qml_ext.evaluation import plan_evaluation

        outputs = {"--report": report, "--json": json_file, "--journal": options["journal"]}
        check_files(outputs, data=options["data"])
        if jobs is not None and (jobs == 0 or jobs < -1):
            raise ValueError(f"--jobs must be at least 1, or -1 for all processors, but {jobs} came.")
        options["target"] = _replayed(replay, series, options) if replay is not None else options["target"]
        if replay is None and series is not None:
            raise ValueError("--series chooses among the series of a data set: name its folder with --replay.")
        dataset = load_data(options)
        with _silenced():
            plan = plan_evaluation(dataset, **options)
    evaluation = _run(plan, jobs=jobs, quiet=quiet)
    _show(evaluation)
    with bad_input():
        _write(evaluation, report, json_file, quiet=quiet)


def _replayed(folder: str, series: int | None, options: dict[str, Any]) -> "Connection":
    """Return the connection to a data set, which has decided where and how all was run."""
    from qiskit_qml_ext.primitives import connect

    for name in ("target", "shots", "journal"):
        if options[name] is not None:
            raise ValueError(f"--{name} is for new runs, but --replay runs nothing. Leave one of them out.")
    return connect(replay=folder, series=series)


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep warnings of other packages from the terminal while the plan is made."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _run(plan: "EvaluationPlan", *, jobs: int | None, quiet: bool) -> "Evaluation":
    from qiskit_qml_ext.evaluation import run_plan

    if not quiet and plan.run_cost is not None:
        click.echo(plan.run_cost.sentence(), err=True)
    command_line = shlex.join(["qiskit-qml-ext", *sys.argv[1:]])
    return run_plan(plan, num_processes=jobs, progress=not quiet and sys.stderr.isatty(), command=command_line)


def _show(evaluation: "Evaluation") -> None:
    from rich.console import Console

    from qiskit_qml_ext.evaluation.report.terminal import TEXT_WIDTH, print_record

    # A pipe has no width of its own; 80 columns would cut the table for no reason.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else TEXT_WIDTH)
    print_record(evaluation, console)


def _write(evaluation: "Evaluation", report: str | None, json_file: str | None, *, quiet: bool) -> None:
    import json

    from qiskit_qml_ext.private_files import write_private

    written = []
    if report is not None:
        written.append(evaluation.report(report))
    if json_file is not None:
        text = json.dumps(evaluation.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        written.append(write_private(json_file, text + "\n"))
    if not quiet:
        for path in written:
            click.echo(f"Wrote {path}", err=True)
