"""``qiskit-qml-ext jobs FILE resume | cancel | disown``: fetch what is on the service, or give it up."""

import time
from typing import TYPE_CHECKING, Any

import click

from qiskit_qml_ext.commands.jobs_input import connected, counted, pass_journal, summary, unit_of, unknown_jobs

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal
    from qiskit_qml_ext.primitives.journal import Unit

_PAUSE_SECONDS = 5


@click.command("resume", short_help="Fetch finished results from the service.")
@click.option("--wait", is_flag=True, help="Go on until no job waits or runs.")
@pass_journal
def resume_units(journal: "Journal", wait: bool) -> None:
    """Fetch finished results from the service into the journal.

    Work that was never submitted needs the program that asked for it: run that program again.
    """
    from qiskit_qml_ext.primitives.journal import resume
    from qiskit_qml_ext.primitives.journal.disk.places import shown
    from qiskit_qml_ext.primitives.journal.store.ownership import LEASE_SECONDS, Liveness

    service, liveness, busy = _service_to_resume(journal), Liveness(journal), tuple[str, ...]()
    fetched = adopted = unknown = 0
    while service is not None:
        done = resume(journal, service, liveness=liveness)
        fetched += done.fetched
        busy = done.busy
        adopted += done.adopted
        unknown = done.unknown
        if not wait or not done.waiting:
            break
        time.sleep(_PAUSE_SECONDS)
    click.echo(f"Fetched {counted(fetched, 'result')}.")
    if adopted:
        click.echo(f"Took over {counted(adopted, 'job')} that the file did not know.")
    for sentence in busy:
        click.echo(sentence)
    if busy and not wait:
        click.echo(
            f"Should that process be gone, 'qiskit-qml-ext jobs {shown(journal.path)} resume --wait' finds it out: "
            f"after {LEASE_SECONDS:.0f} s without a sign of life it goes on with its work."
        )
    click.echo(summary(journal.units()))
    for sentence in _what_is_left(journal, unknown):
        click.echo(sentence)


@click.command("cancel", short_help="Cancel jobs; let failed units be submitted again.")
@click.option("--unit", "units", type=int, multiple=True, help="Which unit; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="All units that are not done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_journal
def cancel_units(journal: "Journal", units: tuple[int, ...], everything: bool, yes: bool) -> None:
    """Cancel jobs that wait or run, and allow failed or lost units to be submitted again.

    The units are planned again: the program that asked for them submits them when it is run. What the service has
    executed already of a lost unit may then be paid twice.
    """
    from qiskit_qml_ext.primitives.journal import cancel, local_units

    if everything == bool(units):
        raise click.ClickException("Say which: --unit N (may be repeated) or --all.")
    named = [unit_of(journal, number) for number in dict.fromkeys(units)]
    chosen = [
        unit for unit in named or journal.units() if unit.state not in ("done", "planned") and not unit.is_unrecorded
    ]
    for unit in named:
        if unit not in chosen:
            click.echo(cancel(journal, None, unit))
    if chosen and not yes:
        click.confirm(f"Cancel {counted(len(chosen), 'unit')}?", abort=True)
    here = local_units(journal)
    service = connected() if any(_is_out(unit) and unit.id not in here for unit in chosen) else None
    for unit in chosen:
        click.echo(cancel(journal, service, unit))
    if not chosen:
        click.echo("There is nothing to cancel.")


@click.command("disown", short_help="Go on without jobs that the file does not know.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_journal
def disown_jobs(journal: "Journal", yes: bool) -> None:
    """Say that jobs which the file does not know shall not be waited for.

    A file that is older than the service's jobs (a restored backup, a copy) submits nothing before each of them has a
    place. Take this way only if there is no newer file. Should a program ask for the same work some day, its job is
    taken over all the same.
    """
    from qiskit_qml_ext.primitives.journal import disown, reconcile

    service = connected()
    jobs = reconcile(journal, service)
    if not jobs:
        click.echo("The file knows all jobs of this journal, or has taken them over.")
        return
    click.echo(f"{counted(len(jobs), 'job')}: {', '.join(jobs[:10])}{', …' if len(jobs) > 10 else ''}")
    if not yes:
        click.confirm("Go on without them? What they computed may be paid again.", abort=True)
    jobs = disown(journal, service)
    click.echo(f"Disowned {counted(len(jobs), 'job')}. 'cost' names them, and asks the service what they took.")


COMMANDS = (resume_units, cancel_units, disown_jobs)


def _is_out(unit: "Unit") -> bool:
    return unit.state in ("submitting", "submitted")


def _service_to_resume(journal: "Journal") -> Any:
    """Connect to the user's IBM account, if any unit needs it.

    The service may also have jobs of units that are not done although the file does not know it; without an account,
    it is not asked for those.
    """
    from qiskit_qml_ext.primitives.journal import local_units

    here = local_units(journal)
    left = [unit for unit in journal.units() if unit.state != "done" and unit.id not in here]
    left = [unit for unit in left if not unit.is_unrecorded]
    if any(_is_out(unit) for unit in left):
        return connected()
    if not left:
        return None
    try:
        return connected()
    except click.ClickException:
        return None


def _what_is_left(journal: "Journal", unknown: int) -> list[str]:
    """Say what the user has to do now: with jobs that the file does not know, nothing before they have a place."""
    from qiskit_qml_ext.primitives.journal import local_units
    from qiskit_qml_ext.primitives.journal.store.local_work import died_with_its_process
    from qiskit_qml_ext.primitives.journal.store.ownership import Liveness

    if unknown:
        return [
            unknown_jobs(journal, unknown),
            "Do that before you run your program again: it submits nothing while there are such jobs.",
        ]
    units, here = journal.units(), local_units(journal)
    last = {attempt.unit: attempt for attempt in journal.attempts()}
    refused = [unit for unit in units if unit.state == "failed" and unit.id in last and last[unit.id].was_refused]
    lines = []
    liveness, mine = Liveness(journal), [unit for unit in units if unit.id in here and _is_out(unit)]
    stopped = [str(unit.id) for unit in mine if died_with_its_process(unit, liveness)]
    if stopped:
        were = "Units {} were" if len(stopped) > 1 else "Unit {} was"
        lines.append(
            f"{were.format(', '.join(stopped))} being run on this machine by a program that ended, and no service has "
            "the results: run your program again, which runs this work again."
        )
    lines += [
        f"Unit {unit.id} is being run on this machine by {liveness.describe(unit.owner)}."
        for unit in mine
        if unit.owner is not None and str(unit.id) not in stopped
    ]
    lines += [f"Unit {unit.id} was refused, and would be refused again: {unit.reason}" for unit in refused]
    if any(unit.state in ("planned", "failed") and unit not in refused for unit in units):
        lines.append("Run your program again to submit what is planned or failed; what is done is not run again.")
    return lines
