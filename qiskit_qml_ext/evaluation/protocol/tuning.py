"""How every model is tuned: what the searches inside the training sets have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from qiskit_qml_ext.datasets import Task
from qiskit_qml_ext.evaluation.protocol.folds import DistinctRowFolds

C_VALUES = (0.1, 1.0, 10.0, 100.0)
BANDWIDTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Tuning:
    """What all searches have in common."""

    task: Task
    """Classification or regression."""
    scoring: str
    """The name of the scorer."""
    inner_folds: int
    """The number of folds of the inner search."""
    seed: int
    """Seed of the inner folds and of the models."""
    num_features: int
    """The number of features in the data."""
    num_components: int | None
    """How many principal components the feature map encodes; None if it encodes all features."""
    C_values: Sequence[float] = C_VALUES
    """Values of C for all support vector machines."""
    bandwidths: Sequence[float] = BANDWIDTHS
    """Values of the quantum models' bandwidth."""

    def inner_cv(self) -> DistinctRowFolds:
        """Return the splitter of the inner search; equal rows stay together there too."""
        return DistinctRowFolds(self.inner_folds, task=self.task, random_state=self.seed)

    def grid_search(self, preparation: Pipeline, model: BaseEstimator, grid: dict[str, Sequence[Any]]) -> GridSearchCV:
        """Return a search over a model's grid, with the preparation inside the folds."""
        pipeline = Pipeline([("prepare", preparation), ("model", model)])
        names = {f"model__{name}": list(values) for name, values in grid.items()}
        return GridSearchCV(pipeline, names, scoring=self.scoring, cv=self.inner_cv(), error_score="raise")
