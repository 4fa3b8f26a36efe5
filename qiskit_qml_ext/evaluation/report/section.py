"""What a section of the report is: one part of the answer, and how it is shown in each medium."""

from typing import Any, ClassVar

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.text import TextWriter


class Section:
    """A part of the report.

    A section overrides the renderings that it has; in the other media it does not appear. All but :meth:`data` are
    asked only where :meth:`applies`.

    Attributes:
        key: One word for it; the page makes it the ``id`` of its element, so that links lead there.
        title: What it is called on the page.
        ends_text: Whether it stands at the end of the text, the part of a terminal that is read first.
        optional: Whether its keys are in the JSON document only where it applies.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    ends_text: ClassVar[bool] = False
    optional: ClassVar[bool] = False

    def applies(self, record: Record) -> bool:
        """Whether there is anything to show."""
        return True

    def text(self, record: Record, writer: TextWriter) -> None:
        """Write it as text."""

    def page(self, record: Record) -> str:
        """Return it as one HTML element for the page, escaped; the page gives it its ``id``."""
        return ""

    def fragment(self, record: Record) -> str:
        """Return it as HTML for a notebook, escaped; what matters most is enough."""
        return ""

    def data(self, record: Record) -> dict[str, Any]:
        """Return what it adds to the JSON document: always the same keys, None where it does not apply.

        An optional section adds nothing where it does not apply.
        """
        return {}

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of each of these keys."""
        return {}
