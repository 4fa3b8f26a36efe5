"""What an evaluation was asked to do."""

from dataclasses import asdict, dataclass

from qiskit_qml_ext.evaluation.formatting import plural


@dataclass(frozen=True)
class Settings:
    """The settings of an evaluation, all defaults filled in.

    Attributes:
        feature_map: The feature map, as Python would write it.
        num_qubits: Qubits of the feature map.
        num_encoded: How many features (or principal components) it encodes.
        uses_pca: Whether the features were reduced to principal components for the quantum models.
        target: The name of the target that ran the chosen quantum models.
        is_exact: Whether their results are free of shot noise.
        shots: Shots of every circuit; None for exact results.
        folds: Outer folds.
        repeats: How often the outer cross-validation is repeated with other folds.
        inner_folds: Folds of the search inside each outer training set.
        max_samples: The limit on samples that applied; None if there was none.
        seed: The seed of everything random.
        scoring: The name of the score; higher is better.
        C_values: The values of C that the support vector machines were offered.
        bandwidths: The values of the bandwidth that the quantum kernels were offered.
    """

    feature_map: str
    num_qubits: int
    num_encoded: int
    uses_pca: bool
    target: str
    is_exact: bool
    shots: int | None
    folds: int
    repeats: int
    inner_folds: int
    max_samples: int | None
    seed: int
    scoring: str
    C_values: tuple[float, ...]
    bandwidths: tuple[float, ...]

    @property
    def num_outer(self) -> int:
        """The number of outer train-test splits."""
        return self.folds * self.repeats

    def how_it_ran(self) -> str:
        """Say in one phrase where the quantum models ran."""
        if self.is_exact:
            return "simulated exactly on this computer"
        return f"sampled on {self.target} with {plural(self.shots or 0, 'shot')} per circuit"

    def folds_in_words(self) -> str:
        """Say how the folds were made."""
        repeats = ""
        if self.repeats > 1:
            repeats = f", {self.repeats} times with other folds ({self.num_outer} test folds)"
        return f"{self.folds}-fold cross-validation{repeats}, {self.inner_folds}-fold search inside"

    def to_dict(self) -> dict[str, object]:
        """Return the fields as a dictionary of plain values."""
        fields = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
