"""The result as text: a table, the diagnosis of the kernel, and the verdict."""

import io

from rich.console import Console

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.sections import SECTIONS
from qiskit_qml_ext.evaluation.report.text import TextWriter

TEXT_WIDTH = 120


def as_text(record: Record, *, width: int = TEXT_WIDTH) -> str:
    """Return the result as plain text without colours."""
    stream = io.StringIO()
    print_record(record, Console(file=stream, width=width, force_terminal=False, color_system=None, highlight=False))
    return stream.getvalue().rstrip() + "\n"


def print_record(record: Record, console: Console) -> None:
    """Print the result on a console."""
    writer = TextWriter(console)
    for section in sorted(SECTIONS, key=lambda section: section.ends_text):  # False before True, else as they stand
        if section.applies(record):
            section.text(record, writer)
