"""The same data in every container give the same data set, or a sentence that says what to do."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from qiskit_qml_ext.circuits import AngleFeatureMap
from qiskit_qml_ext.datasets import Dataset, load_dataset
from qiskit_qml_ext.diagnostics import diagnose
from qiskit_qml_ext.evaluation import evaluate
from qiskit_qml_ext.kernels import FidelityKernel

X = np.array([[0.5, 1], [2.5, 3], [0.25, 3], [1.5, 2]])
Y = ["u", "v", "u", "v"]


def read_only(array):
    array = np.array(array)
    array.setflags(write=False)
    return array


SAME_X = {
    "lists": X.tolist(),
    "tuples": tuple(map(tuple, X)),
    "read-only": read_only(X),
    "Fortran order": np.asfortranarray(X),
    "not contiguous": np.repeat(X, 2, axis=1)[:, ::2],
    "float32": X.astype(np.float32),
    "objects": X.astype(object),
    "text": X.astype(str),
    "decimals": [[decimal.Decimal(str(v)) for v in row] for row in X],
    "fractions": [[fractions.Fraction(v) for v in row] for row in X],
    "mask without a masked value": np.ma.array(X),
    "data frame": pd.DataFrame(X),
    "nullable": pd.DataFrame(X).convert_dtypes(),
    "Arrow": pd.DataFrame(X).convert_dtypes(dtype_backend="pyarrow"),
    "categories": pd.DataFrame(X).astype("category"),
    "sparse columns": pd.DataFrame(X).astype(pd.SparseDtype(float)),
    "object columns": pd.DataFrame(X).astype(object),
    "text columns": pd.DataFrame(X).astype(str),
}
SAME_Y = {
    "list": Y,
    "array": read_only(Y),
    "objects": np.array(Y, dtype=object),
    "bytes": np.array(Y, dtype="S1"),
    "series": pd.Series(Y),
    "frame": pd.DataFrame({"y": Y}),
    "category": pd.Series(Y, dtype="category"),
    "string": pd.Series(Y, dtype="string"),
    "Arrow": pd.Series(Y, dtype="string[pyarrow]"),
    "index": pd.Index(Y),
}


@pytest.mark.parametrize("container", SAME_X)
def test_features_are_the_same_in_every_container(container):
    given = SAME_X[container]
    data = Dataset.from_arrays(given, Y)
    assert np.array_equal(data.X, X)
    assert not np.shares_memory(data.X, X)
    assert any("read as numbers" in note for note in data.notes) == ("text" in container)
    if isinstance(given, pd.DataFrame):
        assert data.feature_names == ("0", "1")
        frame = given.assign(y=Y)
        assert np.array_equal(load_dataset(frame, label="y").X, X)


@pytest.mark.parametrize("container", SAME_Y)
def test_labels_are_the_same_in_every_container(container):
    data = Dataset.from_arrays(X, SAME_Y[container])
    assert data.y.tolist() == [0, 1, 0, 1]
    assert data.class_names == ("u", "v")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, decimal.Decimal("nan")])
def test_missing_values_are_nan_in_every_spelling(missing):
    values = X.astype(object)
    values[1, 0] = missing
    for given in (values, values.tolist(), pd.DataFrame(values), pd.DataFrame(values).convert_dtypes()):
        data = Dataset.from_arrays(given, Y)
        assert np.isnan(data.X[1, 0])
        assert data.num_missing == 1
    for labels in (["u", missing, "u", "v"], pd.Series(["u", missing, "u", "v"]), [1, missing, 1, 2]):
        with pytest.raises(ValueError, match=r"missing in 1 of 4 samples \(row 2\)"):
            Dataset.from_arrays(X, labels)


def test_truth_values_are_one_and_zero():
    truth = X > 1
    for given in (truth, pd.DataFrame(truth), pd.DataFrame(truth).astype("boolean"), truth.astype(object)):
        assert np.array_equal(Dataset.from_arrays(given, Y).X, truth)
    assert Dataset.from_arrays(X, pd.Series([True, False, True, False])).class_names == ("False", "True")


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(30) / 7,
        (np.arange(30) / 7).astype(object),
        pd.Series(np.arange(30) / 7, dtype="Float64"),
        pd.Series(np.arange(30) / 7, dtype=object),
        [decimal.Decimal(i) / 7 for i in range(30)],
    ],
)
def test_a_quantity_is_no_class_whatever_holds_it(labels):
    data = Dataset.from_arrays(np.random.default_rng(0).normal(size=(30, 2)), labels)
    assert data.task == "regression"
    np.testing.assert_allclose(data.y, np.arange(30) / 7, rtol=1e-15)


DATES = pd.date_range("2020", periods=4)
MASKED = np.ma.masked_greater(X, 2)


@pytest.mark.parametrize(
    ("features", "match"),
    [
        (MASKED, r"X is a masked array with 3 masked values.*X\.filled\(numpy\.nan\)"),
        (sparse.csr_matrix(X), r"X is a sparse matrix.*X\.toarray\(\)"),
        (sparse.coo_array(X), r"X is a sparse matrix.*X\.toarray\(\)"),
        (X + 1j, "complex numbers"),
        (X.astype("M8[D]"), "dates or times"),
        (X.astype("m8[s]"), "dates or times"),
        ([[datetime.date(2020, 1, 1), 1]] * 4, "dates or times"),
        (pd.DataFrame({"a": DATES}), "'a' holds dates"),
        (pd.DataFrame({"a": DATES.tz_localize("UTC")}), "'a' holds dates"),
        (pd.DataFrame({"a": DATES - DATES[0]}), "'a' holds dates"),
        (pd.DataFrame({"a": DATES.to_period("M")}), "'a' holds dates"),
        (pd.DataFrame({"a": list("abcd")}), r"'a' is not numeric \(for example 'a'\)"),
        (pd.DataFrame({"a": [1, 2, 3j, 4]}), "'a' has complex numbers"),
        (pd.DataFrame({"a": [[1], [2], [3], [4]]}), "'a' is not numeric"),
        (pd.DataFrame({"a": pd.Series([datetime.date(2020, 1, 1)] * 4, dtype=pd.ArrowDtype(pa.date32()))}), "dates"),
        (pd.DataFrame({"a": [10**400, 1, 2, 3]}, dtype=object), r"'a' has 1000.*… in row 1, beyond the largest double"),
        (pd.DataFrame({"a": [np.inf, 1, 2, 3]}), r"Infinite values in column 'a' \(inf in row 1\)"),
        ([["1", "low"]] * 4, r"has 'low' \(str\) in row 1, column 2"),
        ([["1_0", "2"]] * 4, r"has '1_0' \(str\) in row 1, column 1"),
        ([[1, 2], [3], [4, 5], [6, 7]], "rows have different lengths"),
        (np.zeros(4, dtype=[("a", float)]), "structured array"),
        (X[:, 0], r"must have the shape \(samples, features\)"),
        (pd.Series(X[:, 0]), r"must have the shape \(samples, features\)"),
        (X[:, :, None], r"must have the shape \(samples, features\)"),
        (X * 1e200, r"'x0' reaches 5e\+200|'x0' reaches 2.5e\+200"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_features_that_numpy_would_turn_into_something_else_are_refused(features, match):
    with pytest.raises((ValueError, TypeError), match=match):
        Dataset.from_arrays(features, Y)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (np.ma.masked_equal([1, 2, 1, 2], 2), "y is a masked array with 2 masked values"),
        (sparse.csr_matrix([[1, 0, 1, 0]]), "y is a sparse matrix"),
        (np.array([[1], [2], [1], [2]]), r"y\.ravel\(\)"),
        (np.eye(2)[[0, 1, 0, 1]], r"one-hot.*argmax"),
        (pd.DataFrame({"a": Y, "b": Y}), "y must be one column, but is a data frame of 2"),
        (DATES, "dates or times"),
        (np.array(DATES), "dates or times"),
        ([1j, 2, 1j, 2], "complex"),
        (pd.Series([1j, 2, 1j, 2]), "complex"),
        (["u"], r"y must have the shape \(4,\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_labels_that_numpy_would_turn_into_something_else_are_refused(labels, match):
    with pytest.raises((ValueError, TypeError), match=match):
        Dataset.from_arrays(X, labels)


def test_many_numbers_written_as_text_are_no_classes():
    text = [str(i / 7) for i in range(25)]
    with pytest.raises(ValueError, match="25 different numbers, written as text"):
        Dataset.from_arrays(np.random.default_rng(0).normal(size=(25, 2)), text)


def test_labels_in_another_order_than_the_features_are_refused():
    frame, series = pd.DataFrame(X), pd.Series(Y)
    with pytest.raises(ValueError, match=r"same index in different orders.*y\.loc\[X\.index\]"):
        Dataset.from_arrays(frame, series.iloc[::-1])
    assert Dataset.from_arrays(frame.iloc[::-1], series.iloc[::-1]).y.tolist() == [1, 0, 1, 0]
    assert Dataset.from_arrays(frame, series.set_axis([7, 8, 9, 10])).y.tolist() == [0, 1, 0, 1]


def test_labels_of_a_frame_and_a_file_are_the_same(tmp_path):
    frame = pd.DataFrame({"x": X[:, 0], "y": ["None", "NA ", "None", "NA"]})
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.to_parquet(tmp_path / "data.parquet")
    for source in (frame, tmp_path / "data.csv", tmp_path / "data.parquet"):
        data = load_dataset(source, label="y")
        assert data.class_counts == {"NA": 2, "None": 2}
        assert any("'NA ' is read as 'NA'" in note for note in data.notes)


def test_the_index_of_a_frame_is_not_used_and_columns_may_have_any_name():
    frame = pd.DataFrame({("a", 1): X[:, 0], ("b", 2): X[:, 1], ("y", ""): Y}, index=list("pqrs"))
    data = load_dataset(frame, label=("y", ""))
    assert data.feature_names == ("a 1", "b 2")
    assert load_dataset(pd.DataFrame(X, columns=[3, 4]).assign(y=Y), label="y").feature_names == ("3", "4")
    with pytest.raises(ValueError, match="DataFrame has 2 columns called 'a'"):
        load_dataset(pd.DataFrame(np.c_[X, [0, 1, 0, 1]], columns=["a", "a", "y"]), label="y")
    with pytest.raises(TypeError, match=r"but list came.*Dataset\.from_arrays"):
        load_dataset([[1.0]])


@pytest.mark.slow
def test_evaluate_diagnose_and_kernel_take_what_pandas_and_lists_hold():
    """scikit-learn's containers: the same numbers whatever holds them."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, 2)), np.repeat(["no", "yes"], 12)
    kernel = FidelityKernel(AngleFeatureMap())
    expected = kernel.evaluate(x)
    whole = diagnose(kernel, x, y, num_samples=24, max_seconds=60).summary()
    for given, labels in ((pd.DataFrame(x), pd.Series(y)), (x.tolist(), y.tolist()), (read_only(x), read_only(y))):
        assert np.array_equal(kernel.evaluate(given), expected)
        assert diagnose(kernel, given, labels, num_samples=24, max_seconds=60).summary() == whole
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(id=range(24), y=y)
    settings = {"feature_map": "angle", "folds": 2, "bandwidths": [0.5], "C_values": [1.0]}
    scores = evaluate(load_dataset(frame, label="y"), **settings)["quantum"].scores
    assert scores == evaluate(Dataset.from_arrays(x, y), **settings)["quantum"].scores
