"""What the commands on a journal begin with: its file opened, a unit of it, the user's account."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import click

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal
    from qiskit_qml_ext.primitives.journal import Unit

_Rest = ParamSpec("_Rest")


def pass_journal(function: "Callable[Concatenate[Journal, _Rest], None]") -> "Callable[_Rest, None]":
    """Open the journal for a command when it is run, so that its help can be had on any file, and close it after."""

    @click.pass_context
    @functools.wraps(function)
    def opened_for(context: click.Context, /, *arguments: _Rest.args, **options: _Rest.kwargs) -> None:
        with opened(context.obj) as journal:
            function(journal, *arguments, **options)

    return opened_for


def opened(path: str) -> "Journal":
    """Open a journal that is there."""
    from qiskit_qml_ext.exceptions import JournalError
    from qiskit_qml_ext.primitives import Journal
    from qiskit_qml_ext.primitives.journal.disk.places import EMPTY, journal_path

    try:
        place = journal_path(path)
        if not place.exists():
            raise click.ClickException(f"There is no journal {path}.")
        if place.is_file() and not place.stat().st_size:
            raise click.ClickException(f"There is nothing in {path}. {EMPTY}")
        return Journal(place)
    except JournalError as error:
        raise click.ClickException(str(error)) from error


def unit_of(journal: "Journal", number: int) -> "Unit":
    """Return a unit by its number."""
    units = journal.units([number])
    if not units:
        numbers = [unit.id for unit in journal.units()]
        raise click.ClickException(
            f"There is no unit {number}." + (f" Units are {min(numbers)} to {max(numbers)}." if numbers else "")
        )
    return units[0]


def connected() -> Any:
    """Connect to the user's IBM account."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    try:
        return QiskitRuntimeService()
    except Exception as error:
        raise click.ClickException(
            f"The IBM account cannot be reached: {' '.join(str(error).split())} Save your account once with "
            "QiskitRuntimeService.save_account(…), or set QISKIT_IBM_TOKEN."
        ) from error


def reason_of(error: Exception) -> str:
    """Return why the service could not be asked, in one line."""
    text = error.message if isinstance(error, click.ClickException) else str(error) or type(error).__name__
    return " ".join(text.split())


def counted(number: int, thing: str) -> str:
    """Return a number of things: ``"1 unit"``, ``"2 units"``."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def summary(units: "list[Unit]") -> str:
    """Count a journal's units by their states."""
    from collections import Counter

    if not units:
        return "The journal is empty."
    states = Counter(state_of(unit) for unit in units)
    return f"{counted(len(units), 'unit')}: {', '.join(f'{states[state]} {state}' for state in states)}."


def state_of(unit: "Unit") -> str:
    """Return the word for a unit's state; of one whose record was damaged the service was never asked."""
    return "kept" if unit.is_unrecorded and unit.state == "lost" else unit.state


def without_result(number: int) -> str:
    """Say that the result of a unit that is done cannot be had."""
    return f"Unit {number} is done, but its result is damaged or missing: run your program again to get it again."


def unknown_jobs(journal: "Journal", count: int) -> str:
    """Say that the service has jobs of a journal that its file does not know."""
    from qiskit_qml_ext.primitives.journal.disk.places import shown

    return (
        f"The service has {counted(count, 'job')} of this journal that the file does not know: use the newest file, or "
        f"see 'qiskit-qml-ext jobs {shown(journal.path)} disown --help'."
    )
