"""The answer."""

from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.sections.variational_verdict import VariationalVerdict
from qiskit_qml_ext.evaluation.report.text import TextWriter
from qiskit_qml_ext.evaluation.report.training_rows import second_verdict, side_by_side

_PAGE = """\
<section class="verdict {{ record.verdict.code }}" aria-label="{{ section.title }}">
  <p class="answer">{{ record.verdict.sentence }}</p>
  {% for detail in record.verdict.details %}
  <p>{{ detail }}</p>
  {% endfor %}
  {% for price in prices %}
  <p>{{ price }}</p>
  {% endfor %}
</section>
"""

_BOTH = """\
<div>
{{ first | safe }}
<section id="variational_verdict" class="verdict {{ look.verdict.code }}" aria-label="{{ title }}">
  <p class="answer">{{ look.verdict.sentence }}</p>
  {% for detail in details %}
  <p>{{ detail }}</p>
  {% endfor %}
</section>
</div>
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
        """Return the box, or one for each answer if there are two."""
        hardware = [] if record.hardware is None else [record.hardware.sentence()]
        look = record.variational
        if look is None:
            return render(_PAGE, section=self, record=record, prices=hardware)
        prices = [] if look.cost is None else [look.cost.sentence()]
        if not second_verdict(record):
            return render(_PAGE, section=self, record=record, prices=prices)
        beside = side_by_side(look, record.settings.num_outer)
        details = [*look.verdict.details, *([] if beside is None else [beside]), *prices]
        first = render(_PAGE, section=self, record=record, prices=hardware)
        return render(_BOTH, first=first, look=look, details=details, title=VariationalVerdict.title)

    def fragment(self, record: Record) -> str:
        """Return the sentence."""
        return render("<p><strong>{{ sentence }}</strong></p>", sentence=record.verdict.sentence)

    def data(self, record: Record) -> dict[str, Any]:
        """Return the verdict with its details."""
        return {"verdict": record.verdict.to_dict()}

    def schema(self) -> dict[str, Any]:
        """Return its form."""
        return described("verdict")
