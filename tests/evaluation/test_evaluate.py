"""The evaluation from end to end: rows, failures, targets, limits, refusals."""

import math
from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import small_data

from qiskit_qml_ext.circuits import FEATURE_MAPS, AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation import evaluate, plan_evaluation, run_plan
from qiskit_qml_ext.evaluation.outcomes.fold_runs import run_fold
from qiskit_qml_ext.primitives import connect

QUICK = {"folds": 3, "bandwidths": [0.3], "C_values": [1.0]}


def test_classification_has_a_row_for_every_model(classification):
    keys = [model.key for model in classification.models]
    assert keys == ["quantum", "control", "rbf", "rbf_same_features", "linear", "boosting", "dummy"]
    assert all(len(model.scores) == 3 and model.failure is None for model in classification.models)
    assert classification["linear"].mean > 0.8
    assert classification["dummy"].mean == 0.5
    best = classification[classification.best_classical]
    assert best.comparison is None
    quantum = classification["quantum"]
    np.testing.assert_allclose(quantum.comparison.difference, quantum.mean - best.mean, atol=1e-12)
    np.testing.assert_allclose(quantum.std, np.std(quantum.scores, ddof=1), rtol=1e-12)
    assert quantum.circuits > 0
    assert quantum.shots == 0
    assert classification["rbf"].circuits == 0
    with pytest.raises(KeyError, match="there are: quantum, control"):
        classification["svm"]


def test_regression_compares_r2(regression):
    assert regression.settings.scoring == "r2"
    assert regression["linear"].mean > 0.5
    assert regression["dummy"].mean <= 0
    # The angle map has no entangling gates to take out.
    assert "control" not in [model.key for model in regression.models]
    assert any("its own control" in note for note in regression.notes)


@pytest.mark.slow  # starting processes takes its time
def test_same_seed_gives_the_same_scores_whatever_the_number_of_processes():
    plan = plan_of("quantum", "linear", target="aer", shots=32)
    one, two = run_plan(plan), run_plan(plan, num_processes=2)
    assert [model.scores for model in one.models] == [model.scores for model in two.models]
    assert [model.circuits for model in one.models] == [model.circuits for model in two.models]
    assert one.diagnosis.findings == two.diagnosis.findings
    np.testing.assert_array_equal(one.kernel.matrix, two.kernel.matrix)


def test_sampled_target_runs_only_the_chosen_models():
    plan = plan_of("quantum", "control", "linear", target="aer", shots=50)
    result = run_plan(plan)
    circuits = result["quantum"].circuits + result["control"].circuits
    # At least the training pairs of three folds of 16 samples for both models, at most what was announced.
    assert 2 * 3 * 16 * 15 / 2 <= circuits <= plan.run_cost.max_circuits
    assert result["quantum"].shots == 50 * result["quantum"].circuits
    assert result.health.noise_variance > 0
    assert any("chosen on exact simulations" in note for note in result.notes)
    assert "Runs on aer: up to" in plan.run_cost.sentence()
    assert plan.run_cost.circuit.num_qubits == 2


def plan_of(*keys, **options):
    """Plan with only some of the models, to save time."""
    plan = plan_evaluation(small_data(24), max_qubits=2, **QUICK, **options)
    return replace(plan, candidates=tuple(c for c in plan.candidates if c.key in keys))


def broken(plan, key):
    def make():
        raise RuntimeError("out of luck\n\nlong advice")

    candidates = tuple(replace(c, make=make) if c.key == key else c for c in plan.candidates)
    return replace(plan, candidates=candidates)


@pytest.mark.parametrize("key", ["linear", "quantum", "control", "dummy"])
def test_one_failing_model_leaves_the_others(key, tmp_path):
    result = run_plan(broken(plan_of("quantum", "control", "rbf", "linear", "dummy"), key))
    assert result[key].failure == "RuntimeError: out of luck"
    assert math.isnan(result[key].mean)
    assert all(model.failure is None for model in result.models if model.key != key)
    assert "failed: RuntimeError: out of luck" in result.summary()
    assert "out of luck" in result.report(tmp_path / "r.html").read_text(encoding="utf-8")
    assert result.plot() is not None
    assert (result.verdict.code == "quantum_failed") == (key == "quantum")


def test_warnings_are_collected_and_not_spilled():
    plan = plan_of("quantum", "linear")
    linear = next(c for c in plan.candidates if c.key == "linear")

    def make():
        search = linear.make()
        search.estimator.named_steps["model"].set_params(max_iter=1)
        return search

    candidates = tuple(replace(c, make=make) if c is linear else c for c in plan.candidates)
    result = run_plan(replace(plan, candidates=candidates))
    assert "failed to converge" in result["linear"].warnings[0]
    assert "Note: Logistic regression: lbfgs failed to converge" in result.summary()


def test_a_limit_on_samples_is_told():
    result = evaluate(small_data(40), max_samples=24, max_qubits=1, **QUICK)
    assert (result.dataset.num_samples, result.num_available) == (24, 40)
    assert "Uses 24 of 40 samples, chosen with the classes in proportion (as asked)." in result.notes


@pytest.mark.parametrize(("target", "limit"), [(None, 1000), ("aer", 100), ("fake_manila", 30)])
def test_default_limit_depends_on_the_target(target, limit):
    plan = plan_evaluation(small_data(1010, 1), target=target, folds=2)
    assert plan.dataset.num_samples == limit
    assert f"Uses {limit:,} of 1,010 samples" in plan.notes[0]


def test_qubits_default_to_features_eight_and_the_target():
    assert plan_evaluation(small_data(30, 3)).settings.num_qubits == 3
    assert plan_evaluation(small_data(60, 10)).settings.num_qubits == 8
    assert plan_evaluation(small_data(60, 10), target="fake_manila").settings.num_qubits == 5
    assert not plan_evaluation(small_data(30, 3)).settings.uses_pca


def test_a_feature_map_object_and_a_connection_are_accepted():
    connection = connect("exact", shots=20, seed=3)
    plan = plan_evaluation(small_data(), feature_map=ZZFeatureMap(reps=1), target=connection, max_qubits=2)
    assert plan.settings.feature_map == "ZZFeatureMap(reps=1)"
    assert (plan.settings.shots, plan.settings.is_exact) == (20, False)
    with pytest.raises(ValueError, match="give shots to connect"):
        plan_evaluation(small_data(), target=connection, shots=10)


def test_perfectly_separated_data_are_learned_by_the_quantum_kernel():
    data = small_data(40, 2)
    X = data.X.copy()
    X[:, 0] = np.where(data.y == 1, 5.0, -5.0)
    result = evaluate(replace(data, X=X), feature_map=AngleFeatureMap(), **QUICK)
    assert result["quantum"].mean == 1
    assert result.verdict.code == "no_evidence"


@pytest.mark.parametrize("name", sorted(FEATURE_MAPS))
def test_every_feature_map_runs_or_is_refused_with_a_reason(name):
    try:
        plan = plan_evaluation(small_data(20, 2), feature_map=name, folds=2, bandwidths=[0.3], C_values=[1.0])
    except ValueError as error:
        assert "trainable weights" in str(error)  # noqa: PT017
        return
    outcome = run_fold(plan, plan.candidates[0], 0, plan.splits[0], True)
    assert outcome.failure is None
    assert 0 <= outcome.score <= 1


def few(counts):
    y = np.repeat(np.arange(len(counts)), counts)
    return Dataset.from_arrays(np.random.default_rng(0).normal(size=(len(y), 2)), y, name="few")


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (few([20, 4]), {}, "class '1' of 'few' has only 4 samples, but 5 folds need at least 5"),
        (few([20, 3]), {"folds": 2}, "3 samples, but 2 folds need at least 4"),
        (small_data(6, task="regression"), {}, "6 samples, but 5 folds need at least 10"),
        (small_data(), {"max_qubits": 4}, "4 qubits were asked for, but 'small' has 3 features, which take 3"),
        (
            small_data(60, 10),
            {"max_qubits": 6, "target": "fake_manila"},
            "6 qubits were asked for, but fake_manila has 5",
        ),
        (small_data(12, 12), {"max_qubits": 9, "folds": 3}, "smallest training set has 5 samples"),
        (small_data(), {"max_qubits": 0}, "qubits must be at least 1, but 0 came"),
        (
            small_data(),
            {"feature_map": "zzz"},
            r"no feature map 'zzz'\. Did you mean 'zz'\? Choose one of: .*angle.*zz",
        ),
        (small_data(), {"target": "fake_manla"}, "no target 'fake_manla'.*fake_manila"),
        (small_data(), {"folds": 1}, "folds must be at least 2, but 1 came"),
        (small_data(), {"seed": -1}, "seed must be at least 0"),
        (small_data(), {"repeats": 0}, "repeats must be at least 1"),
        (small_data(), {"max_samples": 2}, "max_samples must be at least 4"),
        (small_data(), {"scoring": "acuracy"}, "no score 'acuracy'. Did you mean 'accuracy'"),
        (small_data(), {"scoring": "r2_"}, "Did you mean 'r2'"),
        (few([9, 9, 9]), {"scoring": "f1"}, "'f1' does not suit a classification with 3 classes"),
        (small_data(), {"scoring": "neg_log_loss"}, "'neg_log_loss' needs probabilities, which the support vector"),
        (small_data(), {"folds": 3, "max_samples": 4}, "max_samples is 4, but 3 folds of 2 classes need at least 6"),
        (few([9, 9, 1]), {}, "say --task regression"),
        (small_data(), {"bandwidths": []}, "bandwidths must hold at least one number"),
        (small_data(), {"C_values": [0.0]}, "each of C_values must be above 0"),
        (small_data(), {"shots": 0, "target": "aer"}, "shots must be at least 1"),
        ("iriss", {}, "Did you mean 'iris'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_runs(data, options, match):
    with pytest.raises(ValueError, match=match):
        plan_evaluation(data, **options)


def test_wrong_kinds_are_refused():
    with pytest.raises(TypeError, match=r"Build one with Dataset\.from_arrays"):
        plan_evaluation(np.zeros((3, 3)))
    with pytest.raises(TypeError, match="plain circuit"):
        plan_evaluation(small_data(), feature_map=ZZFeatureMap().build(2))
    with pytest.raises(TypeError, match="folds must be a whole number"):
        plan_evaluation(small_data(), folds=2.5)
