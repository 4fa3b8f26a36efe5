"""``qiskit-qml-ext jobs FILE list | show``: what the units are and what became of them."""

import time
from typing import TYPE_CHECKING

import click

from qiskit_qml_ext.commands.jobs_input import (
    connected,
    counted,
    pass_journal,
    reason_of,
    state_of,
    summary,
    unit_of,
    unknown_jobs,
    without_result,
)

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal
    from qiskit_qml_ext.primitives.journal import Unit

_HEADINGS = ("unit", "circuits", "shots", "state", "ago", "job")
_RIGHT = ("unit", "circuits", "shots", "ago")


@click.command(
    "list",
    short_help="List the units of work.",
    epilog="""\b
A unit is
  planned     not submitted; the program that asked for it submits it
  submitting  about to be submitted; a killed program leaves it so
  submitted   a job that waits or runs
  done        its result is in the journal
  failed      its last job failed or was refused; the reason is shown
  lost        its job may have been paid for, but is out of reach; the reason
              is shown, and it is not submitted again without your word
  kept        its record was damaged; its job, and its result if there is one,
              come back when the program that asked for it is run again""",
)
@click.option(
    "--state", metavar="STATE", help="Only units that are planned, submitting, submitted, done, failed or lost."
)
@pass_journal
def list_units(journal: "Journal", state: str | None = None) -> None:
    """List the units of work, those of one target together.

    "ago" is when the result came, or else when the job was submitted. While submissions may still be under way, the
    service is asked for jobs that nobody waits for.
    """
    from qiskit_qml_ext.primitives.journal import STATES, kept

    if state is not None and state not in STATES:
        raise click.ClickException(f"There is no state {state!r}. States are {', '.join(STATES)}.")
    units = journal.units()
    chosen = [unit for unit in units if state in (None, unit.state)]
    for line in _table(chosen):
        click.echo(line)
    if any(_row(unit)[_HEADINGS.index("ago")] == "?" for unit in chosen):
        click.echo("?: in the future; was the clock set back?")
    if units and not chosen:
        click.echo(f"No unit is {state}.")
    click.echo(summary(units))
    for unit in chosen:
        if unit.is_unrecorded:
            click.echo(f"Unit {unit.id}: {kept(unit)}")
        elif unit.reason and unit.state in ("failed", "lost"):
            click.echo(f"Unit {unit.id} {unit.state}: {unit.reason}")
    for number in journal.without_results():
        click.echo(without_result(number))
    for line in _reconciled(journal):
        click.echo(line)


@click.command("show", short_help="Show all that is known of one unit.")
@click.argument("unit", type=int)
@pass_journal
def show(journal: "Journal", unit: int) -> None:
    """Show all that is known of one unit.

    Its jobs can be found on the service by the tag. Executions are circuits times shots. A duplicate is another job
    with the same work, which nobody waits for. In the settings, content is a fingerprint of all that is not shown.
    """
    from qiskit_qml_ext.primitives.journal import duplicates_of, is_of_copy, kept

    record = unit_of(journal, unit)
    circuits, executions = counted(record.num_items, "circuit"), counted(record.executions, "execution")
    lines: list[tuple[str, object]] = [
        ("unit", record.id),
        ("what", f"{record.kind}, {circuits}, {executions}" if not record.is_unrecorded else "not known"),
        ("target", record.target),
        ("settings", ", ".join(f"{name}={value}" for name, value in record.settings.items())),
        ("state", state_of(record)),
        ("submissions", record.attempts),
        ("job", record.job),
        ("session", record.session),
        ("tag", record.tag),
        ("calibration", record.calibration),
        ("submitted", _date(record.submitted)),
        ("finished", _date(record.finished)),
        ("processor time", None if record.usage_seconds is None else f"{record.usage_seconds:g} s"),
        ("predicted", _predicted(journal, record)),
        ("reason", kept(record) if record.is_unrecorded else record.reason),
    ]
    for name, value in lines:
        if value not in (None, ""):
            click.echo(f"{name:<15} {value}")
    for item in duplicates_of(journal, record):
        whose = "by another copy of the journal" if is_of_copy(item) else "ask the service not to charge it"
        fate = f"executed; {whose}" if item.executed else "cancelled, or failed at no cost"
        click.echo(f"{'duplicate':<15} {item.job} ({fate})")


COMMANDS = (list_units, show)


def _table(units: "list[Unit]") -> list[str]:
    """Return lines of not more than 80 columns for the usual numbers and ids; a job's id is last and never cut.

    The units of one target stand together below its name. The columns are as wide as what is in any of them.
    """
    groups: dict[str, list[tuple[str, ...]]] = {}
    for unit in units:
        title = "not known:" if unit.is_unrecorded else f"{unit.kind} on {unit.target}:"
        groups.setdefault(title, []).append(_row(unit))
    rows = [_HEADINGS, *(row for group in groups.values() for row in group)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = []
    for title, group in groups.items():
        lines += [title, *(_line(row, widths) for row in (_HEADINGS, *group)), ""]
    return lines[:-1]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        cell.rjust(width) if name in _RIGHT else cell.ljust(width)
        for name, cell, width in zip(_HEADINGS, row, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()


def _row(unit: "Unit") -> tuple[str, ...]:
    is_known = not unit.is_unrecorded
    return (
        str(unit.id),
        f"{unit.num_items:,}" if is_known else "?",
        _each(unit) if is_known else "?",
        state_of(unit),
        "" if unit.state == "planned" else _ago(unit.finished or unit.submitted or unit.started),
        "" if unit.state == "planned" else unit.job or "",
    )


def _each(unit: "Unit") -> str:
    if "shots" in unit.settings:
        return f"{unit.settings['shots']:,}"
    return f"±{unit.settings.get('precision', 0):g}"


def _predicted(journal: "Journal", unit: "Unit") -> str | None:
    """Return what a unit's last job was predicted to take when it was submitted, if that was written down."""
    seconds = [record.note.predicted_seconds for record in journal.job_records() if record.tag == unit.tag]
    return None if not seconds or seconds[0] is None else f"{seconds[0]:.1f} s of processor time"


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _ago(seconds: float | None) -> str:
    """Return how long ago something was, in at most four letters; "?" if the clock was set back meanwhile."""
    if seconds is None:
        return ""
    age = time.time() - seconds
    if age < -60:
        return "?"
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if age >= size:
            return f"{age / size:.0f}{letter}"
    return f"{max(0.0, age):.0f}s"


def _reconciled(journal: "Journal") -> list[str]:
    """Look for jobs that nobody waits for, while submissions are watched; return what to say."""
    from qiskit_qml_ext.primitives.journal import reconcile, watched

    count = watched(journal)
    if not count:
        return []
    known = {item.job for item in journal.duplicates()}
    try:
        unknown = reconcile(journal, connected())
    except Exception as error:
        return [
            f"The service may still make jobs of {counted(count, 'submission')}; it could not be asked. "
            f"{reason_of(error)}"
        ]
    fresh = [item for item in journal.duplicates() if item.job not in known]
    lines = [f"Job {item.job} is one that nobody waits for; it {_fate(item.executed)}." for item in fresh]
    return lines + ([unknown_jobs(journal, len(unknown))] if unknown else [])


def _fate(executed: bool) -> str:
    return "was executed" if executed else "was cancelled, or failed at no cost"
