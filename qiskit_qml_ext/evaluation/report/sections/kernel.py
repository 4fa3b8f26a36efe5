"""The quantum kernel that the search chose: what was found about it, its pictures and its numbers."""

from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.kernel_figures import kernel_figures
from qiskit_qml_ext.evaluation.report.kernel_rows import measured, numbers, where
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter

_PAGE = """\
{% import "blocks.html" as blocks %}
{% set diagnosis = record.diagnosis %}
<section>
  <h2>{{ section.title }}</h2>
  {% if diagnosis is not none %}
  <p class="small">Diagnosed with {{ where }}.</p>
  <ul class="findings">
    {% for finding in diagnosis.findings %}
    <li class="{{ finding.level }}"><span role="img" aria-label="{{ finding.level }}">{{ finding.mark }}</span>
      {{- finding.sentence }}</li>
    {% endfor %}
  </ul>
  {% for heading, sentences in (
    ("What to do", diagnosis.advice), ("The price", diagnosis.price), ("Not done", diagnosis.skipped)
  ) if sentences %}
  <h3>{{ heading }}</h3>
{{ blocks.items(sentences) }}
  {% endfor %}
  {% endif %}
  <div class="figures">
  {% for figure in figures %}
{{ blocks.drawing(figure) }}
  {% endfor %}
  </div>
  {% for title, rows in tables if rows %}
  <h3>{{ title }}</h3>
{{ blocks.numbers(title, rows) }}
  {% endfor %}
  <p class="small">
    {{ scope }}
    {% if record.health.noise_variance > 0 %}Shot noise was taken off the variance.{% endif %}
  </p>
  {% if diagnosis is not none %}
  {% for title, result in diagnosis.sections() %}
  <details>
    <summary>All numbers: {{ title[0] | lower }}{{ title[1:] }}</summary>
{{ blocks.numbers(title, result.rows()) }}
  </details>
  {% endfor %}
  {% endif %}
</section>
"""

_FRAGMENT = """\
<p>The quantum kernel ({{ where }}):</p>
<ul>
{% for finding in findings %}
<li>{{ finding.mark }} {{ finding.sentence }}</li>
{% endfor %}
</ul>"""


class Kernel(Section):
    """The quantum kernel, unless it failed."""

    key = "kernel"
    title = "The quantum kernel"

    def applies(self, record: Record) -> bool:
        """Whether there is a kernel matrix to look at."""
        return record.kernel is not None and record.health is not None

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write the findings first, then the numbers that they do not tell."""
        writer.print()
        if (diagnosis := record.diagnosis) is None:
            writer.paragraph(f"{self.title}: {_bandwidth(record)}, on {_samples(record)}")
        else:
            writer.paragraph(f"{self.title}: {where(record)}")
            for finding in diagnosis.findings:
                writer.paragraph(finding.sentence, start=f"  {finding.mark} ")
            for sentence in (*diagnosis.advice, *(f"Not done: {reason}" for reason in diagnosis.skipped)):
                writer.paragraph(sentence, start="  → ")
        writer.rows(numbers(record))
        if rows := measured(record):
            writer.paragraph(f"As sampled on {record.settings.target}, on all of {_samples(record)}")
            writer.rows(rows)
        writer.print()

    def page(self, record: Record) -> str:
        """Return the findings, the pictures and all numbers."""
        return render(
            _PAGE,
            section=self,
            record=record,
            where="" if record.diagnosis is None else where(record),
            figures=kernel_figures(record),
            tables=(("In numbers", numbers(record)), (f"As sampled on {record.settings.target}", measured(record))),
            scope=_scope(record),
        )

    def fragment(self, record: Record) -> str:
        """Return the findings."""
        if record.diagnosis is None:
            return ""
        return render(_FRAGMENT, where=where(record), findings=record.diagnosis.findings)

    def data(self, record: Record) -> dict[str, Any]:
        """Return the health and the diagnosis."""
        diagnosis = None
        if record.diagnosis is not None and record.kernel is not None:
            place = {"bandwidth": record.kernel.bandwidth, "fold": record.kernel.fold}
            diagnosis = {**place, **record.diagnosis.to_dict()}
        return {"kernel": None if record.health is None else record.health.to_dict(), "diagnosis": diagnosis}

    def schema(self) -> dict[str, Any]:
        """Return their form."""
        return described("kernel", "diagnosis")


def _bandwidth(record: Record) -> str:
    assert record.kernel is not None
    return f"bandwidth {record.kernel.bandwidth:g}"


def _samples(record: Record) -> str:
    assert record.kernel is not None
    assert record.health is not None
    return f"{record.kernel.place} ({record.health.num_samples:,} samples)"


def _scope(record: Record) -> str:
    """Say what the pictures and the numbers of the kernel belong to, and how their errors were computed."""
    assert record.health is not None
    if record.diagnosis is None:
        return f"On {_samples(record)}, {_bandwidth(record)}. Errors: {record.health.method}."
    how = "" if record.settings.is_exact else f", sampled on {record.settings.target}"
    return (
        f"Matrix, entries, eigenvalues, effective rank and alignment: all of {_samples(record)}{how}. "
        f"Errors: {record.health.method}."
    )
