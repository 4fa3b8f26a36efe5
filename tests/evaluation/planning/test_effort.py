"""How often folds are repeated, and by how many processes, where nobody says it."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import small_data

from qiskit_qml_ext.datasets import Dataset, load_dataset
from qiskit_qml_ext.evaluation import plan_evaluation
from qiskit_qml_ext.evaluation.planning import effort
from qiskit_qml_ext.evaluation.planning.effort import MAX_OUTER, SECONDS_OF_FITS, affordable_jobs, affordable_repeats
from qiskit_qml_ext.primitives import connect


def large(num_samples=1000, num_features=12):
    rng = np.random.default_rng(0)
    return Dataset.from_arrays(rng.normal(size=(num_samples, num_features)), np.arange(num_samples) % 2)


def test_folds_are_repeated_on_small_data_and_not_where_that_is_expensive():
    assert plan_evaluation(small_data()).settings.repeats == 3
    assert plan_evaluation("breast_cancer").settings.repeats == 2
    assert plan_evaluation(large()).settings.repeats == 1
    assert plan_evaluation(large(300), max_qubits=12).settings.repeats == 1
    assert plan_evaluation(small_data(), target="aer").settings.repeats == 1
    assert plan_evaluation(small_data(), target=connect("exact", shots=100)).settings.repeats == 1


def test_who_names_the_folds_gets_them_once_and_repeats_are_as_asked():
    for options, shape in (
        ({"folds": 4}, (4, 1)),
        ({"repeats": 7}, (5, 7)),
        ({"folds": 3, "repeats": 2}, (3, 2)),
        ({}, (5, 3)),
    ):
        plan = plan_evaluation(small_data(), **options)
        assert (plan.settings.folds, plan.settings.repeats) == shape
        assert len(plan.splits) == shape[0] * shape[1]
    assert "5-fold cross-validation, 3 times with other folds (15 test folds)" in plan.settings.folds_in_words()


@pytest.mark.parametrize(
    ("seconds", "folds", "repeats"),
    [(0.1, 5, 3), (SECONDS_OF_FITS / 10, 5, 2), (SECONDS_OF_FITS / 9.9, 5, 1), (1e9, 5, 1), (0.1, 2, 7), (0.1, 20, 1)],
)
def test_repeats_end_where_they_cost_too_much_or_tell_nothing_new(seconds, folds, repeats):
    assert affordable_repeats(seconds, folds, is_exact=True) == repeats
    assert affordable_repeats(seconds, folds, is_exact=False) == 1
    assert repeats == 1 or folds * repeats <= MAX_OUTER


def test_long_evaluations_use_more_processes(monkeypatch):
    monkeypatch.setattr(effort.os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    assert affordable_jobs(9.9, is_exact=True) == 1
    assert affordable_jobs(25.0, is_exact=True) == 3
    assert affordable_jobs(1e6, is_exact=True) == 4
    assert affordable_jobs(1e6, is_exact=False) == 1
    plan = plan_evaluation("breast_cancer")
    assert plan.default_jobs == 3
    # A connection of the user's own may hold what cannot be sent to a process.
    assert replace(plan, given_target=connect()).default_jobs == 1


def test_the_choice_depends_on_sizes_alone():
    first, second = (plan_evaluation(load_dataset("wine"), seed=0) for _ in range(2))
    assert first.seconds == second.seconds > 0
    assert first.settings.repeats == second.settings.repeats
