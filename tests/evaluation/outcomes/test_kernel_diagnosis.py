"""The kernel part of an evaluation: which kernel is diagnosed, on what, and what happens when that fails."""

import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import small_data

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.diagnostics import Diagnosis, GeometricDifference
from qiskit_qml_ext.diagnostics.results.result import rounded
from qiskit_qml_ext.evaluation import json_schema, plan_evaluation, run_plan
from qiskit_qml_ext.evaluation.outcomes import kernel_diagnosis as kernel_part
from qiskit_qml_ext.evaluation.outcomes.fold_runs import FoldOutcome, most_chosen_kernel, without_spare_kernels
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample
from qiskit_qml_ext.evaluation.protocol.preparation import quantum_preparation
from qiskit_qml_ext.evaluation.report import kernel_rows
from qiskit_qml_ext.evaluation.report.page import render_report
from qiskit_qml_ext.kernels import FidelityKernel
from qiskit_qml_ext.kernels.plan import shots_to_tell_apart
from qiskit_qml_ext.primitives import Usage

QUICK = {"folds": 3, "bandwidths": [0.1, 0.5], "C_values": [1.0]}


def plan_of(*keys, data=None, **options):
    """Plan with only some of the models, to save time."""
    plan = plan_evaluation(small_data(24) if data is None else data, **{"max_qubits": 2, **QUICK, **options})
    return replace(plan, candidates=tuple(c for c in plan.candidates if c.key in keys))


def outcome(fold, bandwidth, *, kernel=True):
    sample = KernelSample(np.eye(2), np.zeros((2, 2)), np.arange(2), bandwidth, fold) if kernel else None
    return FoldOutcome("quantum", fold, 0.5, 0.1, {"C": 1.0, "bandwidth": bandwidth}, Usage(), kernel=sample)


@pytest.mark.parametrize(
    ("bandwidths", "fold"),
    [([0.1, 0.3, 0.3], 1), ([0.1, 0.3, 0.3, 0.1], 0), ([0.1], 0), ([0.3, 0.1, 0.1, 0.3, 0.3], 0)],
)
def test_the_bandwidth_of_most_folds_is_taken_and_the_first_of_equals(bandwidths, fold):
    outcomes = [outcome(number, bandwidth) for number, bandwidth in enumerate(bandwidths)]
    for order in (outcomes, outcomes[::-1]):
        chosen = most_chosen_kernel(order)
        assert (chosen.fold, chosen.bandwidth) == (fold, bandwidths[fold])


def test_without_any_kernel_there_is_none_to_choose():
    assert most_chosen_kernel([]) is None
    assert most_chosen_kernel([outcome(0, 0.1, kernel=False)]) is None


def test_only_one_matrix_of_each_bandwidth_is_kept():
    kept = without_spare_kernels([outcome(3, 0.3), outcome(2, 0.1), outcome(1, 0.3), outcome(0, 0.1)])
    assert [item.fold for item in kept] == [0, 1, 2, 3]
    assert [item.kernel is None for item in kept] == [False, False, True, True]


def test_the_kernel_is_that_of_the_model_on_its_training_set(classification):
    chosen = Counter(fold["bandwidth"] for fold in classification["quantum"].parameters).most_common(1)[0][0]
    kernel, found = classification.kernel, kernel_part.concentration_of(classification.diagnosis)
    assert kernel.bandwidth == chosen
    assert kernel.fold == next(
        n for n, fold in enumerate(classification["quantum"].parameters) if fold["bandwidth"] == chosen
    )
    data = classification.dataset
    train, _ = plan_evaluation(data, max_qubits=2, folds=3).splits[kernel.fold]
    X = quantum_preparation(ZZFeatureMap(), num_components=2).fit_transform(data.X[train])
    expected = FidelityKernel(ZZFeatureMap(bandwidth=chosen)).evaluate(X)
    np.testing.assert_allclose(found.last.matrix, expected, atol=1e-12)
    np.testing.assert_allclose(kernel.matrix, expected, atol=1e-12)
    np.testing.assert_array_equal(kernel.y, data.y[train])


def test_diagnosis_is_exact_and_free_on_a_sampled_target():
    plan = plan_of("quantum", "linear", target="aer", shots=40, bandwidths=[0.3])
    before = plan.connection.usage
    result = run_plan(plan)
    ran = plan.connection.usage - before
    assert ran.circuits == result["quantum"].circuits
    found = kernel_part.concentration_of(result.diagnosis)
    assert found.measured_shots is None
    assert result.health.noise_variance > 0
    text = " ".join(result.summary().split())
    assert "simulated exactly on the 16 samples of the first training set" in text
    assert "As sampled on aer, on all of the first training set (16 samples)" in text
    # What was measured and what is exact are two things, so both are shown.
    assert "Mean off the diagonal" in text
    # but a target without errors has one number of shots: that of the exact entries, not one more from few shots
    assert "without the errors of a device" in text
    assert "Shots to tell entries apart" not in text
    assert result.hardware.shots_per_circuit == found.last.shots.to_tell_apart
    assert result.hardware.shots_per_circuit != result.health.shots_to_resolve.to_tell_apart


def test_one_kernel_has_one_number_of_shots(classification):
    found = kernel_part.concentration_of(classification.diagnosis)
    shots = found.last.shots.to_tell_apart
    assert classification.hardware.shots_per_circuit == shots
    text = " ".join(classification.summary().split())
    said = re.findall(r"[Ff]rom ([\d,]+) shots (?:each )?on", text)
    assert said == [f"{shots:,.0f}"] * 2
    sentence = classification.hardware.sentence()
    assert f"From {shots:,.0f} shots each on, without the errors of a device (about " in sentence
    # both prices, with and without the errors, and neither promises a model
    cost = classification.hardware
    needed = shots_to_tell_apart(found.last.shots.mean, found.last.shots.variance, intact=cost.circuit.error_free)
    assert cost.shots_with_errors == needed > shots
    assert f"if an error leaves nothing of the signal, it takes {rounded(needed)} (" in sentence
    assert "A model may need many times more." in sentence
    assert "one fit needs" not in text
    assert not re.search(r"\d\.\d+ s of processor", text)
    (price,) = classification.diagnosis.price
    assert f"circuits of {shots:,.0f} shots," in price
    assert price.endswith("the error of an entry is half of the spread, without the errors of a device.")


def test_a_spread_that_few_shots_hide_is_not_called_absent_on_hardware(classification):
    hidden = replace(classification.hardware, shots_per_circuit=math.inf, seconds_per_fit=math.inf)
    assert "are all the same" in hidden.sentence()
    measured = replace(hidden, measured=True).sentence()
    assert "as measured, no spread of the entries is seen beyond the noise of the shots" in measured
    assert "all the same" not in measured


def test_at_most_two_hundred_samples_are_diagnosed():
    result = run_plan(plan_of("quantum", data=small_data(330, 1), max_qubits=1, bandwidths=[0.3]))
    assert kernel_part.concentration_of(result.diagnosis).num_samples == kernel_part.MAX_SAMPLES
    assert result.health.num_samples == 220
    assert "200 samples of the first training set" in result.summary()


@pytest.mark.parametrize("name", ["classification", "regression"])
def test_findings_stand_in_text_page_and_fragment_and_nothing_is_said_twice(name, request):
    result = request.getfixturevalue(name)
    text, page, fragment = result.summary(), render_report(result), result._repr_html_()
    words = " ".join(text.split())
    assert result.diagnosis.findings
    for finding in result.diagnosis.findings:
        assert f"{finding.mark} {finding.sentence}" in words
        assert finding.sentence in page
        assert finding.sentence in fragment
    for advice in result.diagnosis.advice:
        assert f"→ {advice}" in words
        assert advice in page
    assert all(price in page for price in result.diagnosis.price)
    assert "simulated exactly on" in words
    for key in kernel_rows.SAID_BY_THE_DIAGNOSIS:
        assert result.health.keyed_rows()[key][0] not in text
    assert "Effective rank" in text
    silent = kernel_part.difference_of(result.diagnosis).conclusion == "quantum_bound_silent"
    assert ("Complexity of the labels" in text) == (not silent)


def test_complexity_of_labels_is_left_out_where_its_bound_says_nothing(classification, monkeypatch):
    name = "Complexity of the labels"
    monkeypatch.setattr(GeometricDifference, "conclusion", "bounds_alike")
    (row,) = [row for row in kernel_rows.numbers(classification) if row[0] == name]
    found = kernel_part.difference_of(classification.diagnosis)
    assert f"of the identity: {found.identity_complexity:.3g}" in row[2]
    monkeypatch.setattr(GeometricDifference, "conclusion", "quantum_bound_silent")
    assert not [row for row in kernel_rows.numbers(classification) if row[0] == name]


def test_complexities_are_written_as_they_are():
    assert [kernel_rows._size(value) for value in (118.0, 1304.2, 7.123, 3e7)] == ["118", "1,304", "7.12", "3e+07"]


def test_json_has_the_numbers_of_the_diagnosis(classification):
    document = classification.to_dict()["diagnosis"]
    assert set(json_schema()["$defs"]["diagnosis"]["required"]) == set(document)
    assert (document["bandwidth"], document["fold"]) == (classification.kernel.bandwidth, classification.kernel.fold)
    concentration, difference = document["evidence"].values()
    assert concentration["points"][-1]["shots"]["to_tell_apart"] > 0
    assert difference["quantum_complexity"] > 0
    assert len(difference["comparisons"]) > 5


def test_several_classes_have_a_model_complexity():
    rng = np.random.default_rng(0)
    data = small_data(36)
    y = np.arange(36) % 3
    X = np.column_stack([y + 0.1 * rng.normal(size=36), rng.normal(size=36)])
    three = replace(data, X=X, y=y, class_names=("a", "b", "c"))
    found = kernel_part.difference_of(run_plan(plan_of("quantum", data=three)).diagnosis)
    assert found.identity_complexity == pytest.approx(24)  # ±1 for each class: the mean of yᵀy over classes is n
    assert 0 < found.quantum_complexity < np.inf
    assert 0 < found.target_alignment < 1


def broken(*arguments, **options):
    raise RuntimeError("out of\nluck")


def test_a_diagnosis_that_fails_is_a_note_and_the_health_is_shown_in_full(monkeypatch):
    monkeypatch.setattr(kernel_part, "diagnose", broken)
    result = run_plan(plan_of("quantum", "linear"))
    assert result.diagnosis is None
    assert "The quantum kernel could not be diagnosed: out of luck" in result.notes
    assert result.to_dict()["diagnosis"] is None
    text = result.summary()
    for row in result.health.rows():
        assert row[0] in text
        assert row[0] in render_report(result)
    assert "The quantum kernel (" not in result._repr_html_()
    assert result.hardware.shots_per_circuit == result.health.shots_to_resolve.to_tell_apart


def test_a_diagnosis_that_finds_nothing_is_a_note(monkeypatch):
    empty = Diagnosis("?", (), (), (), ("Concentration: too large.",), 0.0, 0, {})
    monkeypatch.setattr(kernel_part, "diagnose", lambda *arguments, **options: empty)
    result = run_plan(plan_of("quantum", "linear"))
    assert result.diagnosis is None
    assert "The quantum kernel could not be diagnosed. Concentration: too large." in result.notes


def test_what_was_not_done_is_said(monkeypatch):
    monkeypatch.setattr(kernel_part, "TIME_BUDGET", 60.0)
    original = kernel_part.diagnose

    def partly(*arguments, **options):
        return replace(original(*arguments, **options), skipped=("Something: no time.",))

    monkeypatch.setattr(kernel_part, "diagnose", partly)
    result = run_plan(plan_of("quantum", "linear"))
    assert "→ Not done: Something: no time." in result.summary()
    assert "Something: no time." in render_report(result)


def test_a_failed_quantum_kernel_has_no_diagnosis_and_no_page_section():
    plan = plan_of("quantum", "linear")
    plan = replace(
        plan,
        candidates=tuple(replace(c, make=broken) if c.key == "quantum" else c for c in plan.candidates),
    )
    result = run_plan(plan)
    assert result.diagnosis is None
    assert not any("diagnosed" in note for note in result.notes)
    assert "<h2>The quantum kernel</h2>" not in render_report(result)
