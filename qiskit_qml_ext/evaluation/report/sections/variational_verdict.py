"""The answer about the variational model, where the first answer is about a kernel, and the price of its training."""

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter
from qiskit_qml_ext.evaluation.report.training_rows import second_verdict, side_by_side

_FRAGMENT = """\
<p><strong>{{ verdict.sentence }}</strong></p>
{% for detail in verdict.details %}
<p>{{ detail }}</p>
{% endfor %}"""


class VariationalVerdict(Section):
    """The second answer and the price; on the page they stand in the boxes of the verdicts."""

    key = "variational_verdict"
    title = "Verdict about the variational model"
    ends_text = True

    def applies(self, record: Record) -> bool:
        """Whether a variational model took part."""
        return record.variational is not None

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write the answer with its details if it is the second one, the two models side by side, and the price."""
        look = record.variational
        assert look is not None
        if second_verdict(record):
            writer.print()
            writer.paragraph(look.verdict.sentence, style="bold")
            for detail in look.verdict.details:
                writer.paragraph(detail)
        if (sentence := side_by_side(look, record.settings.num_outer)) is not None:
            writer.paragraph(sentence)
        if look.cost is not None:
            writer.paragraph(look.cost.sentence())

    def fragment(self, record: Record) -> str:
        """Return the second answer."""
        if not second_verdict(record) or record.variational is None:
            return ""
        return render(_FRAGMENT, verdict=record.variational.verdict)
