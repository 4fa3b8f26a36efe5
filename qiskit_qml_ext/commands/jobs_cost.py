"""``qiskit-qml-ext jobs FILE cost``: what was executed, and what it took."""

import contextlib
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from qiskit_qml_ext.commands.jobs_input import connected, counted, pass_journal, reason_of

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal
    from qiskit_qml_ext.primitives.journal import ExtraJobs, JobRecord

_FEWEST = 3  # jobs from which on it is said how far off predictions were


def _price(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise click.BadParameter(f"The price of a minute must be a number of at least 0, but {value:g} came.")
    return value


@click.command("cost", short_help="Count what was executed and what it took.")
@click.option(
    "--price",
    type=float,
    metavar="AMOUNT",
    callback=_price,
    help="The price of a minute of processor time, in any currency; the sum is in the same.",
)
@pass_journal
def cost(journal: "Journal", price: float | None) -> None:
    """Count what was executed and what it took by the service's own account, beside what was predicted.

    Executions are circuits times shots. Jobs that brought no result (duplicates, disowned ones, failed ones) are
    counted apart; the service is asked what they took. What was predicted is what the plan said when a job was
    submitted; jobs of versions that did not write it down are left out of the comparison.
    """
    from qiskit_qml_ext.primitives.journal import extra_jobs, local_units

    _settle(journal)
    units, here = journal.units(), local_units(journal)
    done = [unit for unit in units if unit.state == "done"]
    left = [unit for unit in units if unit.state != "done"]
    own = _Time(unit.usage_seconds for unit in done if unit.id not in here)
    click.echo(
        f"Done: {counted(len(done), 'unit')}, {counted(sum(unit.num_items for unit in done), 'circuit')}, "
        f"{counted(sum(unit.executions for unit in done), 'execution')}, {own.text(len(done), 'unit')}."
    )
    click.echo(f"Left: {counted(len(left), 'unit')}, {counted(sum(unit.executions for unit in left), 'execution')}.")
    for line in compared(journal.job_records()):
        click.echo(line)
    damaged = sum(unit.is_unrecorded for unit in units)
    if damaged:
        click.echo(f"Of {counted(damaged, 'unit')} the record was damaged; what they executed is not counted above.")
    extra = extra_jobs(journal)
    others, reason = _asked(extra.all)
    for line in _named(journal, extra):
        click.echo(line)
    if others.known or others.unknown:
        count = others.known + others.unknown
        click.echo(
            f"{'This job is' if count == 1 else f'These {count:,} jobs are'} not among the executions above; "
            f"{'it' if count == 1 else 'they'} took: {others.text(count, 'job')}.{reason}"
        )
    if price is not None:
        together = _Time([own.seconds, others.seconds])
        missing = counted(own.unknown + others.unknown, "job")
        click.echo(
            f"At {price:g} a minute: {together.seconds / 60 * price:,.2f} so far"
            f"{', these jobs included' if others.known else ''}"
            f"{f', without what is unknown of {missing}' if own.unknown or others.unknown else ''}."
        )


def _named(journal: "Journal", extra: "ExtraJobs") -> list[str]:
    """Name the jobs that brought no result, by why."""
    from qiskit_qml_ext.primitives.journal import is_of_copy

    executed = {item.job: is_of_copy(item) for item in journal.duplicates() if item.executed}
    duplicates = [job for job, by_copy in executed.items() if not by_copy]
    copies = [job for job, by_copy in executed.items() if by_copy]
    lines = []
    if duplicates:
        lines.append(f"Executed by the service without being asked: {', '.join(duplicates)}. Ask not to be charged.")
    if copies:
        lines.append(f"Submitted with another copy of this journal, or before work was lost: {', '.join(copies)}.")
    if extra.unknown:
        lines.append(
            "Submitted by a copy of this journal, or with this file before it lost work, and not counted above: "
            f"{', '.join(extra.unknown)}. They match none of its work; if they are the same as some of it, cut in "
            "another way, that was paid twice."
        )
    if extra.failed:
        lines.append(f"Failed or cancelled: {', '.join(extra.failed)}.")
    return lines


def compared(records: "Sequence[JobRecord]") -> list[str]:
    """Say what the jobs of each device were predicted to take, what they took, and how long they waited."""
    from statistics import median

    lines = []
    on_service = [record for record in records if not record.is_here]
    for target in dict.fromkeys(record.target for record in on_service):
        mine = [record for record in on_service if record.target == target]
        pairs = [(record.note.predicted_seconds, record.used_seconds) for record in mine if record.outcome == "done"]
        known = [(predicted, used) for predicted, used in pairs if predicted is not None and used]
        if known:
            errors = [abs(predicted - used) / used for predicted, used in known]
            off = f"median error of a job {100 * median(errors):.0f} %" if len(known) >= _FEWEST else "too few to judge"
            lines.append(
                f"On {target}: predicted {sum(one for one, _ in known):,.1f} s when submitted, took "
                f"{sum(used for _, used in known):,.1f} s ({counted(len(known), 'job')}; {off})."
            )
        waits = [record.note.queue_seconds for record in mine if record.note.queue_seconds is not None]
        if waits:
            lines.append(f"On {target}: waited {median(waits):,.0f} s in the queue (median of {len(waits):,}).")
        under_way = [record.reserved_seconds for record in mine if record.is_open]
        if under_way:
            lines.append(
                f"On {target}: {counted(len(under_way), 'job')} under way or of unknown fate, predicted to take "
                f"{sum(under_way):,.1f} s."
            )
    return lines


def _settle(journal: "Journal") -> None:
    """Ask the service about jobs that ended before it said what they took; without it they stay unknown."""
    from qiskit_qml_ext.primitives.journal import settle_times

    if any(record.is_unsaid for record in journal.job_records()):
        with contextlib.suppress(Exception):
            settle_times(journal, connected())


class _Time:
    """Processor time of some jobs, of which the service may not have said all.

    Attributes:
        seconds: The sum of what is known.
        known: Of how many it is known.
        unknown: Of how many it is not.
    """

    def __init__(self, parts: Iterable[float | None]):
        parts = list(parts)
        self.seconds = sum(part for part in parts if part is not None)
        self.unknown = sum(part is None for part in parts)
        self.known = len(parts) - self.unknown

    def text(self, count: int, thing: str) -> str:
        """Return the time, and of how many of ``count`` things it is not known."""
        if not self.known and not self.unknown:
            return "no processor time of a service"
        unknown = f"processor time unknown for {counted(self.unknown, thing)}"
        if not self.known:
            return unknown
        known = f"{self.seconds:,.1f} s of processor time"
        return f"{known} ({unknown})" if self.unknown else known


def _asked(jobs: tuple[str, ...]) -> tuple[_Time, str]:
    """Ask the service what jobs took; return it and, if it could not be asked, a sentence that says why."""
    from qiskit_qml_ext.primitives.journal import seconds_of

    if not jobs:
        return _Time([]), ""
    try:
        service = connected()
        return _Time([seconds_of(service, job) for job in jobs]), ""
    except Exception as error:
        return _Time([None] * len(jobs)), f" The service could not be asked. {reason_of(error)}"


COMMANDS = (cost,)
