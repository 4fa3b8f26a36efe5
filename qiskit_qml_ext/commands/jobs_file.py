"""``qiskit-qml-ext jobs FILE check | repair | backup``: the journal's file itself, damaged or sound."""

from typing import TYPE_CHECKING

import click

from qiskit_qml_ext.commands.jobs_input import pass_journal

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal


@click.command("check", short_help="Say what in the file is sound and what is damaged.")
@click.pass_context
def check(context: click.Context) -> None:
    """Look through the whole file and say what is sound. The exit code is 1 if anything is damaged."""
    from qiskit_qml_ext.exceptions import JournalError
    from qiskit_qml_ext.primitives.journal import check_journal
    from qiskit_qml_ext.primitives.journal.disk.places import shown

    try:
        report = check_journal(context.obj)
    except JournalError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.summary())
    if not report.is_sound:
        click.echo(f"'qiskit-qml-ext jobs {shown(report.path)} repair' keeps what is sound.")
        context.exit(1)


@click.command("repair", short_help="Write a new file with what is sound.")
@click.pass_context
def repair(context: click.Context) -> None:
    """Write a new file with what is sound, and keep the damaged one beside it. Works offline."""
    from qiskit_qml_ext.exceptions import JournalError
    from qiskit_qml_ext.primitives.journal import repair_journal

    try:
        report = repair_journal(context.obj)
    except JournalError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.summary())


@click.command("backup", short_help="Copy the journal, also while programs use it.")
@click.argument("target", type=click.Path())
@pass_journal
def backup(journal: "Journal", target: str) -> None:
    """Copy the journal into the new file TARGET, also while programs use it, and check the copy."""
    from qiskit_qml_ext.exceptions import JournalError

    try:
        path = journal.backup(target)
    except JournalError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Wrote {path}")


COMMANDS = (check, repair, backup)
