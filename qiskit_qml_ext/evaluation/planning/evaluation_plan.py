"""A checked evaluation that is ready to run."""

from dataclasses import dataclass

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation.planning.effort import affordable_jobs
from qiskit_qml_ext.evaluation.planning.requirements import distinct_of_each_class
from qiskit_qml_ext.evaluation.planning.run_cost import RunCost
from qiskit_qml_ext.evaluation.planning.settings import EvaluationSettings
from qiskit_qml_ext.evaluation.planning.training import TrainingCircuits
from qiskit_qml_ext.evaluation.protocol.candidates import Candidate
from qiskit_qml_ext.evaluation.protocol.folds import Split, equal_rows
from qiskit_qml_ext.evaluation.protocol.quantum_family import FAMILIES, VARIATIONAL, QuantumFamily
from qiskit_qml_ext.evaluation.protocol.tuning import Tuning
from qiskit_qml_ext.primitives import Connection

# Scores of classifications between 0 and 1 in steps of about one over the number of test samples.
_FRACTIONS = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "jaccard", "roc_auc", "average_precision")


@dataclass(frozen=True, eq=False)
class EvaluationPlan:
    """A checked evaluation that is ready to run; made by :func:`~qiskit_qml_ext.evaluation.plan_evaluation`."""

    dataset: Dataset
    """The data that are used, after choosing samples."""
    num_available: int
    """How many samples there were before."""
    num_distinct: int
    """How many different rows the data have."""
    settings: EvaluationSettings
    """What was asked for, defaults filled in."""
    tuning: Tuning
    """What all searches have in common."""
    feature_map: FeatureMap
    """The encoding."""
    entangles: bool
    """Whether its circuit has entangling gates; without them a kernel is its own control."""
    given_target: object
    """What was given as the target: a name, a backend, a connection or None."""
    connection: Connection
    """Where the chosen quantum models run."""
    candidates: tuple[Candidate, ...]
    """The models."""
    splits: tuple[Split, ...]
    """The rows of each outer training set and test set."""
    run_cost: RunCost | None
    """What will run on a sampled target; None for an exact one."""
    seconds: float = 0.0
    """A rough estimate of the time of all fits on one core, for an exact target."""
    notes: tuple[str, ...] = ()
    """What a reader should know."""
    training: TrainingCircuits | None = None
    """What one gradient of the variational model would be on a device; None if there is no such model."""

    @property
    def families(self) -> tuple[QuantumFamily, ...]:
        """The quantum models that are compared."""
        return FAMILIES[self.settings.model]

    def entangles_in(self, family: QuantumFamily) -> bool:
        """Whether the circuit of a quantum model has entangling gates: the ansatz of a variational one has."""
        return self.entangles or (family == VARIATIONAL and self.settings.num_qubits > 1)

    @property
    def test_fraction(self) -> float:
        """n_test/n_train, averaged over the folds."""
        train, test = (sum(len(split[part]) for split in self.splits) for part in (0, 1))
        return test / train

    @property
    def test_size(self) -> float | None:
        """The different samples of a test fold that a score is a fraction of; None where it is not such a fraction.

        Scores that treat the classes alike, or one class by itself, are limited by the rarest class.
        """
        scoring, folds = self.settings.scoring, self.settings.folds
        if self.dataset.task != "classification" or not scoring.startswith(_FRACTIONS):
            return None
        if scoring == "accuracy":
            return self.num_distinct / folds
        rarest = min(distinct_of_each_class(self.dataset, equal_rows(self.dataset.X)))
        return len(self.dataset.class_names) * rarest / folds

    @property
    def default_jobs(self) -> int:
        """How many processes work if nobody says how many."""
        usual = self.given_target is None or isinstance(self.given_target, str)
        return affordable_jobs(self.seconds, is_exact=self.settings.is_exact) if usual else 1
