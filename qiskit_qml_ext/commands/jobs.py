"""``qiskit-qml-ext jobs``: look into a journal of hardware jobs, fetch results, cancel, export, count the cost."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from qiskit_qml_ext.commands import jobs_file

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal
    from qiskit_qml_ext.primitives.journal import Unit


@click.group(
    "jobs",
    invoke_without_command=True,
    subcommand_metavar="[list|show|resume|cancel|disown|export|cost|check|repair|backup]",
    epilog="""\b
Examples:
  qiskit-qml-ext jobs run.journal
  qiskit-qml-ext jobs run.journal show 12
  qiskit-qml-ext jobs run.journal resume --wait""",
)
@click.argument("journal", type=click.Path())
@click.pass_context
def command(context: click.Context, journal: str) -> None:
    """What is in a journal of hardware jobs.

    JOURNAL is the file given as connect(…, journal="FILE") or evaluate --journal FILE. A unit is the work of one job.
    """
    if context.invoked_subcommand in jobs_file.WITHOUT_OPENING:
        context.obj = journal
        return
    context.obj = _opened(journal)
    context.call_on_close(context.obj.close)
    if context.invoked_subcommand is None:
        context.invoke(list_units)


@command.command("list")
@click.option("--state", metavar="STATE", help="Only units in this state: planned, submitted, done, failed, lost.")
@click.pass_obj
def list_units(journal: "Journal", state: str | None = None) -> None:
    """List the units of work.

    While submissions may still be under way, the service is asked for jobs that nobody waits for.
    """
    from rich.table import Table

    from qiskit_qml_ext.primitives.journal import STATES, kept

    if state is not None and state not in STATES:
        raise click.ClickException(f"There is no state {state!r}. States are {', '.join(STATES)}.")
    units = journal.units()
    shown = [unit for unit in units if state in (None, unit.state)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("unit", "what", "target", "circuits", "shots", "state", "job", "when"):
        table.add_column(name, justify="right" if name in ("unit", "circuits", "shots") else "left", no_wrap=True)
    for unit in shown:
        table.add_row(
            str(unit.id),
            "?" if unit.is_unrecorded else unit.kind,
            unit.target or "?",
            "?" if unit.is_unrecorded else f"{unit.num_items:,}",
            "?" if unit.is_unrecorded else _each(unit),
            _state(unit),
            unit.job or "",
            _ago(unit.finished or unit.submitted or unit.started),
        )
    console = _console()
    if shown:
        console.print(table)
    console.print(_summary(units))
    for unit in shown:
        if unit.is_unrecorded:
            console.print(f"Unit {unit.id}: {kept(unit)}")
        elif unit.reason and unit.state in ("failed", "lost"):
            console.print(f"Unit {unit.id} {unit.state}: {unit.reason}")
    for number in journal.without_results():
        console.print(_without_result(number))
    for line in _look(journal):
        console.print(line)


@command.command("show")
@click.argument("unit", type=int)
@click.pass_obj
def show(journal: "Journal", unit: int) -> None:
    """Show all that is known of one unit."""
    from qiskit_qml_ext.primitives.journal import is_of_copy, kept, surplus_of

    found = _one(journal, unit)
    lines: list[tuple[str, object]] = [
        ("unit", found.id),
        ("what", _what(found)),
        ("target", found.target),
        ("settings", ", ".join(f"{name}={value}" for name, value in found.settings.items())),
        ("state", _state(found)),
        ("submissions", found.attempts),
        ("job", found.job),
        ("session", found.session),
        ("tag", found.tag),
        ("calibration", found.calibration),
        ("submitted", _date(found.submitted)),
        ("finished", _date(found.finished)),
        ("processor time", None if found.usage_seconds is None else f"{found.usage_seconds:g} s"),
        ("reason", found.reason if not found.is_unrecorded else kept(found)),
    ]
    for name, value in lines:
        if value not in (None, ""):
            click.echo(f"{name:<15} {value}")
    for item in surplus_of(journal, found):
        whose = "by another copy of the journal" if is_of_copy(item) else "ask the service not to charge it"
        fate = f"executed; {whose}" if item.executed else "cancelled, or failed at no cost"
        click.echo(f"{'twin':<15} {item.job} ({fate})")


@command.command("resume")
@click.option("--wait", is_flag=True, help="Go on until no job waits or runs.")
@click.pass_obj
def resume_units(journal: "Journal", wait: bool) -> None:
    """Fetch finished results from the service into the journal.

    Work that was never submitted needs the program that asked for it: run that program again.
    """
    from qiskit_qml_ext.primitives.journal import resume
    from qiskit_qml_ext.primitives.journal.ownership import LEASE_SECONDS, Liveness

    service, liveness, busy = _service(journal), Liveness(journal), tuple[str, ...]()
    fetched = adopted = unknown = 0
    while service is not None:
        done = resume(journal, service, liveness=liveness)
        fetched += done.fetched
        busy = done.busy
        adopted += done.adopted
        unknown = done.unknown
        if not wait or not done.waiting:
            break
        time.sleep(5)
    click.echo(f"Fetched {fetched} result{'s' * (fetched != 1)}.")
    if adopted:
        click.echo(f"Took over {adopted} job{'s' * (adopted != 1)} that the file did not know.")
    if unknown:
        click.echo(_unknown(journal, unknown))
    for sentence in busy:
        click.echo(sentence)
    if busy and not wait:
        click.echo(
            f"Should that process be gone, 'resume --wait' finds it out: after {LEASE_SECONDS:.0f} s without a sign of "
            "life it goes on with its work."
        )
    click.echo(_summary(journal.units()))
    if any(unit.state in ("planned", "failed") for unit in journal.units()):
        click.echo("Run your program again to submit what is planned or failed; what is done is not run again.")


@command.command("cancel")
@click.option("--unit", "units", type=int, multiple=True, help="Which unit; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="All units that are not done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def cancel_units(journal: "Journal", units: tuple[int, ...], everything: bool, yes: bool) -> None:
    """Cancel jobs, and allow failed or lost units to be submitted again."""
    from qiskit_qml_ext.primitives.journal import cancel

    if everything == bool(units):
        raise click.ClickException("Say which: --unit N (may be repeated) or --all.")
    chosen = [unit for unit in journal.units() if unit.state not in ("done", "planned") and not unit.is_unrecorded]
    if units:
        chosen = [_one(journal, number) for number in units]
    if chosen and not yes:
        click.confirm(f"Cancel {len(chosen)} unit{'s' * (len(chosen) != 1)}?", abort=True)
    service = _service(journal, [unit for unit in chosen if unit.state in ("submitting", "submitted")])
    for unit in chosen:
        click.echo(cancel(journal, service, unit))
    if not chosen:
        click.echo("There is nothing to cancel.")


@command.command("disown")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def disown_jobs(journal: "Journal", yes: bool) -> None:
    """Say that jobs which the file does not know shall not be waited for.

    A file that is older than the service's jobs (a restored backup, a copy) submits nothing before each of them has a
    place. Take this way only if there is no newer file. Should a program ask for the same work some day, its job is
    taken over all the same.
    """
    from qiskit_qml_ext.primitives.journal import disown, look

    service = _connected()
    jobs = look(journal, service)
    if not jobs:
        click.echo("The file knows all jobs of this journal, or has taken them over.")
        return
    click.echo(f"{len(jobs)} job{'s' * (len(jobs) != 1)}: {', '.join(jobs[:10])}{', …' if len(jobs) > 10 else ''}")
    if not yes:
        click.confirm("Go on without them? What they computed may be paid again.", abort=True)
    jobs = disown(journal, service)
    click.echo(f"Disowned {len(jobs)} job{'s' * (len(jobs) != 1)}; 'cost' goes on counting them.")


@command.command("export")
@click.argument("file", type=click.Path())
@click.pass_obj
def export(journal: "Journal", file: str) -> None:
    """Write all units with their counts and values as JSON."""
    import json

    from qiskit_qml_ext.commands.export import exported
    from qiskit_qml_ext.private_files import check_different, write_private

    try:
        check_different({"--journal": journal.path, "FILE": file})
        content = exported(journal)
        path = write_private(file, json.dumps(content, indent=1) + "\n")
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Wrote {path}")
    for unit in content["units"]:
        if unit["state"] == "done" and unit["results"] is None:
            click.echo(_without_result(unit["id"]))


@command.command("cost")
@click.option("--price", type=float, metavar="AMOUNT", help="The price of a minute of processor time.")
@click.pass_obj
def cost(journal: "Journal", price: float | None) -> None:
    """Count what was executed and what it took."""
    from qiskit_qml_ext.primitives.journal import is_of_copy

    units = journal.units()
    done = [unit for unit in units if unit.state == "done"]
    left = [unit for unit in units if unit.state != "done"]
    seconds = sum(unit.usage_seconds or 0.0 for unit in done)
    click.echo(
        f"Done: {len(done)} units, {sum(unit.num_items for unit in done):,} circuits, "
        f"{sum(unit.executions for unit in done):,} executions, {seconds:,.1f} s of processor time."
    )
    click.echo(f"Left: {len(left)} units, {sum(unit.executions for unit in left):,} executions.")
    if price is not None:
        click.echo(f"At {price:g} a minute: {seconds / 60 * price:,.2f} so far.")
    executed = [item for item in journal.surplus() if item.executed]
    twins = [item.job for item in executed if not is_of_copy(item)]
    if twins:
        click.echo(f"Executed by the service without being asked: {', '.join(twins)}. Ask not to be charged.")
    others = [item.job for item in executed if is_of_copy(item)]
    if others:
        click.echo(f"Submitted with another copy of this journal, or before work was lost: {', '.join(others)}.")
    unknown = journal.unknown()
    if unknown:
        click.echo(
            "Submitted by a copy of this journal, or with this file before it lost work, and not counted above: "
            f"{', '.join(unknown)}. They match none of its work; if they are the same as some of it, cut in another "
            "way, that was paid twice."
        )


jobs_file.add_to(command)


def _opened(path: str) -> "Journal":
    from pathlib import Path

    from qiskit_qml_ext.exceptions import JournalError
    from qiskit_qml_ext.primitives import Journal
    from qiskit_qml_ext.primitives.journal.places import EMPTY

    if not Path(path).expanduser().is_file():
        raise click.ClickException(f"There is no journal {path}.")
    if not Path(path).expanduser().stat().st_size:
        raise click.ClickException(f"There is nothing in {path}. {EMPTY}")
    try:
        return Journal(path)
    except JournalError as error:
        raise click.ClickException(str(error)) from error


def _service(journal: "Journal", units: "list[Unit] | None" = None) -> Any:
    """Connect to the user's IBM account, if any unit needs it.

    The service may also have jobs of units that are not done although the file does not know it; without an account,
    it is not asked for those.
    """
    needed = journal.units() if units is None else units
    if any(unit.state in ("submitting", "submitted") for unit in needed):
        return _connected()
    if units is not None or all(unit.state == "done" for unit in needed):
        return None
    try:
        return _connected()
    except click.ClickException:
        return None


def _connected() -> Any:
    from qiskit_ibm_runtime import QiskitRuntimeService

    try:
        return QiskitRuntimeService()
    except Exception as error:
        raise click.ClickException(
            f"The IBM account cannot be reached: {' '.join(str(error).split())} Save your account once with "
            "QiskitRuntimeService.save_account(…), or set QISKIT_IBM_TOKEN."
        ) from error


def _look(journal: "Journal") -> list[str]:
    """Look for jobs that nobody waits for, while submissions are watched; return what to say."""
    from qiskit_qml_ext.primitives.journal import look, watched

    count = watched(journal)
    if not count:
        return []
    known = {item.job for item in journal.surplus()}
    try:
        unknown = look(journal, _connected())
    except Exception as error:
        reason = error.message if isinstance(error, click.ClickException) else " ".join(str(error).split())
        return [
            f"The service may still make jobs of {count} submission{'s' * (count != 1)}; it could not be asked "
            f"({reason[:200]})"
        ]
    found = [item for item in journal.surplus() if item.job not in known]
    lines = [f"Job {item.job} is one that nobody waits for; it {_fate(item.executed)}." for item in found]
    return lines + ([_unknown(journal, len(unknown))] if unknown else [])


def _fate(executed: bool) -> str:
    return "was executed" if executed else "was cancelled, or failed at no cost"


def _unknown(journal: "Journal", count: int) -> str:
    return (
        f"The service has {count} job{'s' * (count != 1)} of this journal that the file does not know: use the newest "
        f"file, or see 'qiskit-qml-ext jobs {journal.path} disown --help'."
    )


def _one(journal: "Journal", number: int) -> "Unit":
    found = journal.units([number])
    if not found:
        numbers = [unit.id for unit in journal.units()]
        raise click.ClickException(
            f"There is no unit {number}." + (f" Units are {min(numbers)} to {max(numbers)}." if numbers else "")
        )
    return found[0]


def _console() -> Any:
    import sys

    from rich.console import Console

    # A pipe has no width of its own; the table is as wide as it needs to be.
    is_terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=True, force_terminal=is_terminal, width=None if is_terminal else 160)


def _summary(units: "list[Unit]") -> str:
    if not units:
        return "The journal is empty."
    counted = Counter(_state(unit) for unit in units)
    states = ", ".join(f"{counted[state]} {state}" for state in counted)
    return f"{len(units)} unit{'s' * (len(units) != 1)}: {states}."


def _without_result(number: int) -> str:
    return f"Unit {number} is done, but its result is damaged or missing: run your program again to get it again."


def _state(unit: "Unit") -> str:
    """Return the word for a unit's state; of one whose record was damaged the service was never asked."""
    return "kept" if unit.is_unrecorded and unit.state == "lost" else unit.state


def _what(unit: "Unit") -> str:
    if unit.is_unrecorded:
        return "not known"
    return f"{unit.kind}, {unit.num_items:,} circuits, {unit.executions:,} executions"


def _each(unit: "Unit") -> str:
    if "shots" in unit.settings:
        return f"{unit.settings['shots']:,}"
    return f"±{unit.settings.get('precision', 0):g}"


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return ""
    age = time.time() - seconds
    if age < -60:
        return "in the future: was the clock set back?"
    age = max(0.0, age)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if age >= size:
            return f"{age / size:.0f} {unit} ago"
    return f"{age:.0f} s ago"
