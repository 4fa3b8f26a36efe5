"""What all commands do about input that cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def bad_input() -> Iterator[None]:
    """Turn what the user can put right into click's error, which becomes one sentence."""
    from qiskit_qml_ext.exceptions import QmlExtError

    try:
        yield
    except (ValueError, TypeError, QmlExtError, OSError) as error:
        raise click.ClickException(" ".join(str(error).split())) from error


def check_files(*paths: str | None) -> None:
    """Check before the work begins that the files of its result can be written; None stands for no file.

    Raises:
        ValueError: If one cannot be written.
    """
    from qiskit_qml_ext.private_files import check_writable

    for path in filter(None, paths):
        check_writable(path)
