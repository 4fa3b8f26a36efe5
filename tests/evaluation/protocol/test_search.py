"""The search with shared kernel matrices picks what scikit-learn's search picks; nothing leaks out of the folds."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import small_data
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.datasets import Dataset, load_dataset
from qiskit_qml_ext.evaluation import plan_evaluation, run_plan
from qiskit_qml_ext.evaluation.outcomes.fold_runs import run_fold
from qiskit_qml_ext.evaluation.outcomes.grid_edges import chosen_edges
from qiskit_qml_ext.evaluation.protocol.preparation import quantum_preparation
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC, QuantumSVR

GRID = {"C_values": (0.1, 1.0, 10.0), "bandwidths": (0.1, 0.5)}


@pytest.mark.parametrize("name", ["iris", "diabetes"])
@pytest.mark.parametrize("seed", [0, 1])
def test_search_picks_what_grid_search_picks(name, seed):
    data = load_dataset(name).subsample(36, seed=seed)
    plan = plan_evaluation(data, max_qubits=2, folds=2, seed=seed, **GRID)
    ours = plan.candidates[0].make().fit(data.X, data.y)
    kernel = FidelityKernel(ZZFeatureMap())
    if data.task == "classification":
        model, prefix = QuantumSVC(kernel), "model__"
    else:
        model, prefix = (
            TransformedTargetRegressor(QuantumSVR(kernel), transformer=StandardScaler()),
            "model__regressor__",
        )
    pipeline = Pipeline([("prepare", quantum_preparation(ZZFeatureMap(), num_components=2)), ("model", model)])
    grid = {f"{prefix}C": GRID["C_values"], f"{prefix}kernel__feature_map__bandwidth": GRID["bandwidths"]}
    theirs = GridSearchCV(pipeline, grid, cv=plan.tuning.inner_cv(), scoring=plan.settings.scoring)
    theirs.fit(data.X, data.y)
    # libsvm stops at a tolerance of 1e-3, so a regression follows rounding errors of the kernel up to about that.
    exact = data.task == "classification"
    np.testing.assert_allclose(ours.best_score_, theirs.best_score_, rtol=1e-9 if exact else 1e-3)
    assert ours.best_params_["C"] == theirs.best_params_[f"{prefix}C"]
    assert ours.best_params_["bandwidth"] == theirs.best_params_[f"{prefix}kernel__feature_map__bandwidth"]
    predictions = [search.best_estimator_.predict(data.X[:5]) for search in (ours, theirs)]
    np.testing.assert_allclose(*predictions, atol=0 if exact else 5e-3 * np.std(data.y))


def labelled_plan(**options):
    """Make a plan whose first feature is the number of the row, so that a step can tell which rows it sees."""
    data = small_data(36, 4)
    X = data.X.copy()
    X[:, 0] = np.arange(36)
    return plan_evaluation(replace(data, X=X), max_qubits=2, folds=3, **GRID, **options)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["kernel", "variational"])
def test_no_step_is_ever_fitted_on_rows_it_must_not_see(monkeypatch, model):
    seen = []

    def spy(self, X, y=None):
        seen.append(X[:, 0].astype(int))
        return original(self, X, y)

    original = SimpleImputer.fit
    monkeypatch.setattr(SimpleImputer, "fit", spy)
    plan = labelled_plan(model=model)
    assert not seen
    train, test = plan.splits[1]
    for candidate in plan.candidates:
        seen.clear()
        assert run_fold(plan, candidate, 1, (train, test), False).failure is None
        assert seen, candidate.key
        for rows in seen:
            assert not set(rows) & set(test), f"{candidate.key} was fitted on test rows"
        # One fit on the whole training set at the end; all others on two thirds of it, for the search.
        assert sorted({len(rows) for rows in seen}) == [16, 24], candidate.key
        assert sum(len(rows) == 24 for rows in seen) == 1, candidate.key


@pytest.mark.parametrize("step", [SimpleImputer, StandardScaler, PCA, MinMaxScaler])
def test_every_step_of_the_quantum_preparation_sees_training_rows_only(monkeypatch, step):
    sizes = []
    original = step.fit_transform

    def spy(self, X, y=None, **options):
        sizes.append(len(X))
        return original(self, X, y, **options)

    monkeypatch.setattr(step, "fit_transform", spy)
    plan = labelled_plan()
    assert run_fold(plan, plan.candidates[0], 0, plan.splits[0], False).failure is None
    assert set(sizes) <= {16, 24}
    assert sizes


def test_values_of_test_samples_change_nothing_that_was_fitted():
    plan = labelled_plan()
    train, test = plan.splits[0]
    X = plan.dataset.X.copy()
    X[test] = 1e6
    spoiled = replace(plan, dataset=replace(plan.dataset, X=X))
    for candidate in plan.candidates[:2]:
        clean, dirty = (run_fold(p, candidate, 0, (train, test), True) for p in (plan, spoiled))
        assert clean.parameters == dirty.parameters
        np.testing.assert_array_equal(clean.kernel.matrix, dirty.kernel.matrix)


@pytest.mark.parametrize(
    ("scores", "edges"),
    [
        ([0.5, 0.6, 0.7], {"C": True}),  # better and better towards the largest
        ([0.7, 0.6, 0.5], {"C": False}),
        ([0.5, 0.7, 0.6], {}),
        ([0.7, 0.7, 0.6], {}),  # a tie with a value inside
        ([0.7, 0.7, 0.7], {}),
        ([float("nan"), 0.6, 0.7], {"C": True}),
    ],
)
def test_an_end_of_a_grid_counts_only_if_it_scores_higher_than_the_rest(scores, edges):
    values = (0.1, 1.0, 10.0)
    chosen = {"model__C": values[int(np.nanargmax(scores))]}
    assert chosen_edges([{"model__C": value} for value in values], scores, chosen) == edges
    # Two values have no inside, and one value is no grid.
    assert chosen_edges([{"C": 1.0}, {"C": 2.0}], [0.1, 0.2], {"C": 2.0}) == {}
    assert chosen_edges([{"C": 1.0}], [0.1], {"C": 1.0}) == {}


def test_an_end_of_a_grid_is_compared_with_all_values_of_the_other_parameters():
    grid = [{"C": C, "bandwidth": b} for C in (1.0, 2.0, 3.0) for b in (0.1, 0.2, 0.3)]
    # The best is at C = 3 with bandwidth 0.2; another bandwidth gives the same score at C = 2.
    scores = {(3.0, 0.2): 0.9, (2.0, 0.1): 0.9}
    table = [scores.get((choice["C"], choice["bandwidth"]), 0.5) for choice in grid]
    assert chosen_edges(grid, table, {"C": 3.0, "bandwidth": 0.2}) == {}
    table = [min(score, 0.8) if choice["C"] == 2.0 else score for choice, score in zip(grid, table, strict=True)]
    assert chosen_edges(grid, table, {"C": 3.0, "bandwidth": 0.2}) == {"C": True}


def test_ends_that_were_chosen_on_most_folds_are_told_for_quantum_and_classical_models():
    # Unequal classes: with the smaller values of C all machines name the larger class.
    X = np.random.default_rng(0).uniform(size=(90, 2))
    data = Dataset.from_arrays(X, (X[:, 0] > 0.7).astype(int))
    grids = {"bandwidths": (0.1, 0.3), "C_values": (1e-3, 1e-2, 3.0)}
    plan = plan_evaluation(data, feature_map="angle", folds=3, **grids)
    result = run_plan(
        replace(plan, candidates=tuple(c for c in plan.candidates if c.key in ("quantum", "rbf", "dummy")))
    )
    assert any(edge.is_largest and edge.times >= 2 for edge in result["rbf"].edges)
    (note,) = [note for note in result.notes if "at an end of their grid" in note]
    for model in result.models:
        for edge in model.edges:
            end = "largest" if edge.is_largest else "smallest"
            assert f"{model.name}: {end} {edge.parameter}, {edge.value:.3g}, on {edge.times} of 3 folds" in note
            assert sum(fold[edge.parameter] == edge.value for fold in model.parameters) >= edge.times
    assert result.to_dict()["models"][1]["edges"] == [edge.to_dict() for edge in result["rbf"].edges]
