"""``qiskit-qml-ext jobs FILE check | repair | backup``: the journal's file itself, damaged or sound."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal

WITHOUT_OPENING = ("check", "repair")
"""The commands that work on a file that cannot be opened as a journal."""


@click.command("check")
@click.pass_context
def check(context: click.Context) -> None:
    """Look through the whole file and say what is sound. The exit code is 1 if anything is damaged."""
    from qiskit_qml_ext.exceptions import JournalError
    from qiskit_qml_ext.primitives.journal import check_journal
    from qiskit_qml_ext.primitives.journal.places import shown

    try:
        report = check_journal(context.obj)
    except JournalError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.summary())
    if not report.is_sound:
        click.echo(f"'qiskit-qml-ext jobs {shown(report.path)} repair' keeps what is sound.")
        context.exit(1)


@click.command("repair")
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


@click.command("backup")
@click.argument("target", type=click.Path())
@click.pass_obj
def backup(journal: "Journal", target: str) -> None:
    """Copy the journal into the new file TARGET, also while programs use it, and check the copy."""
    from qiskit_qml_ext.exceptions import JournalError

    try:
        path = journal.backup(target)
    except JournalError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Wrote {path}")


def add_to(group: click.Group) -> None:
    """Register these commands."""
    for item in (check, repair, backup):
        group.add_command(item)
