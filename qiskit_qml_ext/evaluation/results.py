"""What an evaluation found, as frozen data; how it is shown lives in the modules beside this one."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.diagnostics import Diagnosis, KernelHealth
from qiskit_qml_ext.evaluation.candidates import Role
from qiskit_qml_ext.evaluation.comparison import KernelSample
from qiskit_qml_ext.evaluation.hardware import HardwareCost
from qiskit_qml_ext.evaluation.planning import RunCost
from qiskit_qml_ext.evaluation.settings import Settings
from qiskit_qml_ext.evaluation.statistics import Comparison
from qiskit_qml_ext.evaluation.verdict import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SCHEMA_VERSION = "1.2"


@dataclass(frozen=True)
class GridEdge:
    """A value at an end of the grid that a search chose because it scored higher than all others."""

    parameter: str
    """The name of the parameter."""
    value: float
    """The value."""
    is_largest: bool
    """Whether it is the largest of the grid, not the smallest."""
    times: int
    """On how many outer folds it was chosen."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary."""
        return asdict(self)


@dataclass(frozen=True)
class ModelResult:
    """One model's row."""

    key: str
    """Its short name."""
    name: str
    """Its name for people."""
    role: Role
    """``"quantum"``, ``"control"``, ``"classical"`` or ``"baseline"``."""
    scores: tuple[float, ...]
    """The score of each outer fold; empty if the model failed on one of them."""
    mean: float
    """Their mean; NaN if it failed."""
    std: float
    """Their standard deviation (divisor folds - 1); NaN if it failed."""
    comparison: Comparison | None
    """The difference to the best classical model; None for that model itself and where one of them failed."""
    fit_seconds: float
    """Time of search and fit, averaged over the folds; NaN if it failed."""
    circuits: int
    """What ran on the target over all folds: circuits, or states for an exact one; 0 for classical models."""
    shots: int
    """Shots over all folds; 0 for exact and classical models."""
    parameters: tuple[Mapping[str, float], ...] = ()
    """What the search chose in each fold."""
    failure: str | None = None
    """Why the model failed, one line; None if it did not."""
    warnings: tuple[str, ...] = ()
    """Warnings from its fits."""
    edges: tuple[GridEdge, ...] = ()
    """Ends of its grid that the search chose on half of the outer folds or more."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        return {
            **{name: getattr(self, name) for name in ("key", "name", "role", "mean", "std", "fit_seconds")},
            "scores": list(self.scores),
            "difference": None if self.comparison is None else self.comparison.to_dict(),
            "circuits": self.circuits,
            "shots": self.shots,
            "parameters": [dict(chosen) for chosen in self.parameters],
            "failure": self.failure,
            "warnings": list(self.warnings),
            "edges": [edge.to_dict() for edge in self.edges],
        }


@dataclass(frozen=True)
class Provenance:
    """Where, when and with what an evaluation ran."""

    started: str
    """Start, ISO 8601 with the time zone."""
    seconds: float
    """How long it took."""
    versions: Mapping[str, str]
    """Versions of Python and of the packages that matter."""
    platform: str
    """The operating system and machine."""
    command: str | None = None
    """The command line, if it was one."""

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of :func:`~qiskit_qml_ext.evaluation.evaluate`."""

    dataset: Dataset
    """The data that were used, after choosing samples."""
    num_available: int
    """How many samples there were before."""
    num_distinct: int
    """How many different rows the data have."""
    settings: Settings
    """What was asked for, defaults filled in."""
    models: tuple[ModelResult, ...]
    """One row for each model."""
    best_classical: str | None
    """The key of the classical model with the highest mean score; None if all failed."""
    verdict: Verdict
    """The answer."""
    health: KernelHealth | None
    """The health of the quantum kernel with the bandwidth that the search chose most often, on the first training set
    where it did, as it was computed or measured; None if the quantum kernel failed."""
    kernel: KernelSample | None
    """That kernel matrix."""
    diagnosis: Diagnosis | None
    """What was found about that kernel on up to 200 of these samples, always simulated exactly: whether it
    concentrates, how it differs from classical kernels, what to do, the price; None if it cannot be diagnosed."""
    hardware: HardwareCost | None
    """What a fit would take on a device; None if none was looked at."""
    run_cost: RunCost | None
    """What was announced to run on the target; None for exact results."""
    notes: tuple[str, ...]
    """What else a reader should know."""
    provenance: Provenance = field(repr=False)
    """Versions, time, command."""

    def __getitem__(self, key: str) -> ModelResult:
        """Return the row of a model by its key, for example ``evaluation["quantum"]``."""
        for model in self.models:
            if model.key == key:
                return model
        raise KeyError(f"There is no model {key!r}; there are: {', '.join(model.key for model in self.models)}.")

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
        from qiskit_qml_ext.evaluation.terminal import as_text

        return as_text(self)

    def report(self, path: str | Path) -> Path:
        """Write the report page, one HTML file without anything outside of it, readable by its owner only.

        Args:
            path: Where to; an existing file is replaced.

        Returns:
            The absolute path.
        """
        from qiskit_qml_ext.evaluation.report import render_report
        from qiskit_qml_ext.private_files import write_private

        return write_private(path, render_report(self))

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw every model's score on every fold; returns the axes."""
        from qiskit_qml_ext.evaluation.figures import plot_scores

        return plot_scores(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the kernel's entries, ready for JSON, as ``schema.json`` describes it.

        Numbers that JSON does not know (NaN, infinity) become None.
        """
        data = self.dataset
        document = {
            "schema_version": SCHEMA_VERSION,
            "dataset": {
                "name": data.name,
                "source": data.source,
                "task": data.task,
                "label": data.label_name,
                "num_samples": data.num_samples,
                "num_samples_available": self.num_available,
                "num_distinct_rows": self.num_distinct,
                "num_features": data.num_features,
                "num_missing": data.num_missing,
                "class_counts": data.class_counts,
            },
            "settings": self.settings.to_dict(),
            "verdict": self.verdict.to_dict(),
            "best_classical": self.best_classical,
            "models": [model.to_dict() for model in self.models],
            "kernel": None if self.health is None else self.health.to_dict(),
            "diagnosis": self._diagnosis(),
            "hardware": None if self.hardware is None else self.hardware.to_dict(),
            "notes": list(self.notes),
            "provenance": self.provenance.to_dict(),
        }
        return {name: _finite(value) for name, value in document.items()}

    def _diagnosis(self) -> dict[str, Any] | None:
        if self.diagnosis is None or self.kernel is None:
            return None
        return {"bandwidth": self.kernel.bandwidth, "fold": self.kernel.fold, **self.diagnosis.to_dict()}

    def __repr__(self) -> str:
        return f"<Evaluation of {self.dataset.name}: {self.verdict.sentence}>"

    def _repr_html_(self) -> str:
        from qiskit_qml_ext.evaluation.report import render_fragment

        return render_fragment(self)


def _finite(value: Any) -> Any:
    """Replace NaN and infinities by None, in dictionaries and lists too."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
