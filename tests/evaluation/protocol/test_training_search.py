"""The search of a trained circuit picks what scikit-learn's search picks, and counts what it simulates."""

import numpy as np
import pytest
from evaluation_data import small_data
from sklearn.metrics import get_scorer

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.circuits.disentangle import has_entangling_gates
from qiskit_qml_ext.engine.loss_gradient import LossGradient
from qiskit_qml_ext.evaluation.protocol.folds import DistinctRowFolds
from qiskit_qml_ext.evaluation.protocol.preparation import quantum_preparation
from qiskit_qml_ext.evaluation.protocol.trained_circuit import TrainedCircuit
from qiskit_qml_ext.evaluation.protocol.training_grid import Setting, TrainingGrid, passes_for, steps_of_a_pass
from qiskit_qml_ext.evaluation.protocol.training_search import TrainingSearch, mean_loss
from qiskit_qml_ext.models.variational.evaluator import ExactEvaluator

SCORING = {"classification": "accuracy", "regression": "r2"}
SMALL = TrainingGrid((0.3, 1.0), reps=(1,), learning_rates=(0.1, 0.3), steps=(5, 10, 20))


def search(task="classification", grid=SMALL, feature_map=None, *, entangles=True):
    map_ = AngleFeatureMap() if feature_map is None else feature_map
    return TrainingSearch(
        quantum_preparation(map_),
        circuit=TrainedCircuit(task, map_, entangles, 0),
        grid=grid,
        cv=DistinctRowFolds(3, task=task),
        scoring=SCORING[task],
    )


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("num_samples", [30, 105])  # in one batch of a step, and in two
def test_search_scores_what_trainings_from_the_beginning_score(task, num_samples):
    data = small_data(num_samples, task=task)
    ours = search(task).fit(data.X, data.y)
    # an independent search: every choice trained anew, without passing through fewer steps
    means = []
    for choice in ours.cv_results_["params"]:
        setting = Setting(choice["bandwidth"], choice["reps"], choice["learning_rate"])
        scores = []
        for train, test in ours.cv.split(data.X, data.y):
            prepare = quantum_preparation(AngleFeatureMap()).fit(data.X[train])
            model = ours.circuit.model(setting, steps=choice["steps"], num_samples=len(train))
            model.fit(prepare.transform(data.X[train]), data.y[train])
            scores.append(get_scorer(SCORING[task])(model, prepare.transform(data.X[test]), data.y[test]))
        means.append(np.mean(scores))
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], means, atol=1e-9)
    best = int(np.argmax(means))
    assert ours.best_params_ == ours.cv_results_["params"][best]
    assert ours.best_score_ == pytest.approx(means[best], abs=1e-9)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_held_out_loss_is_in_the_units_of_the_training_loss(task):
    data = small_data(task=task)
    circuit = TrainedCircuit(task, AngleFeatureMap(), entangles=True, seed=0)
    whole = circuit.model(Setting(0.3, 1, 0.1), steps=8, num_samples=30).fit(data.X, data.y)
    part = circuit.model(Setting(0.3, 1, 0.1), steps=7, num_samples=30).fit(data.X, data.y)
    # the loss of a pass was taken where the pass before it ended
    expected = whole.history_["loss"].iloc[-1]
    assert mean_loss(part, data.X, data.y, spread=float(np.std(data.y))) == pytest.approx(expected, rel=1e-9)


def test_every_simulated_state_is_counted(monkeypatch):
    counted = 0

    def counting(method):
        def count(self, rows, *arguments):
            nonlocal counted
            counted += len(rows)
            return method(self, rows, *arguments)

        return count

    for kind, name in ((ExactEvaluator, "values"), (ExactEvaluator, "vjp"), (LossGradient, "__call__")):
        monkeypatch.setattr(kind, name, counting(getattr(kind, name)))
    data = small_data(36)
    fitted = search().fit(data.X, data.y)
    assert fitted.num_states_ == counted > 0


def test_the_control_has_as_many_weights_and_no_entangling_gate():
    data, grid = small_data(), TrainingGrid((0.3,), reps=(2,), learning_rates=(0.1,), steps=(2,))
    map_ = ZZFeatureMap()
    model, control = (
        search(grid=grid, feature_map=one, entangles=entangles).fit(data.X, data.y).best_estimator_.named_steps["model"]
        for one, entangles in ((map_, True), (map_.without_entanglement(), False))
    )
    assert has_entangling_gates(model.circuit_)
    assert not has_entangling_gates(control.circuit_)
    assert len(model.weights_) == len(control.weights_)


@pytest.mark.parametrize(("num_samples", "passes"), [(10, 120), (64, 120), (65, 60), (800, 10), (10_000, 1)])
def test_a_number_of_steps_costs_the_same_whatever_the_size_of_the_data(num_samples, passes):
    assert passes_for(120, num_samples) == passes
    assert 120 <= passes * steps_of_a_pass(num_samples) < 120 + steps_of_a_pass(num_samples)
