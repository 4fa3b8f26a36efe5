"""The inner search of a trained circuit: how it is made, how fast and how long it is trained."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline
from typing_extensions import Self

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IndexArray
from qiskit_qml_ext.evaluation.protocol.trained_circuit import TrainedCircuit, TrainedModel
from qiskit_qml_ext.evaluation.protocol.training_grid import Setting, TrainingGrid, passes_for

if TYPE_CHECKING:
    from sklearn.model_selection import BaseCrossValidator


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a training scored on samples that it did not see, after each number of steps."""

    scores: FloatArray
    """Shape (numbers of steps,)."""
    losses: FloatArray
    """The mean loss in the units of the training, shape (numbers of steps,)."""


class TrainingSearch(BaseEstimator):  # type: ignore[misc, unused-ignore]
    """Choose bandwidth, layers, learning rate and steps of a trained circuit by cross-validation, then train it.

    Each setting is trained once on each split, through all numbers of steps; it picks what ``GridSearchCV`` would pick
    over the pipeline (preparation, model), the first of the best.

    Args:
        preparation: An unfitted transformer for the features; fitted anew in every fold.
        circuit: Builds the models.
        grid: What is chosen from.
        cv: How the training data are split for the search.
        scoring: The name of a scikit-learn scorer; higher is better.

    Attributes:
        best_params_: The chosen ``bandwidth``, ``reps``, ``learning_rate`` and ``steps``.
        best_score_: Their mean score in the search.
        cv_results_: All choices (``params``) and their mean scores (``mean_test_score``), as ``GridSearchCV`` has them.
        held_out_losses_: The mean loss of the chosen setting on the samples that were held out in the search, for each
            number of steps of the grid, shape (numbers of steps,).
        num_states_: States that were simulated: one for each sample of each gradient and of each prediction.
        best_estimator_: The fitted pipeline with the steps ``prepare`` and ``model``.
    """

    def __init__(
        self,
        preparation: BaseEstimator,
        *,
        circuit: TrainedCircuit,
        grid: TrainingGrid,
        cv: "BaseCrossValidator",
        scoring: str,
    ):
        self.preparation = preparation
        self.circuit = circuit
        self.grid = grid
        self.cv = cv
        self.scoring = scoring

    def fit(self, X: FloatArray, y: AnyArray) -> Self:
        """Search, then train the chosen model on all samples given."""
        settings, steps = list(self.grid.settings()), self.grid.steps
        self.num_states_ = 0
        parts = [self._split(X, y, train, test, settings) for train, test in self.cv.split(X, y)]
        scores = np.mean([[held.scores for held in part] for part in parts], axis=0)
        self.cv_results_ = {
            "params": [{**setting._asdict(), "steps": number} for setting in settings for number in steps],
            "mean_test_score": scores.reshape(-1),
        }
        row, column = divmod(int(np.argmax(np.nan_to_num(scores, nan=-np.inf))), len(steps))
        self.best_score_ = float(scores[row, column])
        self.best_params_ = {**settings[row]._asdict(), "steps": steps[column]}
        self.held_out_losses_ = np.mean([part[row].losses for part in parts], axis=0)
        model = self.circuit.model(settings[row], steps=steps[column], num_samples=len(X))
        pipeline = Pipeline([("prepare", clone(self.preparation)), ("model", model)])
        self.best_estimator_ = pipeline.fit(X, y)
        self.num_states_ += model.n_iter_ * len(X)
        return self

    def _split(
        self, X: FloatArray, y: AnyArray, train: IndexArray, test: IndexArray, settings: list[Setting]
    ) -> list[HeldOut]:
        """Train every setting on one part, and test it on the other."""
        preparation = clone(self.preparation).fit(X[train], y[train])
        seen, unseen = preparation.transform(X[train]), preparation.transform(X[test])
        return [self._trained(setting, (seen, y[train]), (unseen, y[test])) for setting in settings]

    def _trained(
        self, setting: Setting, seen: tuple[FloatArray, AnyArray], unseen: tuple[FloatArray, AnyArray]
    ) -> HeldOut:
        """Train one setting through all numbers of steps, testing it after each."""
        size, scorer, done = len(seen[0]), get_scorer(self.scoring), 0
        model = self.circuit.model(setting, steps=self.grid.steps[-1], num_samples=size, plateau_guard="off")
        model.set_params(warm_start=True)
        scores, losses = np.empty(len(self.grid.steps)), np.empty(len(self.grid.steps))
        for index, steps in enumerate(self.grid.steps):
            passes = passes_for(steps, size)
            if passes > done:
                model.set_params(max_iter=passes - done).fit(*seen)
                self.num_states_ += (passes - done) * size
                done = passes
            scores[index] = scorer(model, *unseen)
            losses[index] = mean_loss(model, *unseen, spread=float(np.std(seen[1])))
            self.num_states_ += 2 * len(unseen[0])
        return HeldOut(scores, losses)


def mean_loss(model: TrainedModel, X: FloatArray, y: AnyArray, *, spread: float) -> float:
    """Return the mean loss of a trained model, in the units of its training.

    Args:
        model: The model.
        X: Samples, prepared.
        y: Their labels.
        spread: The standard deviation of the labels that a regressor was trained on.
    """
    if not hasattr(model, "predict_proba"):
        return float(np.mean(((model.predict(X) - y) / (spread or 1.0)) ** 2))
    probabilities = model.predict_proba(X)
    places = np.searchsorted(model.classes_, y)
    return float(-np.mean(np.log(np.maximum(probabilities[np.arange(len(y)), places], np.finfo(float).tiny))))
