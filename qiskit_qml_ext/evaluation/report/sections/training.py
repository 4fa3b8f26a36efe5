"""How the variational models were trained: the guard's findings, a figure for each, and their numbers."""

from functools import partial
from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report import figures
from qiskit_qml_ext.evaluation.report.html import Figure, render, svg
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter
from qiskit_qml_ext.evaluation.report.training_rows import choice, guard_sentences, rows

_PAGE = """\
{% import "blocks.html" as blocks %}
<section>
  <h2>{{ section.title }}</h2>
  {% for training in look.trainings %}
  <p class="small">{{ training.name }}: {{ choice(training) }}.</p>
  {% if training.guards %}
{{ blocks.items(guard_sentences(training)) }}
  {% endif %}
  {% endfor %}
  <div class="figures">
  {% for figure in figures %}
{{ blocks.drawing(figure) }}
  {% endfor %}
  </div>
  {% for training in look.trainings %}
  <h3>{{ training.name }}</h3>
{{ blocks.numbers(training.name, rows(training)) }}
  {% endfor %}
  <p class="small">
    Each with the choice that the searches made most often (among several, that whose values they chose most often), on
    the first training set where they did. The loss is the
    {{ "cross-entropy" if is_classification else "squared error in units of the variance of the labels" }}.
  </p>
</section>
"""

_FRAGMENT = """\
{% for training in look.trainings %}
<p>{{ training.name }}: {{ choice(training) }}.</p>
{% if training.guards %}
<ul>
{% for sentence in guard_sentences(training) %}
<li>{{ sentence }}</li>
{% endfor %}
</ul>
{% endif %}
{% endfor %}"""


class Training(Section):
    """The variational models that were trained on every fold."""

    key = "training"
    title = "How the variational models were trained"
    optional = True

    def applies(self, record: Record) -> bool:
        """Whether one of them was."""
        return record.variational is not None and bool(record.variational.trainings)

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write what was trained, what the guard found, and the losses."""
        assert record.variational is not None
        writer.print()
        for training in record.variational.trainings:
            writer.paragraph(f"{training.name}: {choice(training)}")
            for sentence in guard_sentences(training):
                writer.paragraph(sentence, start="  • ")
            writer.rows(rows(training))
        writer.print()

    def page(self, record: Record) -> str:
        """Return the findings, the curves and the numbers."""
        return render(
            _PAGE,
            section=self,
            look=record.variational,
            choice=choice,
            guard_sentences=guard_sentences,
            rows=rows,
            figures=_figures(record),
            is_classification=record.dataset.task == "classification",
        )

    def fragment(self, record: Record) -> str:
        """Return what was trained and what the guard found."""
        return render(_FRAGMENT, look=record.variational, choice=choice, guard_sentences=guard_sentences)

    def data(self, record: Record) -> dict[str, Any]:
        """Return the verdict about the variational model, its price, its place beside the kernel and the curves."""
        return {} if record.variational is None else {"variational": record.variational.to_dict()}

    def schema(self) -> dict[str, Any]:
        """Return its form."""
        return described("variational")


def _figures(record: Record) -> list[Figure]:
    assert record.variational is not None
    return [
        Figure(
            f"Training: {training.name}",
            svg(partial(figures.plot_training, training), f"training-{training.key}"),
            figures.describe_training(training),
            "Line: the mean loss on the training set, pass by pass. Dots: that on the samples which the search held "
            "out, with the same choice, after so many steps (passes are whole, so that it may be a few more). Dotted: "
            "the chosen number of steps. Dots that rise while the line falls: it may be learning by heart.",
        )
        for training in record.variational.trainings
    ]
