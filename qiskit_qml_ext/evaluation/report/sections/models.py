"""All models on the same folds, as a table."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from qiskit_qml_ext.evaluation import formatting as fmt
from qiskit_qml_ext.evaluation.outcomes.model_result import ModelResult
from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter

# What is left out, step by step, where the terminal is too narrow; the page has everything.
_ORDER = ("interval", "fit", "shots", "circuits", "difference")
_STYLES = {"quantum": "bold", "control": "", "classical": "", "baseline": "dim"}

_TABLE = """\
{% set sampled = not record.settings.is_exact %}
<table class="models">
  <thead>
    <tr>
      <th scope="col">Model</th>
      <th scope="col" class="number">{{ record.settings.scoring }}</th>
      <th scope="col" class="number">to best classical</th>
      <th scope="col" class="number">95&nbsp;% interval</th>
      <th scope="col" class="number">p</th>
      <th scope="col" class="number">fit</th>
      <th scope="col" class="number">{{ "circuits" if sampled else "states" }}</th>
      {% if sampled %}<th scope="col" class="number">shots</th>{% endif %}
    </tr>
  </thead>
  <tbody>
  {% for m in record.models %}
    <tr class="{{ m.role }}">
      <th scope="row">{{ m.name }}</th>
    {% if m.failure is not none %}
      <td class="failure" colspan="5">failed: {{ m.failure }}</td>
    {% else %}
      <td class="number">{{ m.mean | score }} <span class="spread">± {{ m.std | score }}</span></td>
      {% if m.comparison is not none %}
      <td class="number">{{ m.comparison.difference | signed }}</td>
      <td class="number spread">{{ m.comparison.low | interval(m.comparison.high) }}</td>
      <td class="number">{{ m.comparison.p_value | p_value }}</td>
      {% else %}
      <td class="number" colspan="3">{{ "best classical model" if m.key == record.best_classical else "" }}</td>
      {% endif %}
      <td class="number">{{ m.fit_seconds | duration }}</td>
    {% endif %}
    {% if m.role in ("quantum", "control") %}
      <td class="number">{{ "{:,}".format(m.circuits) }}</td>
      {% if sampled %}<td class="number">{{ m.shots | count }}</td>{% endif %}
    {% else %}
      <td></td>
      {% if sampled %}<td></td>{% endif %}
    {% endif %}
    </tr>
  {% endfor %}
  </tbody>
</table>"""

_PAGE = """\
{% import "blocks.html" as blocks %}
<section>
  <h2>{{ section.title }}</h2>
  <div class="scroll" tabindex="0" role="region" aria-label="Table of all models; scrolls sideways">
{{ table | safe }}
  </div>
  <p class="small">
    Mean ± standard deviation over {{ record.settings.num_outer }} test folds. p: two-sided, each row for itself,
    corrected resampled t-test (Nadeau and Bengio, 2003); for accuracies and the like the variance is not taken below
    that of so few test samples. The dummy does not look at the features. Fit: mean time of the search and the fit of
    one fold.
    {% if record.settings.is_exact %}States: quantum states simulated over all folds, search included.
    {% if record.variational is not none %}For a variational model: one for each sample of each gradient and of each
    prediction.
    {% endif %}
    {% else %}Circuits and shots: what ran on {{ record.settings.target }} over all folds.{% endif %}
  </p>
  {% if record.notes %}
{{ blocks.items(record.notes, "notes") }}
  {% endif %}
</section>
"""


class Models(Section):
    """The table of all models, with the notes below it on the page."""

    key = "models"
    title = "All models on the same folds"

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write the table with the columns that fit, and why models failed."""
        tables = (_table(record, _ORDER[:number]) for number in range(len(_ORDER)))
        writer.print(next((table for table in tables if writer.fits(table)), _table(record, _ORDER)))
        for model in record.models:
            if model.failure is not None:
                writer.paragraph(f"{model.name} failed: {model.failure}", style="red")

    def page(self, record: Record) -> str:
        """Return the table and how to read it."""
        return render(_PAGE, section=self, record=record, table=render(_TABLE, record=record))

    def fragment(self, record: Record) -> str:
        """Return the table."""
        return render(_TABLE, record=record)

    def data(self, record: Record) -> dict[str, Any]:
        """Return one entry for each model."""
        return {
            "best_classical": record.best_classical,
            "models": [model.to_dict() for model in record.models],
        }

    def schema(self) -> dict[str, Any]:
        """Return their form."""
        return described("best_classical", "models")


def _table(record: Record, dropped: Sequence[str]) -> Table:
    sampled = not record.settings.is_exact
    headings = {
        "model": "Model",
        "score": record.settings.scoring,
        "difference": "to best classical",
        "interval": "95 % interval",
        "p": "p",
        "fit": "fit",
        "circuits": "circuits" if sampled else "states",
        **({"shots": "shots"} if sampled else {}),
    }
    shown = [name for name in headings if name not in dropped]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for name in shown:
        table.add_column(headings[name], justify="left" if name == "model" else "right", no_wrap=True)
    for model in record.models:
        cells = _cells(model, is_best=model.key == record.best_classical)
        table.add_row(*(cells.get(name, "") for name in shown), style=_STYLES[model.role])
    return table


def _cells(model: ModelResult, *, is_best: bool) -> dict[str, str]:
    """Return the cells of a row by the name of their column; those that are empty are left out."""
    cells = {"model": model.name}
    if model.role in ("quantum", "control"):
        cells |= {"circuits": f"{model.circuits:,}", "shots": fmt.count(model.shots)}
    if model.failure is not None:
        return cells | {"score": "failed"}
    cells |= {"score": f"{fmt.score(model.mean)} ± {fmt.score(model.std)}", "fit": fmt.duration(model.fit_seconds)}
    if is_best:
        return cells | {"difference": "best classical"}
    if (comparison := model.comparison) is None:
        return cells
    return cells | {
        "difference": fmt.signed(comparison.difference),
        "interval": fmt.interval(comparison.low, comparison.high),
        "p": fmt.p_value(comparison.p_value),
    }
