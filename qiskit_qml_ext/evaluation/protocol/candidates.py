"""The models that are compared, each with its own search over a small grid of about the same size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from qiskit_qml_ext.circuits import FeatureMap
from qiskit_qml_ext.evaluation.protocol.kernel_search import KernelSearch
from qiskit_qml_ext.evaluation.protocol.preparation import classical_preparation, quantum_preparation
from qiskit_qml_ext.evaluation.protocol.quantum_family import KERNEL, VARIATIONAL, QuantumFamily
from qiskit_qml_ext.evaluation.protocol.trained_circuit import TrainedCircuit
from qiskit_qml_ext.evaluation.protocol.training_grid import TrainingGrid
from qiskit_qml_ext.evaluation.protocol.training_search import TrainingSearch
from qiskit_qml_ext.evaluation.protocol.tuning import Tuning

if TYPE_CHECKING:
    from qiskit_qml_ext.primitives import Connection

Role = Literal["quantum", "control", "classical", "baseline"]

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
    family: QuantumFamily = KERNEL
    """The family of a quantum model or of a control; of no meaning for others."""


def all_candidates(tuning: Tuning, quantum: Sequence[Candidate]) -> list[Candidate]:
    """Return all models of the comparison in the order in which they are shown: quantum ones first.

    Args:
        tuning: What the searches have in common.
        quantum: The quantum models and their controls.
    """
    machine = "SVM" if tuning.task == "classification" else "SVR"
    candidates = list(quantum)
    candidates.append(Candidate("rbf", f"RBF {machine}", "classical", lambda: _rbf(tuning, None)))
    if tuning.num_components is not None:
        name = f"RBF {machine} on the same features"
        candidates.append(
            Candidate("rbf_same_features", name, "classical", lambda: _rbf(tuning, tuning.num_components))
        )
    linear = "Logistic regression" if tuning.task == "classification" else "Ridge regression"
    candidates.append(Candidate("linear", linear, "classical", lambda: _linear(tuning)))
    candidates.append(Candidate("boosting", "Gradient boosting", "classical", lambda: _boosting(tuning)))
    candidates.append(Candidate("dummy", "Dummy", "baseline", lambda: _dummy(tuning)))
    return candidates


def kernel_candidates(
    tuning: Tuning,
    feature_map: FeatureMap,
    *,
    control: FeatureMap | None,
    connection: "Connection",
    search_connection: "Connection",
) -> list[Candidate]:
    """Return the quantum kernel machine and its control.

    Args:
        tuning: What the searches have in common.
        feature_map: The encoding of the quantum kernel.
        control: The feature map without entanglement; None if there is no such model in this comparison.
        connection: Where the chosen quantum models run.
        search_connection: An exact connection for the inner search.
    """

    def kernel_machine(map_: FeatureMap) -> Callable[[], BaseEstimator]:
        return lambda: KernelSearch(
            quantum_preparation(map_, num_components=tuning.num_components),
            task=tuning.task,
            feature_map=map_,
            connection=connection,
            search_connection=search_connection,
            C_values=tuning.C_values,
            bandwidths=tuning.bandwidths,
            cv=tuning.inner_cv(),
            scoring=tuning.scoring,
        )

    machine = "SVM" if tuning.task == "classification" else "SVR"
    candidates = [Candidate(KERNEL.key, f"Quantum kernel {machine}", "quantum", kernel_machine(feature_map))]
    if control is not None:
        candidates.append(Candidate(KERNEL.control, "Same, no entanglement", "control", kernel_machine(control)))
    return candidates


def variational_candidates(
    tuning: Tuning, feature_map: FeatureMap, *, control: FeatureMap | None, grid: TrainingGrid
) -> list[Candidate]:
    """Return the variational model and its control; both are simulated exactly.

    Args:
        tuning: What the searches have in common.
        feature_map: The encoding.
        control: The encoding of the control, without entanglement; None if there is no such model in this comparison.
        grid: What the searches choose from.
    """

    def trained(map_: FeatureMap, *, entangles: bool) -> Callable[[], BaseEstimator]:
        return lambda: TrainingSearch(
            quantum_preparation(map_, num_components=tuning.num_components),
            circuit=TrainedCircuit(tuning.task, map_, entangles, tuning.seed),
            grid=grid,
            cv=tuning.inner_cv(),
            scoring=tuning.scoring,
        )

    name = "Variational classifier" if tuning.task == "classification" else "Variational regressor"
    candidates = [Candidate(VARIATIONAL.key, name, "quantum", trained(feature_map, entangles=True), VARIATIONAL)]
    if control is not None:
        make = trained(control, entangles=False)
        candidates.append(Candidate(VARIATIONAL.control, "Variational, no entanglement", "control", make, VARIATIONAL))
    return candidates


def _rbf(tuning: Tuning, num_components: int | None) -> GridSearchCV:
    preparation = classical_preparation(num_components=num_components)
    if num_components is not None:
        preparation.steps.append(("rescale", StandardScaler()))
    width = tuning.num_features if num_components is None else num_components
    gammas = [gamma / width for gamma in RELATIVE_GAMMAS]
    if tuning.task == "classification":
        return tuning.grid_search(preparation, SVC(), {"C": tuning.C_values, "gamma": gammas})
    regressor = TransformedTargetRegressor(SVR(), transformer=StandardScaler())
    return tuning.grid_search(preparation, regressor, {"regressor__C": tuning.C_values, "regressor__gamma": gammas})


def _linear(tuning: Tuning) -> GridSearchCV:
    if tuning.task == "classification":
        model, name = LogisticRegression(max_iter=5000), "C"
    else:
        model, name = Ridge(), "alpha"
    return tuning.grid_search(classical_preparation(), model, {name: LINEAR_STRENGTHS})


def _boosting(tuning: Tuning) -> GridSearchCV:
    is_classification = tuning.task == "classification"
    family = HistGradientBoostingClassifier if is_classification else HistGradientBoostingRegressor
    # No early stopping: it would hold back a part of training sets that are small already.
    model = family(max_iter=BOOSTING_ROUNDS, max_leaf_nodes=15, early_stopping=False, random_state=tuning.seed)
    return tuning.grid_search(
        classical_preparation(), model, {"learning_rate": (0.05, 0.2), "min_samples_leaf": (5, 20)}
    )


def _dummy(tuning: Tuning) -> GridSearchCV:
    model = DummyClassifier(strategy="prior") if tuning.task == "classification" else DummyRegressor()
    return tuning.grid_search(classical_preparation(), model, {})
