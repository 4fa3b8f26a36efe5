"""The report page, one HTML file that needs nothing from outside, and the fragment of it for notebooks."""

from importlib.resources import files

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render_file
from qiskit_qml_ext.evaluation.report.sections import SECTIONS


def render_report(record: Record) -> str:
    """Return the whole page as HTML."""
    css = files("qiskit_qml_ext.evaluation.report").joinpath("page.css").read_text(encoding="utf-8")
    parts = [section.page(record) for section in SECTIONS if section.applies(record)]
    return render_file("page.html", record=record, css=css, parts=filter(None, parts))


def render_fragment(record: Record) -> str:
    """Return the verdict, the table and the findings about the kernel as HTML for a notebook."""
    parts = [section.fragment(record) for section in SECTIONS if section.applies(record)]
    return "\n".join(["<div>", *filter(None, parts), "</div>"])
