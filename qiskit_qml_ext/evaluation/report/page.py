"""The report page, one HTML file that needs nothing from outside, and the fragment of it for notebooks."""

import re
from importlib.resources import files

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render_file
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.sections import SECTIONS


def render_report(record: Record) -> str:
    """Return the whole page as HTML."""
    css = files("qiskit_qml_ext.evaluation.report").joinpath("page.css").read_text(encoding="utf-8")
    parts = [_linked(section, section.page(record)) for section in SECTIONS if section.applies(record)]
    return render_file("page.html", record=record, css=css, parts=filter(None, parts))


def _linked(section: Section, text: str) -> str:
    """Return what a section shows, its key as the ``id`` of its first element, so that links lead to it."""
    return re.sub(r"^\s*<[a-z][a-z0-9]*", rf'\g<0> id="{section.key}"', text, count=1)


def render_fragment(record: Record) -> str:
    """Return the verdict, the table and the findings about the kernel as HTML for a notebook."""
    parts = [section.fragment(record) for section in SECTIONS if section.applies(record)]
    return "\n".join(["<div>", *filter(None, parts), "</div>"])
