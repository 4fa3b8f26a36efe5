"""What a fit would take on hardware."""

from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section
from qiskit_qml_ext.evaluation.report.text import TextWriter


class Hardware(Section):
    """The price on a device; on the page it stands in the verdict's box."""

    key = "hardware"
    title = "On hardware"
    ends_text = True

    def applies(self, record: Record) -> bool:
        """Whether a device was looked at."""
        return record.hardware is not None

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write the sentence."""
        if record.hardware is not None:
            writer.paragraph(record.hardware.sentence())

    def data(self, record: Record) -> dict[str, Any]:
        """Return the numbers."""
        return {"hardware": None if record.hardware is None else record.hardware.to_dict()}

    def schema(self) -> dict[str, Any]:
        """Return their form."""
        return described("hardware")
