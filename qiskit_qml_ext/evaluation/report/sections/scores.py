"""Every score of every model, as a picture."""

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report import figures
from qiskit_qml_ext.evaluation.report.html import Figure, render, svg
from qiskit_qml_ext.evaluation.report.section import Section

_PAGE = """\
{% import "blocks.html" as blocks %}
<section class="figures">
{{ blocks.drawing(figure) }}
</section>
"""


class Scores(Section):
    """The figure of the scores."""

    key = "scores"
    title = "Scores"

    def page(self, record: Record) -> str:
        """Return the figure."""
        best = "" if record.best_classical is None else " The dashed line is the mean of the best classical model."
        figure = Figure(
            self.title,
            svg(lambda axes: figures.plot_scores(record, axes), "scores"),
            figures.describe_scores(record),
            f"Each dot is a fold (at the same height in all rows), each bar a mean.{best}",
        )
        return render(_PAGE, section=self, figure=figure)
