"""Bundled data sets, files, and the one clear sentence that bad data get."""

import numpy as np
import pandas as pd
import pytest

from qiskit_qml_ext.datasets import BUNDLED, Dataset, guess_task, load_dataset


def table(**columns):
    base = {"a": [0.1, 0.2, None, 0.4], "b": [1, 2, 3, 4], "kind": ["x", "y", "x", "y"]}
    return pd.DataFrame({**base, **columns})


@pytest.fixture
def csv(tmp_path):
    def write(frame, name="data.csv"):
        frame.to_csv(tmp_path / name, index=False)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("breast_cancer", (569, 30), 2),
        ("diabetes", (442, 10), 0),
        ("digits", (1797, 64), 10),
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
    ],
)
def test_bundled_data_sets_have_their_published_sizes(name, shape, classes):
    data = load_dataset(name)
    assert name in BUNDLED
    assert data.X.shape == shape
    assert len(data.class_names) == classes
    assert len(data.feature_names) == shape[1]
    assert not data.X.flags.writeable


def test_csv_and_parquet_give_the_same_data(csv, tmp_path):
    path = csv(table())
    table().to_parquet(tmp_path / "data.parquet")
    for data in (load_dataset(path, label="kind"), load_dataset(tmp_path / "data.parquet", label="kind")):
        assert data.feature_names == ("a", "b")
        assert data.class_names == ("x", "y")
        assert data.y.tolist() == [0, 1, 0, 1]
        assert np.isnan(data.X[2, 0])
        assert data.num_missing == 1


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        ([True, False], "classification"),
        ([1, 2, 3], "classification"),
        ([1.0, 2.0, 3.0], "classification"),
        ([0.5, 1.5], "classification"),
        ([0.5, 1.5, 2.5], "regression"),
        (list(range(21)), "regression"),
    ],
)
def test_task_is_guessed_from_the_values(values, task):
    assert guess_task(np.array(values)) == task


def test_task_can_be_overridden(csv):
    path = csv(table())
    assert load_dataset(path, label="b", drop=["kind"]).task == "classification"
    assert load_dataset(path, label="b", drop=["kind"], task="regression").task == "regression"
    with pytest.raises(ValueError, match="regression needs numbers in the label 'kind'"):
        load_dataset(path, label="kind", task="regression")


def test_chosen_classes_are_renumbered():
    data = load_dataset("digits", classes=("8", "3"))
    assert data.class_names == ("3", "8")
    assert data.class_counts == {"3": 183, "8": 174}
    assert set(data.y.tolist()) == {0, 1}


def test_subsample_keeps_proportions_and_rare_classes():
    y = np.repeat([0, 1, 2], [900, 95, 5])
    data = Dataset.from_arrays(np.arange(1000.0)[:, None], y)
    part = data.subsample(100, seed=1, min_per_class=5)
    assert part.num_samples == 100
    assert part.class_counts == {"0": 86, "1": 9, "2": 5}
    assert np.array_equal(part.X, data.subsample(100, seed=1, min_per_class=5).X)
    assert not np.array_equal(part.X, data.subsample(100, seed=2, min_per_class=5).X)
    assert data.subsample(1000, seed=1) is data


def bad(frame=None, match="", **options):
    return pytest.param(frame if frame is not None else table(), options, match, id=match[:24])


@pytest.mark.parametrize(
    ("frame", "options", "match"),
    [
        bad(match="Which column of data.csv is the label.*'a', 'b', 'kind'"),
        bad(label="nope", match="has no column 'nope'. Its columns are: 'a', 'b', 'kind'"),
        bad(label="b", match=r"Column 'kind' of data.csv is not numeric \(for example 'x'\).*--drop kind"),
        bad(table(u=list("pqpq")), label="b", match=r"columns 'kind', 'u' of data.csv are not numeric"),
        bad(table(kind=["x"] * 4), label="kind", match=r"only one class \('x'\)"),
        bad(table(kind=["x", None, "x", "y"]), label="kind", match=r"'kind' is missing in 1 of 4 samples \(row 2\)"),
        bad(table(b=[1.0, None, None, 2.0]), label="b", drop=["kind"], match="missing in 2 of 4 samples"),
        bad(table(a=[np.inf, 1, 2, 3]), label="kind", match="Infinite values in column 'a'"),
        bad(table(a=[np.nan] * 4), label="kind", match="No value at all in column 'a'"),
        bad(table()[["kind"]], label="kind", match="no column besides the label"),
        bad(table().iloc[:0], label="kind", match="has a header but no rows"),
        bad(label="kind", drop=["kind"], match="cannot be dropped"),
        bad(label="kind", classes=("x", "z"), match="has no class 'z'. Its classes are: x, y"),
        bad(label="kind", classes=("x",), match="At least two different classes"),
        bad(label="kind", task="ranking", match="task must be 'classification' or 'regression'"),
    ],
)
def test_bad_tables_get_one_clear_sentence(csv, frame, options, match):
    with pytest.raises(ValueError, match=match):
        load_dataset(csv(frame), **options)


def test_what_is_not_there_is_named_with_what_is(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'breast_cancer'"):
        load_dataset("brest_cancer")
    with pytest.raises(ValueError, match=r"There is no file 'no\.csv'"):
        load_dataset("no.csv")
    (tmp_path / "data.xlsx").write_bytes(b"")
    with pytest.raises(ValueError, match=r"neither a .csv nor a .parquet"):
        load_dataset(tmp_path / "data.xlsx")
    with pytest.raises(ValueError, match="is a folder"):
        load_dataset(tmp_path)
    (tmp_path / "broken.parquet").write_bytes(b"not parquet")
    with pytest.raises(ValueError, match="could not be read as a table"):
        load_dataset(tmp_path / "broken.parquet")
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty\.csv is empty"):
        load_dataset(tmp_path / "empty.csv", label="a")


def test_arrays_of_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"y must have the shape \(2,\)"):
        Dataset.from_arrays([[1.0], [2.0]], [1])
    with pytest.raises(ValueError, match=r"X must have the shape \(samples, features\)"):
        Dataset.from_arrays([1.0, 2.0], [1, 2])
    with pytest.raises(ValueError, match="the same number everywhere"):
        Dataset.from_arrays([[1.0], [2.0]], [3.5, 3.5], task="regression")
