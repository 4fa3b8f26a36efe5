"""The command ``qiskit-qml-ext``.

A command is a file in :mod:`qiskit_qml_ext.commands` and a line in ``_COMMANDS``; it is imported when it is called. Bad
input is a ``ValueError`` with a helpful sentence or click's own error: it is printed as one sentence, with exit code 2.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from qiskit_qml_ext._version import __version__

# name: (module, one line for --help)
_COMMANDS = {
    "diagnose": (
        "qiskit_qml_ext.commands.diagnose",
        "Will this ansatz train, and is this kernel any good?",
    ),
    "evaluate": (
        "qiskit_qml_ext.commands.evaluate",
        "Does a quantum model help on this data, and could it run on hardware?",
    ),
    "jobs": ("qiskit_qml_ext.commands.jobs", "What is in a journal of hardware jobs; fetch, cancel, export, count."),
}

BAD_INPUT, INTERRUPTED = 2, 130


class CommandLine(click.Group):
    """A group that imports its commands late and turns errors into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, sorted."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of this name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; ends the process unless ``standalone_mode`` is off."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            click.echo(f"Error: {error.format_message()}", err=True)
            sys.exit(BAD_INPUT)
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nInterrupted.", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output (head, less) has gone; nobody is left to be told.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except Exception as error:
            from qiskit_qml_ext.exceptions import JournalError  # imports Qiskit, which most commands do late

            if not isinstance(error, JournalError):
                raise
            click.echo(f"Error: {error}", err=True)
            sys.exit(BAD_INPUT)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Help on a command: qiskit-qml-ext COMMAND --help",
    no_args_is_help=False,
    invoke_without_command=True,
)
@click.version_option(__version__, message="%(prog)s %(version)s", prog_name="qiskit-qml-ext")
@click.pass_context
def cli(context: click.Context) -> None:
    """Quantum machine learning on Qiskit, with honest answers."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``qiskit-qml-ext``; the entry point of the installed command."""
    cli.main(arguments, prog_name="qiskit-qml-ext")


if __name__ == "__main__":
    main()
