"""``qiskit-qml-ext jobs``: look into a journal of hardware jobs, fetch results, cancel, export, count the cost."""

from pathlib import Path

import click

from qiskit_qml_ext.commands import jobs_cost, jobs_export, jobs_file, jobs_list, jobs_work


class JobsOfFile(click.Group):
    """A group whose commands come after the name of a file; help on them can be had without one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; ``jobs list --help`` is about the command, not about a file of this name."""
        is_help = len(args) == 2 and args[1] in ctx.help_option_names
        if is_help and args[0] in self.commands and not Path(args[0]).exists():
            args = ["JOURNAL", *args]
        return super().parse_args(ctx, args)


@click.group(
    "jobs",
    cls=JobsOfFile,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    epilog="""\b
Examples:
  qiskit-qml-ext jobs run.journal
  qiskit-qml-ext jobs run.journal show 12
  qiskit-qml-ext jobs run.journal resume --wait
  qiskit-qml-ext jobs run.journal cancel --help""",
)
@click.argument("journal", type=click.Path())
@click.pass_context
def command(context: click.Context, journal: str) -> None:
    """What is in a journal of hardware jobs. Without a COMMAND, its units are listed.

    JOURNAL is the file given as connect(…, journal="FILE") or evaluate --journal FILE. A unit is the work of one job:
    some circuits with their shots. Executions are circuits times shots.
    """
    context.obj = journal
    if context.invoked_subcommand is None:
        context.invoke(jobs_list.list_units)


for part in (jobs_list, jobs_work, jobs_cost, jobs_export, jobs_file):
    for item in part.COMMANDS:
        command.add_command(item)
