"""What else a reader should know."""

from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter


class Notes(Section):
    """The notes; on the page they stand below the table of models, and the warnings of fits at its end."""

    key = "notes"
    title = "Notes"

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write the notes and the warnings, and an empty line below them."""
        warnings = [f"{model.name}: {warning}" for model in record.models for warning in model.warnings]
        notes = [*record.notes, *warnings]
        for note in notes:
            writer.paragraph(f"Note: {note}", style="dim")
        if notes:
            writer.print()

    def data(self, record: Record) -> dict[str, Any]:
        """Return the notes."""
        return {"notes": list(record.notes)}

    def schema(self) -> dict[str, Any]:
        """Return their form."""
        return described("notes")
