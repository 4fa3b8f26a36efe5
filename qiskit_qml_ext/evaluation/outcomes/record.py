"""The record of an evaluation: all that was asked, run and found, as frozen data."""

from dataclasses import dataclass, field

from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.diagnostics import Diagnosis, KernelHealth, KernelTwin
from qiskit_qml_ext.evaluation.hardware import HardwareCost
from qiskit_qml_ext.evaluation.judgement.verdict import Verdict
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample
from qiskit_qml_ext.evaluation.outcomes.model_result import ModelResult
from qiskit_qml_ext.evaluation.outcomes.provenance import Provenance
from qiskit_qml_ext.evaluation.outcomes.variational_look import VariationalLook
from qiskit_qml_ext.evaluation.planning.run_cost import RunCost
from qiskit_qml_ext.evaluation.planning.settings import EvaluationSettings


@dataclass(frozen=True, eq=False)
class Record:
    """All that came out of an evaluation; how it is shown lives in :mod:`qiskit_qml_ext.evaluation.report`."""

    dataset: Dataset
    """The data that were used, after choosing samples."""
    num_available: int
    """How many samples there were before."""
    num_distinct: int
    """How many different rows the data have."""
    settings: EvaluationSettings
    """What was asked for, defaults filled in."""
    models: tuple[ModelResult, ...]
    """One row for each model."""
    best_classical: str | None
    """The key of the classical model with the highest mean score; None if all failed."""
    verdict: Verdict
    """The answer: about the quantum kernel, or about the variational model if no kernel was compared."""
    health: KernelHealth | None
    """The health of the quantum kernel with the bandwidth that the search chose most often, on the first training set
    where it did, as it was computed or measured; None if the quantum kernel failed or was not compared."""
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
    variational: VariationalLook | None = None
    """How the variational models were trained, with the answer about them; None if there are none."""
    twin: KernelTwin | None = None
    """The classical kernels that the quantum kernel is most like, on up to 200 of these samples; None if the quantum
    kernel failed, was not compared, or is like none."""

    def __getitem__(self, key: str) -> ModelResult:
        """Return the row of a model by its key, for example ``evaluation["quantum"]``."""
        for model in self.models:
            if model.key == key:
                return model
        raise KeyError(f"There is no model {key!r}; there are: {', '.join(model.key for model in self.models)}.")
