"""No evaluation says two things that exclude each other: the verdict, the diagnosis of the kernel, and its advice."""

from dataclasses import replace

import numpy as np
import pytest
from exclusive_codes import EXCLUSIVE, codes_of, contradictions, unlicensed
from sklearn.metrics.pairwise import rbf_kernel

from qiskit_qml_ext.circuits import AngleFeatureMap, ZZFeatureMap
from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.diagnostics import Advice, Diagnosis, Finding, Skipped
from qiskit_qml_ext.evaluation import plan_evaluation, run_plan
from qiskit_qml_ext.evaluation.judgement.verdict import Contestant, Verdict
from qiskit_qml_ext.evaluation.outcomes.kernel_diagnosis import difference_of, in_the_light_of
from qiskit_qml_ext.evaluation.report.page import render_report
from qiskit_qml_ext.kernels import FidelityKernel


def check(result, *, page=False):
    """The codes of an evaluation that agree with each other and with its scores."""
    codes = {result.verdict.code}
    if result.diagnosis is not None:
        codes |= codes_of(result.diagnosis)
        assert not unlicensed(result.diagnosis.summary())
    assert not contradictions(codes), result.summary()
    assert not unlicensed(result.summary())
    assert not page or not unlicensed(render_report(result))
    assert not unlicensed(result._repr_html_())
    best = None if result.best_classical is None else result[result.best_classical]
    if "classical_first" in codes:
        assert best.mean >= result["quantum"].mean
        sentence = next(advice for advice in result.diagnosis.advice if advice.code == "classical_first")
        assert best.name in sentence
        assert f"{best.mean:.3f}" in sentence
    return codes


def data_of(kind, size=90, features=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 1, (size, features))
    feature_map = ZZFeatureMap(bandwidth=0.8)
    low, high = feature_map.data_range
    planted = FidelityKernel(feature_map).evaluate(low + (high - low) * X) @ (
        rng.normal(size=size) * (rng.random(size) < 0.15)
    )
    smooth = rbf_kernel(X, gamma=8.0) @ rng.normal(size=size)
    labels = {
        "planted": (planted > np.median(planted)).astype(int),
        "rbf": (smooth > np.median(smooth)).astype(int),
        "linear": (X[:, 0] > np.median(X[:, 0])).astype(int),
        "noise": rng.integers(0, 2, size),
        "unequal": (rng.random(size) < 0.15).astype(int),
        "three": np.digitize(X[:, 0], np.quantile(X[:, 0], [0.3, 0.6])),
        "values": X @ np.arange(1.0, features + 1),
    }[kind]
    return Dataset.from_arrays(X, labels, task="regression" if kind == "values" else "classification")


def evaluated(data, **options):
    """Evaluate with the models that matter here, to save time."""
    plan = plan_evaluation(data, **{"folds": 4, "C_values": [1.0, 10.0], "bandwidths": [0.8], **options})
    few = tuple(c for c in plan.candidates if c.key in ("quantum", "control", "rbf", "linear", "dummy"))
    return run_plan(replace(plan, candidates=few), num_processes=1)


@pytest.mark.slow  # 300 samples
def test_labels_planted_by_the_quantum_kernel_are_given_to_no_classical_one():
    result = evaluated(data_of("planted", size=300))
    codes = check(result, page=True)
    assert result.verdict.code == "better"
    assert "classical_first" not in codes
    # the bound that was called a guarantee
    found = difference_of(result.diagnosis)
    assert found.bound(found.closest) > 1


@pytest.mark.parametrize("kind", ["rbf", "linear", "noise", "unequal", "three", "values"])
def test_an_evaluation_does_not_contradict_itself(kind):
    result = evaluated(data_of(kind))
    codes = check(result)
    if kind in ("linear", "three", "values"):
        assert result.verdict.code in ("worse", "no_evidence")
        assert "classical_first" in codes
        assert codes.isdisjoint({"labels_simpler_for_quantum", "quantum_scores_higher"})
    if kind == "noise":
        assert "classical_first" not in codes or result.verdict.code != "nothing_learned"


@pytest.mark.parametrize(
    ("feature_map", "bandwidth", "code"),
    [(AngleFeatureMap(), 300.0, "nearly_identity"), (ZZFeatureMap(), 0.003, "nearly_constant")],
)
def test_kernels_that_know_nothing_are_said_to(feature_map, bandwidth, code):
    result = evaluated(data_of("linear", size=40, features=8), folds=2, feature_map=feature_map, bandwidths=[bandwidth])
    assert code in check(result)


def test_few_samples_and_shots_do_not_contradict_themselves():
    check(evaluated(data_of("linear", size=12, features=2), folds=2))
    check(evaluated(data_of("noise", size=24, features=2), folds=2, target="aer", shots=40))


def test_a_bandwidth_that_the_search_did_not_choose_is_not_advised():
    options = {"folds": 2, "C_values": [1.0], "feature_map": AngleFeatureMap()}
    data = data_of("linear", size=40, features=8)
    assert "smaller_bandwidth" not in check(evaluated(data, bandwidths=[0.03, 0.3, 3.0], **options))


def test_a_diagnosis_with_all_findings_agrees_with_every_verdict():
    """Everything that can be found and advised about a kernel at once, filtered by each verdict."""
    kernel = sorted({code for pair in EXCLUSIVE for code in pair} - {
        "better", "better_without_entanglement", "worse", "no_evidence", "no_baseline", "nothing_learned",
    })  # fmt: skip
    everything = Diagnosis(
        title="?",
        findings=tuple(Finding("unknown", code, code) for code in kernel),
        advice=tuple(Advice(code, code) for code in kernel),
        price=(),
        skipped=(Skipped("Kernels in cross-validation: no time.", "kernel_scores"), Skipped("Noise: no time.")),
        seconds=0.0,
        seed=0,
        evidence={},
    )
    models = [
        Contestant("quantum", "Q", "quantum", (0.9, 0.9)),
        Contestant("rbf", "RBF SVM", "classical", (0.97, 0.97)),
    ]
    for code in ("better", "better_without_entanglement", "worse", "no_evidence", "no_baseline", "nothing_learned"):
        found = in_the_light_of(everything, Verdict(code, ""), models, bandwidth=0.1, tried=[0.1])
        codes = codes_of(found)
        # what excludes this verdict; entries that are all equal win nothing, so they need no rule
        against = {other for pair in EXCLUSIVE if code in pair for other in pair - {code}} - {"entries_equal"}
        own = {"classical_first"} if code in ("worse", "no_evidence") else set()
        assert codes & against <= own - against, code
        assert found.skipped == ("Noise: no time.",)
        if own:
            assert (
                found.advice[0]
                == "Use a classical model first: on these folds RBF SVM scores 0.970, the quantum kernel 0.900."
            )
    assert in_the_light_of(everything, None, models, bandwidth=0.1, tried=[0.1]) is everything
