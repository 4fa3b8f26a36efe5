"""The models that are compared, each with its own search over a small grid of about the same size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.datasets import Task
from qiskit_qml_ext.evaluation.folds import DistinctRowFolds
from qiskit_qml_ext.evaluation.kernel_search import KernelSearch
from qiskit_qml_ext.evaluation.preparation import classical_preparation, quantum_preparation

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Connection

Role = Literal["quantum", "control", "classical", "baseline"]

C_VALUES = (0.1, 1.0, 10.0, 100.0)
BANDWIDTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
# The RBF SVM's γ in units of 1/(number of features): as many values as there are bandwidths, around the usual choice.
RELATIVE_GAMMAS = (0.03, 0.1, 0.3, 1.0, 3.0)
BOOSTING_ROUNDS = 100
LINEAR_STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True)
class Candidate:
    """A model that takes part in the comparison."""

    key: str
    """Its short name in the JSON file."""
    name: str
    """Its name for people."""
    role: Role
    """``"quantum"``, ``"control"`` (the same without entanglement), ``"classical"`` or ``"baseline"``."""
    make: Callable[[], BaseEstimator]
    """Builds an unfitted search object with ``fit``, ``best_estimator_`` and ``best_params_``."""


@dataclass(frozen=True)
class Protocol:
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
    """Values of the quantum kernels' bandwidth."""

    def inner_cv(self) -> DistinctRowFolds:
        """Return the splitter of the inner search; equal rows stay together there too."""
        return DistinctRowFolds(self.inner_folds, task=self.task, random_state=self.seed)

    def grid_search(self, preparation: Pipeline, model: BaseEstimator, grid: dict[str, Sequence[Any]]) -> GridSearchCV:
        """Return a search over a model's grid, with the preparation inside the folds."""
        pipeline = Pipeline([("prepare", preparation), ("model", model)])
        names = {f"model__{name}": list(values) for name, values in grid.items()}
        return GridSearchCV(pipeline, names, scoring=self.scoring, cv=self.inner_cv(), error_score="raise")


def all_candidates(
    protocol: Protocol,
    feature_map: FeatureMap,
    *,
    control: FeatureMap | None,
    connection: "Connection",
    search_connection: "Connection",
) -> list[Candidate]:
    """Return all models of the comparison in the order in which they are shown.

    Args:
        protocol: What the searches have in common.
        feature_map: The encoding of the quantum kernel.
        control: The feature map without entanglement; None if there is no such model in this comparison.
        connection: Where the chosen quantum models run.
        search_connection: An exact connection for the inner search.
    """

    def kernel_machine(map_: FeatureMap) -> Callable[[], BaseEstimator]:
        return lambda: KernelSearch(
            quantum_preparation(map_, num_components=protocol.num_components),
            task=protocol.task,
            feature_map=map_,
            connection=connection,
            search_connection=search_connection,
            C_values=protocol.C_values,
            bandwidths=protocol.bandwidths,
            cv=protocol.inner_cv(),
            scoring=protocol.scoring,
        )

    machine = "SVM" if protocol.task == "classification" else "SVR"
    candidates = [Candidate("quantum", f"Quantum kernel {machine}", "quantum", kernel_machine(feature_map))]
    if control is not None:
        candidates.append(Candidate("control", "Same, no entanglement", "control", kernel_machine(control)))
    candidates.append(Candidate("rbf", f"RBF {machine}", "classical", lambda: _rbf(protocol, None)))
    if protocol.num_components is not None:
        name = f"RBF {machine} on the same features"
        candidates.append(
            Candidate("rbf_same_features", name, "classical", lambda: _rbf(protocol, protocol.num_components))
        )
    linear = "Logistic regression" if protocol.task == "classification" else "Ridge regression"
    candidates.append(Candidate("linear", linear, "classical", lambda: _linear(protocol)))
    candidates.append(Candidate("boosting", "Gradient boosting", "classical", lambda: _boosting(protocol)))
    candidates.append(Candidate("dummy", "Dummy", "baseline", lambda: _dummy(protocol)))
    return candidates


def _rbf(protocol: Protocol, num_components: int | None) -> GridSearchCV:
    preparation = classical_preparation(num_components=num_components)
    if num_components is not None:
        preparation.steps.append(("rescale", StandardScaler()))
    width = protocol.num_features if num_components is None else num_components
    gammas = [gamma / width for gamma in RELATIVE_GAMMAS]
    if protocol.task == "classification":
        return protocol.grid_search(preparation, SVC(), {"C": protocol.C_values, "gamma": gammas})
    regressor = TransformedTargetRegressor(SVR(), transformer=StandardScaler())
    return protocol.grid_search(preparation, regressor, {"regressor__C": protocol.C_values, "regressor__gamma": gammas})


def _linear(protocol: Protocol) -> GridSearchCV:
    if protocol.task == "classification":
        model, name = LogisticRegression(max_iter=5000), "C"
    else:
        model, name = Ridge(), "alpha"
    return protocol.grid_search(classical_preparation(), model, {name: LINEAR_STRENGTHS})


def _boosting(protocol: Protocol) -> GridSearchCV:
    is_classification = protocol.task == "classification"
    family = HistGradientBoostingClassifier if is_classification else HistGradientBoostingRegressor
    # No early stopping: it would hold back a part of training sets that are small already.
    model = family(max_iter=BOOSTING_ROUNDS, max_leaf_nodes=15, early_stopping=False, random_state=protocol.seed)
    return protocol.grid_search(
        classical_preparation(), model, {"learning_rate": (0.05, 0.2), "min_samples_leaf": (5, 20)}
    )


def _dummy(protocol: Protocol) -> GridSearchCV:
    model = DummyClassifier(strategy="prior") if protocol.task == "classification" else DummyRegressor()
    return protocol.grid_search(classical_preparation(), model, {})
