"""The nearest classical kernel in an evaluation: which matrix it belongs to, where it is shown, what if it fails."""

import numpy as np
import pytest
from evaluation_data import small_data
from numpy.testing import assert_allclose

from qiskit_qml_ext.circuits import ZZFeatureMap
from qiskit_qml_ext.diagnostics import rbf_twin
from qiskit_qml_ext.evaluation import json_schema, plan_evaluation, run_plan
from qiskit_qml_ext.evaluation.outcomes import kernel_twin
from qiskit_qml_ext.evaluation.outcomes.kernel_sample import KernelSample
from qiskit_qml_ext.evaluation.protocol.preparation import quantum_preparation
from qiskit_qml_ext.evaluation.report.page import render_report
from qiskit_qml_ext.kernels import FidelityKernel


def test_it_is_shown_wherever_the_kernel_is_and_is_optional_in_the_document(classification):
    twin = classification.twin
    assert twin is not None
    assert twin.scores is None, "the table of all models has the scores"
    sentence = twin.headline()
    assert sentence.startswith("The nearest classical kernel is ")
    assert " ".join(sentence.split()) in " ".join(classification.summary().split())
    page = render_report(classification)
    assert "What classical kernel it is most like" in page
    assert all(one.name in page for one in twin.candidates)
    assert sentence.split(":")[0] in classification._repr_html_()
    document = classification.to_dict()
    assert document["twin"] == twin.to_dict()
    assert document["schema_version"] == "2.3"
    assert "twin" in json_schema()["properties"]
    assert "twin" not in json_schema()["required"]


def test_it_is_missing_without_a_quantum_kernel(trained_regression):
    assert trained_regression.twin is None
    assert "twin" not in trained_regression.to_dict()
    assert "most like" not in trained_regression.summary()


def sample_of(plan, bandwidth=0.5, *, shots=None):
    train = plan.splits[0][0]
    prepare = quantum_preparation(plan.feature_map, num_components=plan.tuning.num_components)
    X = prepare.fit_transform(plan.dataset.X[train], plan.dataset.y[train])
    estimate = FidelityKernel(plan.feature_map.with_bandwidth(bandwidth)).evaluate_with_errors(X)
    return X, KernelSample(estimate.raw, estimate.standard_errors, plan.dataset.y[train], bandwidth)


def test_it_is_that_of_the_matrix_of_the_training_set_and_of_the_samples_that_the_kernel_saw():
    plan = plan_evaluation(small_data(24), feature_map=ZZFeatureMap(), max_qubits=2, folds=3, bandwidths=[0.5])
    X, sample = sample_of(plan)
    twin, notes = kernel_twin.twin_of(plan, sample)
    assert notes == []
    assert twin == rbf_twin(sample.matrix, X)
    assert_allclose(
        twin.twin.alignment.value, rbf_twin(FidelityKernel(ZZFeatureMap(bandwidth=0.5)), X).twin.alignment.value
    )


def test_of_a_large_training_set_some_samples_are_looked_at_from_its_whole_range(monkeypatch):
    plan = plan_evaluation(small_data(24), feature_map=ZZFeatureMap(), max_qubits=2, folds=3, bandwidths=[0.5])
    X, sample = sample_of(plan)
    monkeypatch.setattr(kernel_twin, "_MAX_SAMPLES", 6)
    rows = [0, 3, 6, 9, 12, 15]
    assert kernel_twin.twin_of(plan, sample)[0] == rbf_twin(sample.matrix[np.ix_(rows, rows)], X[rows])


def test_errors_of_a_sampled_matrix_are_used():
    plan = plan_evaluation(
        small_data(24), feature_map=ZZFeatureMap(), max_qubits=2, folds=3, bandwidths=[0.5], target="aer", shots=50
    )
    X, sample = sample_of(plan)
    noisy = KernelSample(sample.matrix, np.full_like(sample.matrix, 0.01), sample.y, 0.5)
    twin, _ = kernel_twin.twin_of(plan, noisy)
    assert twin == rbf_twin(sample.matrix, X, standard_errors=noisy.standard_errors)
    assert twin.noise_share > 0


@pytest.mark.slow
def test_a_comparison_that_fails_is_a_note_and_costs_no_result(monkeypatch):
    def fails(*args, **kwargs):
        raise ValueError("no kernel\n  is like it")

    monkeypatch.setattr(kernel_twin, "rbf_twin", fails)
    result = run_plan(plan_evaluation(small_data(24), max_qubits=2, folds=2, bandwidths=[0.5], C_values=[1.0]))
    assert result.twin is None
    assert "The quantum kernel could not be compared with classical kernels: no kernel is like it" in result.notes
    assert "twin" not in result.to_dict()
