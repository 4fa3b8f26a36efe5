"""Equal rows stay in one fold: in the comparison, in the searches, in every repeat, whatever the rows look like."""

from dataclasses import replace

import numpy as np
import pytest
from evaluation_data import small_data
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, StratifiedKFold

from qiskit_qml_ext.datasets import Dataset
from qiskit_qml_ext.evaluation import plan_evaluation, run_plan
from qiskit_qml_ext.evaluation.protocol.folds import DistinctRowFolds, equal_rows

QUICK = {"bandwidths": [0.3], "C_values": [1.0]}


def copied(num_distinct=20, copies=3, *, num_features=3, seed=0, labels=None):
    """Noise labels; every row occurs several times with the same label, in random order."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(num_distinct, num_features))
    y = rng.permutation(np.arange(num_distinct) % 2) if labels is None else labels
    order = rng.permutation(num_distinct * copies)
    return Dataset.from_arrays(np.tile(X, (copies, 1))[order], np.tile(y, copies)[order], name="copied")


def same_groups(first, second):
    """Whether two numberings divide the rows into the same groups."""
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    return len(pairs) == len(set(first.tolist())) == len(set(second.tolist()))


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        ([[0.0, 1.0], [-0.0, 1.0], [0.0, 2.0]], [0, 0, 1]),
        ([[0.1 + 0.2, 1.0], [0.3, 1.0], [0.31, 1.0]], [0, 0, 1]),
        ([[np.nan, 1.0], [np.nan, 1.0], [0.0, 1.0]], [0, 0, 1]),
        ([[1e12, 1.0], [0.1, 1.0], [0.2, 1.0]], [0, 1, 2]),  # one huge value does not make the others equal
        ([[1e-20], [2e-20], [2e-20]], [0, 1, 1]),  # small numbers are not zero
        ([[1.0], [1.0 + 1e-17], [1e-17 - 1.0]], [0, 0, 1]),
        ([[3.0], [3.0], [1e-16], [0.0], [1.0], [2.0]], [0, 0, 1, 1, 2, 3]),
        ([[1700000000.0], [1700000001.0]], [0, 1]),  # times in seconds
    ],
)
def test_rows_are_equal_up_to_rounding_and_the_sign_of_zero(rows, groups):
    assert same_groups(equal_rows(np.array(rows)), np.array(groups))


@pytest.mark.parametrize("scale", [1e-9, 1 / 3, 2.54, 1e9])
@pytest.mark.parametrize("offset", [0.0, 273.15])
def test_a_change_of_units_changes_no_group(scale, offset):
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(80, 2)), 1)
    there_and_back = (X * scale + offset * scale) / scale - offset
    assert same_groups(equal_rows(X), equal_rows(X * scale))
    assert same_groups(equal_rows(X), equal_rows(there_and_back))
    mixed = np.where(rng.random(X.shape) < 0.5, X, there_and_back)
    assert same_groups(equal_rows(X), equal_rows(mixed))


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 12), min_size=14, max_size=40),
    folds=st.integers(2, 5),
    repeats=st.integers(1, 3),
    task=st.sampled_from(["classification", "regression"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_group_of_equal_rows_is_divided_and_every_row_is_tested_once_a_repeat(sizes, folds, repeats, task, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(sum(sizes))
    rows = np.repeat(np.arange(len(sizes)), sizes)[order]
    X = rng.normal(size=(len(sizes), 2))[rows]
    X[rng.random(len(X)) < 0.3] *= 1 + 1e-15
    y = np.repeat(np.arange(len(sizes)) % 2, sizes)[order]
    splits = list(DistinctRowFolds(folds, task=task, n_repeats=repeats, random_state=seed).split(X, y))
    assert len(splits) == folds * repeats
    for repeat in range(repeats):
        tests = [test for _, test in splits[repeat * folds : (repeat + 1) * folds]]
        np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(len(X)))
        assert all(len(test) for test in tests)
    for train, test in splits:
        assert not set(rows[train]) & set(rows[test])
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(X)))
        if task == "classification":
            # The searches divide the training set again.
            for inner_train, inner_test in DistinctRowFolds(2, task=task).split(X[train], y[train]):
                assert not set(rows[train][inner_train]) & set(rows[train][inner_test])


def test_without_equal_rows_the_folds_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(53, 2)), rng.integers(0, 3, size=53)
    for task, theirs in (
        ("classification", RepeatedStratifiedKFold(n_splits=4, n_repeats=3, random_state=7)),
        ("regression", RepeatedKFold(n_splits=4, n_repeats=3, random_state=7)),
    ):
        ours = DistinctRowFolds(4, task=task, n_repeats=3, random_state=7)
        for mine, other in zip(ours.split(X, y), theirs.split(X, y), strict=True):
            np.testing.assert_array_equal(mine[1], other[1])
    once = DistinctRowFolds(4, task="classification", random_state=7).split(X, y)
    for mine, other in zip(once, StratifiedKFold(4, shuffle=True, random_state=7).split(X, y), strict=True):
        np.testing.assert_array_equal(mine[0], other[0])


def test_classes_stay_in_proportion_and_repeats_give_other_folds():
    data = copied(60, 3)
    splits = list(DistinctRowFolds(5, task="classification", n_repeats=2, random_state=0).split(data.X, data.y))
    for _, test in splits:
        assert len(test) == 36
        assert data.y[test].sum() == 18
    assert any(set(splits[0][1]) != set(test) for _, test in splits[5:])
    assert not set(map(tuple, (test for _, test in splits[:5]))) & set(map(tuple, (test for _, test in splits[5:])))
    # Groups of many different sizes: the folds are still of about the same size.
    rng = np.random.default_rng(0)
    sizes = rng.geometric(0.2, size=80)
    X = np.repeat(rng.normal(size=(80, 2)), sizes, axis=0)
    y = np.repeat(rng.integers(0, 2, size=80), sizes)
    for _, test in DistinctRowFolds(5, task="classification", random_state=0).split(X, y):
        assert abs(len(test) - len(X) / 5) < 0.1 * len(X) / 5
        assert abs(y[test].mean() - y.mean()) < 0.05


def test_copies_of_noise_are_not_learned_and_the_result_says_that_there_are_copies():
    plan = plan_evaluation(copied(60, 3, num_features=2), folds=3, **QUICK)
    result = run_plan(
        replace(plan, candidates=tuple(c for c in plan.candidates if c.key in ("quantum", "rbf", "dummy")))
    )
    # 60 coin flips: a score of 0.75 has a chance below 1e-4 for one model; with divided copies the RBF SVM has 0.95.
    assert max(model.mean for model in result.models) < 0.75
    assert not result.verdict.code.startswith("better")
    assert result.num_distinct == 60
    (note,) = [note for note in result.notes if "repeat another one" in note]
    assert note.startswith("120 of the 180 rows repeat another one in all features (up to")
    assert note in " ".join(result.summary().split())
    assert result.to_dict()["dataset"]["num_distinct_rows"] == 60


def test_equal_rows_with_different_labels_are_counted():
    data = copied(20, 3)
    y = data.y.copy()
    assert not any("different classes" in note for note in plan_evaluation(data, folds=3, **QUICK).notes)
    y[0] = 1 - y[0]
    plan = plan_evaluation(Dataset.from_arrays(data.X, y), folds=3, **QUICK)
    assert any(note.startswith("1 of the different rows occurs with different classes") for note in plan.notes)
    regression = Dataset.from_arrays(data.X, np.arange(60) + 0.5, task="regression")
    plan = plan_evaluation(regression, folds=3, feature_map="angle", **QUICK)
    assert any(note.startswith("20 of the different rows occur with different labels") for note in plan.notes)
    assert not plan_evaluation(small_data(), folds=3, **QUICK).notes


def test_a_part_of_the_samples_keeps_equal_rows_together_too():
    plan = plan_evaluation(copied(40, 5), folds=3, max_samples=90, **QUICK)
    rows = equal_rows(plan.dataset.X)
    assert plan.dataset.num_samples == 90
    assert len(set(rows.tolist())) == plan.num_distinct < 90
    for train, test in plan.splits:
        assert not set(rows[train]) & set(rows[test])
    assert any(f"{90 - plan.num_distinct} of the 90 rows repeat" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (copied(8, 10), {}, r"has only 40 samples in 4 different rows, but 5 folds need at least 5 of each class"),
        (copied(8, 10), {"folds": 3}, None),
        (
            Dataset.from_arrays(np.repeat(np.eye(4), 5, axis=0), np.arange(20) + 0.5, task="regression"),
            {"feature_map": "angle"},
            r"has 20 samples in 4 different rows, but 5 folds need at least 10",
        ),
        (copied(8, 5), {"folds": 2, "max_qubits": 3}, r"the smallest training set has \d samples"),
    ],
)
def test_too_few_different_rows_are_refused_or_found_to_be_enough(data, options, match):
    if match is None:
        assert len(plan_evaluation(data, **options, **QUICK).splits) == 3
        return
    if "max_qubits" in options:
        wide = np.column_stack([data.X, data.X[:, ::-1] ** 2, data.X**3])
        data, options = Dataset.from_arrays(wide, data.y), {"folds": 2, "max_qubits": 9}
    with pytest.raises(ValueError, match=match):
        plan_evaluation(data, **options, **QUICK)


def test_fewer_different_rows_than_folds_cannot_be_split():
    with pytest.raises(ValueError, match="6 samples with only 2 different rows do not make 3 folds"):
        list(DistinctRowFolds(3, task="regression").split(np.repeat([[0.0], [1.0]], 3, axis=0), np.arange(6)))


def test_a_score_of_copies_counts_different_rows_only():
    assert plan_evaluation(copied(20, 3), folds=4, **QUICK).test_size == 5
    assert plan_evaluation(small_data(40), folds=4, **QUICK).test_size == 10
    unequal = Dataset.from_arrays(np.random.default_rng(0).normal(size=(60, 2)), np.repeat([0, 1], [48, 12]))
    assert plan_evaluation(unequal, folds=4, scoring="balanced_accuracy", **QUICK).test_size == 2 * 12 / 4
    regression = small_data(task="regression")
    assert plan_evaluation(regression, folds=3, feature_map="angle", **QUICK).test_size is None


def test_copies_with_a_little_noise_are_copies():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)) * [1.0, 1e4, 1e-6]
    noisy = X + 1e-8 * rng.normal(size=X.shape) * X.std(axis=0)
    numbers = equal_rows(np.concatenate([X, noisy, X.astype(np.float32)]))
    assert numbers.max() == 39
    np.testing.assert_array_equal(numbers[:40], numbers[40:80])
    np.testing.assert_array_equal(numbers[:40], numbers[80:])
    assert equal_rows(X + 1e-3 * np.arange(40)[:, None] * X.std(axis=0)).max() == 39
