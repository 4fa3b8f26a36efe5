"""What was run, what the searches chose, and how to repeat it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qml_ext.evaluation.formatting import duration, plural
from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.protocol.training_grid import BATCH_SIZE, TrainingGrid
from qiskit_qml_ext.evaluation.report.html import render
from qiskit_qml_ext.evaluation.report.schema import described
from qiskit_qml_ext.evaluation.report.section import Section

_MOST_CLASSES = 12  # that are listed with their numbers of samples
_WORDS = {
    "gamma": "γ",
    "alpha": "α",
    "learning_rate": "learning rate",
    "min_samples_leaf": "samples per leaf",
    "reps": "layers",
}

_PAGE = """\
{% import "blocks.html" as blocks %}
<section>
  <h2>{{ section.title }}</h2>
{{ blocks.pairs(facts) }}
  {% if choices %}
  <h3>What the searches chose</h3>
  <dl>
    {% for name, text in choices %}
    <div class="long"><dt>{{ name }}</dt><dd>{{ text }}</dd></div>
    {% endfor %}
  </dl>
  {% endif %}
  {% if warnings %}
  <h3>Warnings</h3>
{{ blocks.items(warnings, "notes") }}
  {% endif %}
  {% if record.provenance.command %}
  <h3>How to repeat it</h3>
  <pre tabindex="0"><code>{{ record.provenance.command }}</code></pre>
  {% endif %}
</section>
"""


class Run(Section):
    """The facts of the run; in a terminal they were said before."""

    key = "run"
    title = "What was run"

    def page(self, record: Record) -> str:
        """Return the facts, the choices of the searches, the warnings and the command."""
        return render(
            _PAGE,
            section=self,
            record=record,
            facts=[*_facts_of_data(record), *_facts_of_settings(record), *_facts_of_run(record)],
            choices=[(model.name, chosen(model.parameters)) for model in record.models if any(model.parameters)],
            warnings=[f"{model.name}: {warning}" for model in record.models for warning in model.warnings],
        )

    def data(self, record: Record) -> dict[str, Any]:
        """Return where, when and with what it ran."""
        return {"provenance": record.provenance.to_dict()}

    def schema(self) -> dict[str, Any]:
        """Return its form."""
        return described("provenance")


def chosen(parameters: Sequence[Mapping[str, float]]) -> str:
    """Say what a search chose over the folds: ``C 10 (3×), 1 (2×); bandwidth 0.1``."""
    parts = []
    for name in sorted({name for fold in parameters for name in fold}):
        counts = Counter(fold[name] for fold in parameters if name in fold)
        values = [
            f"{value:.3g} ({number}×)" if len(counts) > 1 else f"{value:.3g}" for value, number in counts.most_common()
        ]
        parts.append(f"{_WORDS.get(name, name)} {', '.join(values)}")
    return "; ".join(parts)


def _facts_of_data(record: Record) -> list[tuple[str, str]]:
    """Return name and value of each fact."""
    data = record.dataset
    left_out = f" of {record.num_available:,}" if data.num_samples < record.num_available else ""
    missing = f", {data.num_missing:,} values missing" if data.num_missing else ""
    facts = [
        ("Data", f"{data.name} ({data.source})"),
        ("Label", f"{data.label_name} ({data.task})"),
        ("Samples", f"{data.num_samples:,}{left_out}"),
        ("Features", f"{data.num_features:,}{missing}"),
    ]
    if data.class_names:
        counts = list(data.class_counts.items())
        text = ", ".join(f"{name}: {number:,}" for name, number in counts[:_MOST_CLASSES])
        facts.append(("Classes", text + (f", … ({len(counts)} in all)" if len(counts) > _MOST_CLASSES else "")))
    return facts


def _facts_of_settings(record: Record) -> list[tuple[str, str]]:
    settings = record.settings
    encoded = "principal components" if settings.uses_pca else "features"
    return [
        ("Feature map", f"{settings.feature_map} on {plural(settings.num_qubits, 'qubit')}"),
        ("Encoded", f"{settings.num_encoded} {encoded}"),
        ("Quantum models", settings.how_it_ran()),
        ("Folds", settings.folds_in_words()),
        ("Score", settings.scoring),
        ("Values of C", _listed(settings.C_values)),
        ("Bandwidths", _listed(settings.bandwidths)),
        *([] if settings.training is None else _facts_of_training(settings.training)),
        ("Seed", str(settings.seed)),
    ]


def _facts_of_training(grid: TrainingGrid) -> list[tuple[str, str]]:
    return [
        ("Ansatz", "layers of trained z and y rotations and of CX gates between neighbours"),
        ("Its layers", _listed(grid.reps)),
        ("Learning rates", f"{_listed(grid.learning_rates)} (Adam)"),
        ("Steps", f"{_listed(grid.steps)}, of at most {BATCH_SIZE} samples"),
    ]


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _facts_of_run(record: Record) -> list[tuple[str, str]]:
    provenance = record.provenance
    return [
        ("Started", provenance.started.replace("T", " ").replace("+00:00", " UTC")),
        ("Time", duration(provenance.seconds)),
        ("System", provenance.platform),
        ("Versions", ", ".join(f"{name} {version}" for name, version in provenance.versions.items())),
    ]
