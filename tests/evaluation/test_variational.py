"""Variational models in an evaluation: what they answer, what is said of them, and what is refused."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import small_data

from qiskit_qml_ext.circuits import AngleFeatureMap, FixedWeightsFeatureMap, ReuploadingModel, ZZFeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation import evaluate, plan_evaluation, run_plan
from qiskit_qml_ext.evaluation.outcomes.training_cost import training_cost
from qiskit_qml_ext.evaluation.outcomes.training_record import TrainingLength, guard_finding_of
from qiskit_qml_ext.evaluation.outcomes.variational_look import GuardCount, most_frequent
from qiskit_qml_ext.evaluation.planning.training import TrainingWork, circuits_of, try_training
from qiskit_qml_ext.evaluation.protocol.trained_circuit import TrainedCircuit
from qiskit_qml_ext.evaluation.protocol.training_grid import Setting, TrainingGrid, steps_of_a_pass
from qiskit_qml_ext.evaluation.report.page import render_report
from qiskit_qml_ext.evaluation.report.terminal import as_text
from qiskit_qml_ext.primitives import connect

QUICK = {"model": "variational", "folds": 2, "bandwidths": [0.3], "max_qubits": 2}


def words_of(page):
    """What a reader of a page reads, alternative texts included."""
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.DOTALL)
    return re.sub(r"<(?![^>]*aria-label)[^>]*>", " ", body)


def test_a_variational_model_and_its_control_take_the_place_of_the_kernel(trained_regression):
    result = trained_regression
    assert [model.key for model in result.models][:3] == ["variational", "variational_control", "rbf"]
    assert [model.role for model in result.models][:2] == ["quantum", "control"]
    assert all(model.failure is None for model in result.models)
    assert (result.kernel, result.health, result.diagnosis, result.hardware) == (None,) * 4
    assert result.variational.verdict is result.verdict
    assert set(result["variational"].parameters[0]) == {"bandwidth", "reps", "learning_rate", "steps"}
    assert result["variational"].circuits > 10_000 == result["rbf"].circuits + 10_000


def test_nothing_is_said_of_kernels_where_none_was_compared(trained_regression):
    for text in (as_text(trained_regression), words_of(render_report(trained_regression))):
        assert "quantum kernel" not in text.lower()
        assert "kernel" not in text.lower()
        assert "Variational" in text


def test_both_models_stand_side_by_side_with_a_verdict_each(both):
    assert [model.key for model in both.models][:4] == ["quantum", "control", "variational", "variational_control"]
    assert "quantum kernel" in both.verdict.sentence or both.verdict.code in ("nothing_learned", "no_baseline")
    text, page = as_text(both), words_of(render_report(both))
    for shown in (text, page):
        plain = " ".join(shown.split())
        assert "Side by side: variational model minus quantum kernel" in plain
        assert "2 quantum models were compared" in plain
        assert "On hardware: one training of the variational model" in plain
    beside = both.variational.beside_kernel
    mean = both["variational"].mean - both["quantum"].mean
    assert beside.difference == pytest.approx(mean)
    assert both.to_dict()["settings"]["model"] == "both"


def test_the_curves_are_those_of_the_training_that_is_named(both):
    for training in both.variational.trainings:
        shown, chosen = training.shown, both[training.key].parameters
        assert dict(chosen[shown.fold]) == dict(training.parameters)
        assert shown.steps[-1] >= shown.chosen_steps == training.parameters["steps"]
        assert len(shown.steps) == len(shown.losses) == len(shown.gradient_norms)
        assert shown.losses[-1] < shown.losses[0]
        assert len(shown.held_out_losses) == len(shown.held_out_steps)
        assert all(np.isfinite(shown.held_out_losses))


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_processes():
    plan = plan_evaluation(small_data(24), **{**QUICK, "bandwidths": [1.0]})
    plan = replace(plan, candidates=plan.candidates[:1] + plan.candidates[2:4])
    one, two = (run_plan(plan, num_processes=number) for number in (1, 2))
    assert [model.scores for model in one.models] == [model.scores for model in two.models]
    assert one.variational.to_dict() == two.variational.to_dict()


class Guard:
    code = "gradient_drowns"

    def summary(self):
        return "The gradient is smaller than what can be seen.\nGradient  1e-9"

    def to_dict(self):
        return {"code": self.code, "advice": ["Use fewer layers."], "signal": float("nan")}


def test_what_the_guard_found_is_told_in_every_medium(both, monkeypatch):
    class Fitted:
        plateau_ = Guard()

    finding = guard_finding_of(Fitted())
    assert finding.sentence == "The gradient is smaller than what can be seen."
    assert guard_finding_of(object()) is None
    look = both.variational
    counted = (GuardCount(finding, 1, 2),)
    told = replace(look, trainings=tuple(replace(one, guards=counted) for one in look.trainings))
    record = replace(both, variational=told)
    expected = (
        "Guard, on 2 of 2 folds, in the numbers of training set 2: The gradient is smaller than what can be seen. Use "
        "fewer layers."
    )
    for shown in (as_text(record), words_of(render_report(record)), record._repr_html_()):
        assert expected in " ".join(shown.split())
    data = record.to_dict()["variational"]["models"][0]["guard"]
    assert data == [
        {
            "code": "gradient_drowns",
            "sentence": finding.sentence,
            "advice": ["Use fewer layers."],
            "numbers": {"code": "gradient_drowns", "advice": ["Use fewer layers."], "signal": None},
            "fold": 1,
            "folds": 2,
        }
    ]


def test_the_guard_of_a_training_is_told_once_with_the_same_words_everywhere(monkeypatch):
    of_the_circuit = TrainedCircuit.model

    def strict(self, *arguments, **settings):  # exact results see everything but what counts as no improvement
        return of_the_circuit(self, *arguments, **settings).set_params(tol=10.0)

    monkeypatch.setattr(TrainedCircuit, "model", strict)
    result = evaluate(small_data(24), **QUICK)
    text, page = (
        " ".join(shown.split()) for shown in (as_text(result), html.unescape(words_of(render_report(result))))
    )
    found = result.to_dict()["variational"]["models"]
    assert [guard["code"] for one in found for guard in one["guard"]] == ["gradient_drowns"] * sum(
        len(one["guard"]) for one in found
    )
    for sentence in (guard["sentence"] for one in found for guard in one["guard"]):
        assert "what counts as an improvement (tol = 10, for a step of a radian)" in sentence
        assert text.count(sentence) == page.count(sentence) == 1
    assert [model.warnings for model in result.models if "variational" in model.key] == [(), ()]


@pytest.mark.parametrize("model", ["variational", "both"])
def test_training_on_shots_is_refused_with_the_number_of_circuits(model):
    data = small_data()
    # 2 models on 2 folds; 4 settings on 3 inner folds, 120 passes through 2/3 of the 15 samples of a training set, and
    # once through all of them; the value and 2 circuits for each of 2 · 2 · (3 + 1) rotations; 2 predictions of the
    # third that is held out, after each of 4 numbers of steps, and one of the 15 samples of the test set
    number = "2.14 million"
    assert 2 * 2 * ((4 * 3 * 10 + 15) * 120 * 33 + 4 * 3 * 2 * 4 * 5 + 15) == 2_140_380
    for target in ({"shots": 100}, {"target": "aer"}, {"target": connect("exact", shots=10)}):
        with pytest.raises(ValueError, match=f"up to about {number} circuits: 4 searches.*--model kernel"):
            plan_evaluation(data, **{**QUICK, "model": model}, **target)
    assert plan_evaluation(data, **{**QUICK, "model": "kernel"}, shots=100).settings.shots == 100


def test_the_circuits_of_all_searches_are_the_states_that_they_take(trained_regression):
    """One state stands for all circuits of a gradient; searches that choose fewer steps take less in the end."""
    settings = trained_regression.settings
    work = TrainingWork(
        settings.training, num_samples=30, num_folds=2, num_repeats=1, inner_folds=settings.inner_folds, num_models=1
    )
    for key in ("variational", "variational_control"):
        states = trained_regression[key].circuits
        missing = sum(120 - choice["steps"] for choice in trained_regression[key].parameters) * 15
        assert states == work.circuits(1) - missing


@pytest.mark.parametrize("num_samples", [40, 65])  # a step of a pass, or one of 64 samples and one of a single one
def test_the_price_of_a_training_is_what_it_takes_on_shots(num_samples):
    data, passes = small_data(num_samples, 2), 2
    circuit = TrainedCircuit("classification", AngleFeatureMap(), entangles=True, seed=0)
    steps = passes * steps_of_a_pass(num_samples)
    model = circuit.model(Setting(0.3, 1, 0.1), steps=steps, num_samples=num_samples, plateau_guard="off")
    connection = connect("exact", shots=10, seed=0)
    model.set_params(connection=connection).fit(data.X, data.y)
    length = TrainingLength(len(model.weights_), num_samples, passes, steps, model.batch_size)
    cost = training_cost(circuits_of(model), length, seed=0)
    assert 10 * cost.circuits == connection.usage.shots
    words = f"2 passes over {num_samples} samples in {steps} steps of at most {min(num_samples, 64)}, takes "
    assert f"with 8 weights, {words}{cost.circuits:,} circuits" in cost.sentence()


def test_a_choice_that_no_fold_shares_is_the_one_whose_values_are_the_most_frequent():
    first, second, third = ((("reps", reps), ("steps", steps)) for reps, steps in ((1, 120), (3, 60), (3, 120)))
    assert most_frequent([first, second, third]) == third
    assert most_frequent([first, first, second, third]) == first
    assert most_frequent([first]) == first
    assert most_frequent([(("reps", 1), ("steps", 15)), second]) == (("reps", 1), ("steps", 15))


def test_what_is_shown_says_on_how_many_folds_it_was_chosen(both):
    for training in both.variational.trainings:
        shared = [dict(training.parameters) == dict(choice) for choice in both[training.key].parameters]
        assert training.num_chosen == sum(shared) > 0
        words = f"chosen on {sum(shared)} of 2 folds"
        assert words in " ".join(as_text(both).split())
        assert training.to_dict()["folds_with_these_parameters"] == sum(shared)
        for guard in training.guards:
            assert 0 <= guard.fold < 2


def test_a_circuit_of_a_gradient_reads_every_observable_at_once():
    for classes, readings in ((0, 33), (2, 33), (3, 33)):  # the value, and two for each of 16 rotations
        training = try_training(AngleFeatureMap(), 2, num_classes=classes, grid=TrainingGrid((0.3,)), seed=0)
        assert training.number == readings


def test_a_map_with_weights_is_trained_but_makes_no_kernel():
    data = small_data()
    plan = plan_evaluation(data, **QUICK, feature_map=ReuploadingModel())
    assert [candidate.key for candidate in plan.candidates][:2] == ["variational", "variational_control"]
    for model in ("kernel", "both"):
        with pytest.raises(ValueError, match="trainable weights"):
            plan_evaluation(data, **{**QUICK, "model": model}, feature_map=ReuploadingModel())


def test_a_map_that_cannot_be_trained_is_refused_before_anything_runs():
    broken = FixedWeightsFeatureMap(ReuploadingModel(), weights=[0.1])
    with pytest.raises(ValueError, match=r"must be .* finite numbers"):
        plan_evaluation(small_data(), **QUICK, feature_map=broken)


def test_a_control_exists_wherever_the_encoding_has_one():
    data = small_data()
    product = plan_evaluation(data, **QUICK, feature_map=AngleFeatureMap())
    assert "variational_control" in [candidate.key for candidate in product.candidates]
    assert not any("its own control" in note for note in product.notes)
    one = plan_evaluation(data, **{**QUICK, "max_qubits": 1}, feature_map=ZZFeatureMap())
    assert "variational_control" not in [candidate.key for candidate in one.candidates]
    assert "One qubit cannot be entangled, so the variational model is its own control." in one.notes


def test_an_unknown_model_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="one of 'kernel', 'variational', 'both'"):
        plan_evaluation(small_data(), model="quantum")


def test_the_json_of_a_kernel_alone_has_no_key_for_variational_models(classification):
    document = classification.to_dict()
    assert "variational" not in document
    assert not {"model", "training"} & set(document["settings"])


def test_effort_of_training_makes_repeats_rarer():
    data = small_data()
    assert plan_evaluation(data).settings.repeats == 3
    assert plan_evaluation(data, model="variational").settings.repeats < 3


@pytest.mark.slow
def test_labels_that_are_noise_give_no_advantage():
    rng = np.random.default_rng(7)
    data = Dataset.from_arrays(rng.normal(size=(60, 2)), np.arange(60) % 2, name="noise")
    result = evaluate(data, **QUICK)
    assert not result.verdict.code.startswith("better")
    assert "kernel" not in result.summary()
