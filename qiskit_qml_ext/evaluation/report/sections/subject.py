"""What was asked about which data."""

from typing import Any

from rich.markup import escape
from rich.text import Text

from qiskit_qml_ext.evaluation.formatting import plural
from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter

_PAGE = """\
<header>
  <p class="kicker">{{ data.summary() }}</p>
  <h1>{{ section.title }} on {{ data.name }}?</h1>
</header>
"""


class Subject(Section):
    """The question, the data and the settings."""

    key = "subject"
    title = "Does a quantum model help"

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write two lines."""
        settings = record.settings
        writer.print(Text(record.dataset.summary(), style="bold"))
        how = f"{escape(settings.feature_map)} on {plural(settings.num_qubits, 'qubit')}, {settings.how_it_ran()}; "
        writer.console.print(f"{how}{settings.folds_in_words()}", style="dim")

    def page(self, record: Record) -> str:
        """Return the heading of the page."""
        return render(_PAGE, section=self, data=record.dataset)

    def data(self, record: Record) -> dict[str, Any]:
        """Return the data set and the settings."""
        data = record.dataset
        return {
            "dataset": {
                "name": data.name,
                "source": data.source,
                "task": data.task,
                "label": data.label_name,
                "num_samples": data.num_samples,
                "num_samples_available": record.num_available,
                "num_distinct_rows": record.num_distinct,
                "num_features": data.num_features,
                "num_missing": data.num_missing,
                "class_counts": data.class_counts,
            },
            "settings": record.settings.to_dict(),
        }

    def schema(self) -> dict[str, Any]:
        """Return their forms."""
        return described("dataset", "settings")
