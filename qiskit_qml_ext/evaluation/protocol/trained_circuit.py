"""The trained circuit of the comparison: a feature map and an ansatz, with or without entanglement."""

from dataclasses import dataclass

from qiskit_qml_ext.circuits import FeatureMap, GaussianDistribution, HardwareEfficientAnsatz
from qiskit_qml_ext.datasets import Task
from qiskit_qml_ext.evaluation.protocol.training_grid import BATCH_SIZE, Setting, passes_for
from qiskit_qml_ext.models import VariationalClassifier, VariationalRegressor
from qiskit_qml_ext.optimizers import Adam

TrainedModel = VariationalClassifier | VariationalRegressor


@dataclass(frozen=True, eq=False)
class TrainedCircuit:
    """Builds the models that a search trains."""

    task: Task
    """Classification or regression."""
    feature_map: FeatureMap
    """The encoding; its bandwidth is replaced by that of a setting."""
    entangles: bool
    """Whether the ansatz has entangling gates; for the control neither it nor the encoding has."""
    seed: int
    """Seed of the initial weights and of the batches."""

    def ansatz(self, reps: int) -> HardwareEfficientAnsatz:
        """Return what is trained after the encoding.

        Rotations about z and then y let a circuit without entangling gates still turn each qubit in every direction,
        so that the control lacks nothing but entanglement, and no last rotation commutes with what is read.
        """
        entanglement = "linear" if self.entangles else "none"
        return HardwareEfficientAnsatz("zy", reps=reps, entanglement=entanglement)

    def model(self, setting: Setting, *, steps: int, num_samples: int, plateau_guard: str = "warn") -> TrainedModel:
        """Return an unfitted model that trains so many steps on so many samples, and never stops before.

        Args:
            setting: How the circuit is made and trained.
            steps: Steps of the training.
            num_samples: The number of training samples.
            plateau_guard: What the guard against plateaus does.
        """
        family = VariationalClassifier if self.task == "classification" else VariationalRegressor
        passes = passes_for(steps, num_samples)
        return family(
            self.feature_map.with_bandwidth(setting.bandwidth),
            self.ansatz(setting.reps),
            optimizer=Adam(setting.learning_rate),
            initialization=GaussianDistribution(),  # gradients at the start then fall only slowly with the width
            batch_size=min(BATCH_SIZE, num_samples),
            max_iter=passes,
            n_iter_no_change=passes + 1,  # the number of steps is the search's to choose
            plateau_guard=plateau_guard,
            random_state=self.seed,
        )
