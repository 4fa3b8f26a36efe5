"""What an evaluation does: what was asked for, with all defaults filled in."""

from dataclasses import asdict, dataclass

from qiskit_qml_ext.evaluation.formatting import plural
from qiskit_qml_ext.evaluation.protocol.quantum_family import ModelChoice
from qiskit_qml_ext.evaluation.protocol.training_grid import TrainingGrid


@dataclass(frozen=True)
class EvaluationSettings:
    """The settings of an evaluation, all defaults filled in."""

    feature_map: str
    """The feature map, as Python would write it."""
    num_qubits: int
    """Qubits of the feature map."""
    num_encoded: int
    """How many features (or principal components) it encodes."""
    uses_pca: bool
    """Whether the features were reduced to principal components for the quantum models."""
    target: str
    """The name of the target that ran the chosen quantum models."""
    is_exact: bool
    """Whether their results are free of shot noise."""
    shots: int | None
    """Shots of every circuit; None for exact results."""
    folds: int
    """Outer folds."""
    repeats: int
    """How often the outer cross-validation is repeated with other folds."""
    inner_folds: int
    """Folds of the search inside each outer training set."""
    max_samples: int | None
    """The limit on samples that applied; None if there was none."""
    seed: int
    """The seed of everything random."""
    scoring: str
    """The name of the score; higher is better."""
    C_values: tuple[float, ...]
    """The values of C that the support vector machines were offered."""
    bandwidths: tuple[float, ...]
    """The values of the bandwidth that the quantum models were offered."""
    model: ModelChoice = "kernel"
    """Which quantum models were compared."""
    training: TrainingGrid | None = None
    """What the variational models were offered beside the bandwidths; None if none was compared."""
    conditions: tuple[str, ...] = ()
    """What was on while the quantum models' circuits ran, such as twirling, as ``"name=value"``."""

    @property
    def num_outer(self) -> int:
        """The number of outer train-test splits."""
        return self.folds * self.repeats

    def how_it_ran(self) -> str:
        """Say in one phrase where the quantum models ran."""
        if self.is_exact:
            return "simulated exactly on this computer"
        conditions = f" ({', '.join(self.conditions)})" if self.conditions else ""
        return f"sampled on {self.target}{conditions} with {plural(self.shots or 0, 'shot')} per circuit"

    def folds_in_words(self) -> str:
        """Say how the folds were made."""
        repeats = ""
        if self.repeats > 1:
            repeats = f", {self.repeats} times with other folds ({self.num_outer} test folds)"
        return f"{self.folds}-fold cross-validation{repeats}, {self.inner_folds}-fold search inside"

    def to_dict(self) -> dict[str, object]:
        """Return the fields as plain values; ``model`` and ``training`` only where a variational model took part."""
        fields = asdict(self)
        del fields["model"], fields["training"]
        trained = {} if self.training is None else {"model": self.model, "training": self.training.to_dict()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()} | trained
