"""The answer."""

from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter

_PAGE = """\
<section class="verdict {{ record.verdict.code }}" aria-label="{{ section.title }}">
  <p class="answer">{{ record.verdict.sentence }}</p>
  {% for detail in record.verdict.details %}
  <p>{{ detail }}</p>
  {% endfor %}
  {% if record.hardware is not none %}
  <p>{{ record.hardware.sentence() }}</p>
  {% endif %}
</section>
"""


class VerdictSection(Section):
    """The verdict; on the page its box also holds the details and the price on hardware."""

    key = "verdict"
    title = "Verdict"
    ends_text = True

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write the sentence."""
        writer.paragraph(record.verdict.sentence, style="bold")

    def page(self, record: Record) -> str:
        """Return the box."""
        return render(_PAGE, section=self, record=record)

    def fragment(self, record: Record) -> str:
        """Return the sentence."""
        return render("<p><strong>{{ sentence }}</strong></p>", sentence=record.verdict.sentence)

    def data(self, record: Record) -> dict[str, Any]:
        """Return the verdict with its details."""
        return {"verdict": record.verdict.to_dict()}

    def schema(self) -> dict[str, Any]:
        """Return its form."""
        return described("verdict")
