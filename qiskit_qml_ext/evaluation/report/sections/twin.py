"""The classical kernels that the quantum kernel is most like."""

from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter

_PAGE = """\
{% import "blocks.html" as blocks %}
<section>
  <h2>{{ section.title }}</h2>
  <p>{{ twin.headline() }}</p>
{{ blocks.numbers(section.title, twin.rows()) }}
  <p class="small">
    Centred alignments with the quantum kernel of {{ kernel.place }} (bandwidth {{ "%g" % kernel.bandwidth }}), each
    family at the scale that is most like it; errors: jackknife over the samples. How classical models score is in the
    table of all models.
  </p>
</section>
"""


class Twin(Section):
    """The nearest classical kernels, where they are known."""

    key = "twin"
    title = "What classical kernel it is most like"
    optional = True

    def applies(self, record: Record) -> bool:
        """Whether the quantum kernel could be compared with classical ones."""
        return record.twin is not None and record.kernel is not None

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write which is the nearest, and how near it is."""
        assert record.twin is not None
        writer.paragraph(record.twin.headline())
        writer.print()

    def page(self, record: Record) -> str:
        """Return the nearest, and the alignment of each family."""
        return render(_PAGE, section=self, twin=record.twin, kernel=record.kernel)

    def fragment(self, record: Record) -> str:
        """Return which is the nearest, and how near it is."""
        assert record.twin is not None
        return render("<p>{{ headline }}</p>", headline=record.twin.headline())

    def data(self, record: Record) -> dict[str, Any]:
        """Return the nearest kernel of each family."""
        return {"twin": record.twin.to_dict()} if self.applies(record) and record.twin is not None else {}

    def schema(self) -> dict[str, Any]:
        """Return its form."""
        return described("twin")
