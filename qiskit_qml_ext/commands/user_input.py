"""What all commands do about input: the options of data, and input that cannot be used."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from qiskit_qml_ext.datasets import Dataset

_Function = TypeVar("_Function", bound=Callable[..., Any])


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn what the user can put right into click's error, which becomes one sentence."""
    from qiskit_qml_ext.exceptions import QmlExtError

    try:
        yield
    except (ValueError, TypeError, QmlExtError, OSError) as error:
        raise click.ClickException(" ".join(str(error).split())) from error


def check_files(outputs: Mapping[str, str | None], *, data: str | None = None) -> None:
    """Check before the work begins that the files of its result can be written, and that no two files are one.

    Args:
        outputs: The files by the names of their options; None stands for no file.
        data: What DATA names: a file, or a data set of the package.

    Raises:
        ValueError: If one cannot be written, or would replace another or the data.
    """
    from qiskit_qml_ext.private_files import check_different, check_writable

    for name, path in outputs.items():
        if path is not None:
            try:
                check_writable(path)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
    check_different({**outputs, "DATA": data if data is not None and os.path.exists(data) else None})


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Split a list with commas; a name with a comma in it stands in quotation marks."""
    if value is None:
        return None
    return tuple(name.strip() for name in next(csv.reader([value], skipinitialspace=True), []) if name.strip())


# Every command that reads a table takes all of these: DATA first, and what load_dataset has an argument for.
_DATA_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("data"),
    click.option("--label", metavar="COLUMN", help="The column to predict, for a file."),
    click.option(
        "--task",
        type=click.Choice(["classification", "regression"]),
        help="What the label means; by default guessed from its values.",
    ),
    click.option("--classes", metavar="A,B,…", callback=_names, help="Keep only these classes."),
    click.option("--drop", metavar="COLUMN", multiple=True, help="Leave out a column; may be repeated."),
    click.option(
        "--keep", metavar="COLUMN", multiple=True, help="Use a column although it looks like an identifier; repeatable."
    ),
    click.option(
        "--na-values",
        metavar="TEXT",
        multiple=True,
        help="What marks a missing value; may be repeated.  [default: an empty cell; in features also NA, ?, …]",
    ),
    click.option(
        "--separator", metavar="CHARACTER", help="Between cells: , ; | tab or space.  [default: found in the file]"
    ),
    click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign.  [default: found in the file]"),
    click.option("--thousands", metavar="CHARACTER", help="Between groups of three digits.  [default: none]"),
    click.option("--encoding", metavar="NAME", help="Of the text.  [default: UTF-8, UTF-16, else Windows-1252]"),
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether the first line names the columns; without, they are 1, 2, ….  [default: it must]",
    ),
)


def data_options(function: _Function) -> _Function:
    """Give a command the argument DATA and all options that say how a table is read; see :func:`load_data`."""
    for option in reversed(_DATA_OPTIONS):
        function = option(function)
    return function


def load_data(options: dict[str, Any]) -> "Dataset":
    """Load what :func:`data_options` describe, and take them out of the options of a command.

    Raises:
        ValueError: If the data cannot be loaded.
    """
    from qiskit_qml_ext.datasets import load_dataset

    name = options.pop("data")
    return load_dataset(name, **{argument: options.pop(argument) for argument in DATA_ARGUMENTS})


DATA_ARGUMENTS = (
    "label",
    "task",
    "classes",
    "drop",
    "keep",
    "na_values",
    "separator",
    "decimal",
    "thousands",
    "encoding",
    "header",
)
"""The arguments of ``load_dataset`` that are options of every command that reads data."""
