"""``qiskit-qml-ext jobs FILE export | dataset``: results for other programs, and for other people."""

from typing import TYPE_CHECKING

import click

from qiskit_qml_ext.commands.jobs_input import pass_journal, without_result

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Journal


@click.command("export", short_help="Write all units and their results as JSON.")
@click.argument("file", type=click.Path())
@click.pass_context
@pass_journal
def export(journal: "Journal", context: click.Context, file: str) -> None:
    """Write all units with their counts and values into the new FILE, as JSON.

    It is for you: it names jobs and sessions. For others see the command dataset. The exit code is 1 if the result of a
    unit that is done is missing or damaged; it is null then.
    """
    import json

    from qiskit_qml_ext.commands.export import exported
    from qiskit_qml_ext.private_files import check_different, write_private

    content = exported(journal)
    try:
        check_different({"--journal": journal.path, "FILE": file})
        path = write_private(file, json.dumps(content, indent=1) + "\n")
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Wrote {path}")
    missing = [unit["id"] for unit in content["units"] if unit["state"] == "done" and unit["results"] is None]
    for number in missing:
        click.echo(without_result(number), err=True)
    if missing:
        context.exit(1)


@click.command("dataset", short_help="Write a folder that others can read, cite and replay.")
@click.argument("folder", type=click.Path())
@click.option("--title", default="Measured circuits", show_default=True, help="The title of the data set.")
@click.option("--creator", "creators", multiple=True, help="Whose data it is, for its citation; may be repeated.")
@click.option("--license", "license", help="Under which license it is given, such as CC-BY-4.0.")
@click.option("--job-ids", is_flag=True, help="Name the service's jobs.")
@pass_journal
def dataset(
    journal: "Journal", folder: str, title: str, creators: tuple[str, ...], license: str | None, job_ids: bool
) -> None:
    """Write everything into the new FOLDER, as a data set for others to read, cite and replay.

    It holds circuits, values, every shot or expectation value, options, versions, what the device reported of itself,
    checksums, a description and a schema; no credentials, accounts, instances, tags or paths. connect(replay="FOLDER")
    gives the results again, offline.
    """
    from qiskit_qml_ext.exceptions import JournalError

    try:
        report = journal.export(folder, job_ids=job_ids, title=title, creators=creators, license=license)
    except JournalError as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.summary())


COMMANDS = (export, dataset)
