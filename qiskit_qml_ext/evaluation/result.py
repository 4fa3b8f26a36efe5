"""What :func:`~qiskit_qml_ext.evaluation.evaluate` returns: the record of an evaluation, and all ways to show it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit_qml_ext.evaluation.outcomes.record import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Evaluation(Record):
    """The result of :func:`~qiskit_qml_ext.evaluation.evaluate`.

    Its fields are those of :class:`~qiskit_qml_ext.evaluation.outcomes.record.Record`: ``dataset``, ``num_available``,
    ``num_distinct``, ``settings``, ``models``, ``best_classical``, ``verdict``, ``health``, ``kernel``, ``diagnosis``,
    ``hardware``, ``run_cost``, ``notes``, ``provenance``, ``variational`` and ``twin``.
    """

    def to_frame(self) -> "pd.DataFrame":
        """Return a row for each model: its scores, its difference to the best classical one, and what it took."""
        import pandas as pd

        own = ("key", "role", "mean", "std", "fit_seconds", "circuits", "shots", "failure")
        compared = {
            "difference": "difference",
            "difference_low": "low",
            "difference_high": "high",
            "p_value": "p_value",
        }
        return pd.DataFrame(
            {name: getattr(model, name) for name in own}
            | {name: getattr(model.comparison, part, math.nan) for name, part in compared.items()}
            for model in self.models
        )

    def summary(self) -> str:
        """Return the table, the diagnosis of the kernel and the verdict as text."""
        from qiskit_qml_ext.evaluation.report.terminal import as_text

        return as_text(self)

    def report(self, path: str | Path) -> Path:
        """Write the report page, one HTML file without anything outside of it, readable by its owner only.

        Args:
            path: Where to; an existing file is replaced.

        Returns:
            The absolute path.
        """
        from qiskit_qml_ext.evaluation.report.page import render_report
        from qiskit_qml_ext.private_files import write_private

        return write_private(path, render_report(self))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw every model's score on every fold; returns the axes."""
        from qiskit_qml_ext.evaluation.report.figures import plot_scores

        return plot_scores(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the kernel's entries, ready for JSON, as ``json_schema()`` describes it.

        Numbers that JSON does not know (NaN, infinity) become None.
        """
        from qiskit_qml_ext.evaluation.report.document import as_document

        return as_document(self)

    def __repr__(self) -> str:
        return f"<Evaluation of {self.dataset.name}: {self.verdict.sentence}>"

    def _repr_html_(self) -> str:
        from qiskit_qml_ext.evaluation.report.page import render_fragment

        return render_fragment(self)
