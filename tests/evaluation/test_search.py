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
from qiskit_qml_ext.datasets import load_dataset
from qiskit_qml_ext.evaluation import plan_evaluation
from qiskit_qml_ext.evaluation.comparison import run_fold
from qiskit_qml_ext.evaluation.preparation import quantum_preparation
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.models import QuantumSVC, QuantumSVR

GRID = {"C_values": (0.1, 1.0, 10.0), "bandwidths": (0.1, 0.5)}


@pytest.mark.parametrize("name", ["iris", "diabetes"])
@pytest.mark.parametrize("seed", [0, 1])
def test_search_picks_what_grid_search_picks(name, seed):
    data = load_dataset(name).subsample(36, seed=seed)
    plan = plan_evaluation(data, qubits=2, folds=2, seed=seed, **GRID)
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
    theirs = GridSearchCV(pipeline, grid, cv=plan.protocol.inner_cv(), scoring=plan.settings.scoring)
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
    return plan_evaluation(replace(data, X=X), qubits=2, folds=3, **GRID, **options)


@pytest.mark.slow
def test_no_step_is_ever_fitted_on_rows_it_must_not_see(monkeypatch):
    seen = []

    def spy(self, X, y=None):
        seen.append(X[:, 0].astype(int))
        return original(self, X, y)

    original = SimpleImputer.fit
    monkeypatch.setattr(SimpleImputer, "fit", spy)
    plan = labelled_plan()
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
