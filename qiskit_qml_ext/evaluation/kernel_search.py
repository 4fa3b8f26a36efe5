"""The inner search of a quantum kernel machine: C and bandwidth, with each kernel matrix computed only once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray, IndexArray
from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Task
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC, QuantumSVR

if TYPE_CHECKING:
    from sklearn.model_selection import BaseCrossValidator

    from qiskit_qml_ext.primitives import Connection


class KernelSearch(BaseEstimator):  # type: ignore[misc, unused-ignore]
    """Choose C and the bandwidth of a quantum kernel machine by cross-validation, then fit it.

    It picks what ``GridSearchCV`` would pick over the pipeline (preparation, :class:`QuantumSVC`), including ties, but
    computes one kernel matrix for each fold and bandwidth instead of one for each fold, bandwidth and C.

    Args:
        preparation: An unfitted transformer for the features; fitted anew in every fold.
        task: Whether to fit a :class:`QuantumSVC` or, on standardised labels, a :class:`QuantumSVR`.
        feature_map: The encoding; its bandwidth is replaced by those that are searched.
        connection: Where the chosen model is fitted and predicts.
        search_connection: Where the search runs: an exact connection, so that it is free and without noise.
        C_values: The values of C, ascending.
        bandwidths: The values of the bandwidth, ascending.
        cv: How the training data are split for the search.
        scoring: The name of a scikit-learn scorer; higher is better.

    Attributes:
        best_params_: The chosen ``C`` and ``bandwidth``.
        best_score_: Their mean score in the search.
        cv_results_: All choices (``params``) and their mean scores (``mean_test_score``), as ``GridSearchCV`` has them.
        best_estimator_: The fitted pipeline with the steps ``prepare`` and ``model``.
    """

    def __init__(
        self,
        preparation: BaseEstimator,
        *,
        task: Task,
        feature_map: FeatureMap,
        connection: "Connection",
        search_connection: "Connection",
        C_values: Sequence[float],
        bandwidths: Sequence[float],
        cv: "BaseCrossValidator",
        scoring: str,
    ):
        self.preparation = preparation
        self.task = task
        self.feature_map = feature_map
        self.connection = connection
        self.search_connection = search_connection
        self.C_values = C_values
        self.bandwidths = bandwidths
        self.cv = cv
        self.scoring = scoring

    def fit(self, X: FloatArray, y: FloatArray) -> Self:
        """Search, then fit the chosen model on all samples given."""
        splits = [self._split_scores(X, y, train, test) for train, test in self.cv.split(X, y)]
        scores = np.mean(splits, axis=0)
        self.cv_results_ = {
            "params": [{"C": C, "bandwidth": bandwidth} for C in self.C_values for bandwidth in self.bandwidths],
            "mean_test_score": scores.reshape(-1),
        }
        # The first of the best in the order of GridSearchCV: C outside, bandwidth inside.
        row, column = divmod(int(np.argmax(np.nan_to_num(scores, nan=-np.inf))), len(self.bandwidths))
        self.best_score_ = float(scores[row, column])
        self.best_params_ = {"C": self.C_values[row], "bandwidth": self.bandwidths[column]}
        kernel = self._kernel(self.best_params_["bandwidth"], self.connection)
        model = QuantumSVC if self.task == "classification" else QuantumSVR
        machine = self._on_standardised_labels(model(kernel, C=self.best_params_["C"]))
        self.best_estimator_ = Pipeline([("prepare", clone(self.preparation)), ("model", machine)]).fit(X, y)
        return self

    def _split_scores(self, X: FloatArray, y: FloatArray, train: IndexArray, test: IndexArray) -> FloatArray:
        """Score every C and bandwidth on one split, shape (number of Cs, number of bandwidths)."""
        preparation = clone(self.preparation).fit(X[train], y[train])
        # Both parts at once, so that each sample's state is computed once; the block between test samples is not used.
        samples = np.concatenate([preparation.transform(X[train]), preparation.transform(X[test])])
        scorer, size = get_scorer(self.scoring), len(train)
        scores = np.empty((len(self.C_values), len(self.bandwidths)))
        for column, bandwidth in enumerate(self.bandwidths):
            matrix = self._kernel(bandwidth, self.search_connection).evaluate(samples)
            for row, C in enumerate(self.C_values):
                machine = (
                    SVC(kernel="precomputed", C=C) if self.task == "classification" else SVR(kernel="precomputed", C=C)
                )
                fitted = self._on_standardised_labels(machine).fit(matrix[:size, :size], y[train])
                scores[row, column] = scorer(fitted, matrix[size:, :size], y[test])
        return scores

    def _kernel(self, bandwidth: float, connection: "Connection") -> FidelityKernel:
        return FidelityKernel(self.feature_map.with_bandwidth(bandwidth), connection=connection)

    def _on_standardised_labels(self, machine: BaseEstimator) -> BaseEstimator:
        """Give a regressor labels of unit variance, the scale that C and epsilon are meant for."""
        if self.task == "classification":
            return machine
        return TransformedTargetRegressor(machine, transformer=StandardScaler())
