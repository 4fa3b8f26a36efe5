"""What qualifies the verdict."""

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter

_FRAGMENT = """\
{% for detail in details %}
<p>{{ detail }}</p>
{% endfor %}"""


class Details(Section):
    """The details of the verdict; on the page they stand in its box, in the document beside it."""

    key = "details"
    title = "Details"
    ends_text = True

    def applies(self, record: Record) -> bool:
        """Whether there are any."""
        return bool(record.verdict.details)

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write a paragraph for each."""
        for detail in record.verdict.details:
            writer.paragraph(detail)

    def fragment(self, record: Record) -> str:
        """Return a paragraph for each."""
        return render(_FRAGMENT, details=record.verdict.details)
