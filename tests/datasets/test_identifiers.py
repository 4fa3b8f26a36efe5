"""Columns that name or count the rows are left out, columns that give the label away are named, and no others."""

import uuid

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets as sklearn_datasets

from qiskit_qml_ext.datasets import BUNDLED, Dataset, load_dataset

N = 60
RNG = np.random.default_rng(0)
MEASURED = RNG.normal(size=N)
LABEL = np.repeat(["no", "yes"], N // 2)


def loaded(name, values, *, rows=N, **options):
    frame = pd.DataFrame({"measured": MEASURED[:rows], name: values, "y": LABEL[N // 2 - rows // 2 :][:rows]})
    return load_dataset(frame, label="y", **options)


IDENTIFIERS = {
    "index of pandas": ("Unnamed: 0", np.arange(N)),
    "row names of R": ("", np.arange(1, N + 1)),
    "running number": ("number", np.arange(100, 100 + N)),
    "running number as float": ("number", np.arange(N) + 0.0),
    "counted down": ("left", np.arange(N)[::-1]),
    "counted in tens": ("step", 10 * np.arange(N)),
    "shuffled": ("ticket", RNG.permutation(N)),
    "rising with gaps": ("sequence", np.cumsum(RNG.integers(1, 900, size=N))),
    "dense with gaps": ("code", RNG.permutation(2 * N)[:N]),
    "with a few repeated rows": ("code", np.r_[np.arange(N - 2), 7, 8]),
    "wide range": ("code", RNG.choice(10**6, size=N, replace=False)),
    "beyond 2^53": ("code", 10**18 + np.arange(N)),
    "named, repeated": ("patient_id", np.repeat(np.arange(N // 5), 5)),
    "camel case": ("PassengerId", np.repeat(np.arange(N // 5), 5)),
    "joined": ("customerid", np.repeat(np.arange(N // 5), 5)),
    "subject": ("subject#", np.repeat(np.arange(N // 5), 5)),
    "text": ("Name", [f"Person {chr(65 + i % 26)}{i}" for i in range(N)]),
    "universal": ("key", [str(uuid.UUID(int=int(i) ** 9 + 1)) for i in range(N)]),
    "leading zeros": ("key", [f"A{i:05d}" for i in range(N)]),
    "named text, repeated": ("device id", list("abcdef") * (N // 6)),
    "dates": ("day", pd.date_range("2020", periods=N)),
    "dates as text": ("day", [f"2020-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(N)]),
}

MEASUREMENTS = {
    "floats": ("weight", RNG.normal(size=N)),
    "floats that rise": ("weight", np.sort(RNG.normal(size=N))),
    "ages": ("age", RNG.integers(18, 90, size=N)),
    "sorted ages": ("age", np.sort(RNG.integers(18, 90, size=N))),
    "small counts": ("children", RNG.integers(0, 5, size=N)),
    "grades": ("quality", RNG.integers(1, 6, size=N)),
    "constant": ("constant", np.full(N, 7)),
    "truth values": ("smoker", RNG.integers(0, 2, size=N).astype(bool)),
    "category of two named like an id": ("sex_id", RNG.integers(0, 2, size=N)),
    "floats named like an id": ("fluid_id", RNG.normal(size=N)),
    "ends like id": ("uric acid", RNG.integers(1, 30, size=N)),
    "lipid": ("lipid", RNG.integers(100, 300, size=N)),
    "covid": ("covid", RNG.integers(0, 3, size=N)),
    "index that is a measurement": ("refractive index", RNG.integers(10, 30, size=N)),
    "thousands": ("steps", RNG.integers(20, 100, size=N) * 100),
    "years": ("year", RNG.integers(1990, 2020, size=N)),
    "two-tailed": ("balance", np.round(RNG.normal(scale=15, size=N))),
    "missing": ("age", np.where(np.arange(N) % 3, RNG.integers(18, 90, size=N), np.nan)),
}


@pytest.mark.parametrize("case", IDENTIFIERS)
def test_identifiers_are_left_out_with_a_note_and_can_be_kept(case):
    name, values = IDENTIFIERS[case]
    data = loaded(name, values)
    assert data.feature_names == ("measured",)
    (note,) = [note for note in data.notes if "is left out" in note]
    assert repr(name) in note
    if not isinstance(values, list) and not isinstance(values, pd.DatetimeIndex):
        assert "--keep" in note
        kept = loaded(name, values, keep=[name])
        assert kept.feature_names == ("measured", name)
        assert not any("left out" in text for text in kept.notes)
    else:
        assert "write it as numbers" in note
        with pytest.raises(ValueError, match="--drop"):
            loaded(name, values, keep=[name])


@pytest.mark.parametrize("case", IDENTIFIERS)
def test_identifiers_are_found_in_csv_and_parquet_too(case, tmp_path):
    name, values = IDENTIFIERS[case]
    frame = pd.DataFrame({"measured": MEASURED, name: values, "y": LABEL})
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.to_parquet(tmp_path / "data.parquet")
    for file in ("data.csv", "data.parquet"):
        assert load_dataset(tmp_path / file, label="y").feature_names == ("measured",)


@pytest.mark.parametrize("case", MEASUREMENTS)
def test_measurements_are_not_taken_for_identifiers(case, tmp_path):
    name, values = MEASUREMENTS[case]
    assert loaded(name, values).feature_names == ("measured", name)
    pd.DataFrame({"measured": MEASURED, name: values, "y": LABEL}).to_csv(tmp_path / "data.csv", index=False)
    assert load_dataset(tmp_path / "data.csv", label="y").feature_names == ("measured", name)


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("scale", [None, 30, 1000, 10**6])
def test_no_column_of_the_bundled_data_is_left_out_or_named(name, scale):
    """As they are, and as whole numbers of two, three and six digits."""
    frame = getattr(sklearn_datasets, f"load_{name}")(as_frame=True).frame
    if scale is not None:
        features = frame.drop(columns="target")
        frame = (
            (features / features.abs().max().replace(0, 1) * scale).round().astype(int).assign(target=frame["target"])
        )
    data = load_dataset(frame, label="target")
    assert data.num_features == frame.shape[1] - 1
    assert [note for note in data.notes if "same value everywhere" not in note] == []
    assert load_dataset(name).notes == ()


def test_small_tables_keep_whole_numbers_that_happen_to_differ():
    for values in (np.arange(8), RNG.permutation(8), np.array([3, 17, 90, 22, 41, 5, 66, 12])):
        assert loaded("count", values, rows=8).feature_names == ("measured", "count")


def test_counts_that_differ_in_every_row_are_named_but_kept():
    """Genes counted in the ten thousands: three such columns are measurements, not identifiers."""
    genes = {f"gene{i}": RNG.choice(10**6, size=N, replace=False) for i in range(3)}
    data = load_dataset(pd.DataFrame({**genes, "y": LABEL}), label="y")
    assert data.feature_names == ("gene0", "gene1", "gene2")
    assert any("Another whole number in every row: 'gene0', 'gene1', 'gene2'" in note for note in data.notes)


def test_the_only_feature_is_kept_though_it_counts_the_rows():
    data = load_dataset(pd.DataFrame({"age": np.arange(40, 60), "y": ["u", "v"] * 10}), label="y")
    assert data.feature_names == ("age",)
    assert any("no other feature: 'age'" in note for note in data.notes)
    with pytest.raises(ValueError, match="no feature besides the label 'y'"):
        load_dataset(pd.DataFrame({"id": np.arange(20), "y": ["u", "v"] * 10}), label="y")
    with pytest.raises(ValueError, match=r"no feature besides the label 'y'.*'Name' is left out"):
        load_dataset(pd.DataFrame({"Name": [f"n{i}x" for i in range(20)], "y": ["u", "v"] * 10}), label="y")


@pytest.mark.parametrize("values", [["12 kg", "13 kg", "15.5 kg"], ["$1", "$2", "$3.50"], ["1,234.5", "2,345.6", "9"]])
def test_measurements_written_with_units_are_refused_instead_of_left_out(values):
    with pytest.raises(ValueError, match="'a' of DataFrame is not numeric"):
        load_dataset(pd.DataFrame({"a": values, "b": [0.1, 0.2, 0.5], "y": ["u", "v", "u"]}), label="y")


def test_a_number_with_one_odd_cell_is_refused_instead_of_left_out():
    values = [*map(str, MEASURED[:-1]), "n.d."]
    with pytest.raises(ValueError, match=f"'n.d.' in row {N}.*--na-values n.d."):
        loaded("a", values)


def test_a_feature_that_rises_by_the_same_step_is_named_but_kept():
    data = loaded("time", np.arange(N) * 0.1)
    assert data.feature_names == ("measured", "time")
    assert any("'time' rises by the same step" in note for note in data.notes)


TELLING = {
    "copy": np.repeat([0, 1], N // 2),
    "copy in other numbers": np.repeat([3.5, -2.0], N // 2),
    "threshold": np.r_[RNG.uniform(0, 1, N // 2), RNG.uniform(2, 3, N // 2)],
    "threshold without a gap": np.linspace(0, 1, N) ** 2,
    "bands": np.r_[RNG.uniform(0, 1, N // 4), RNG.uniform(4, 5, N // 4), RNG.uniform(2, 3, N // 2)],
    "missing tells": np.r_[np.full(N // 2, np.nan), RNG.normal(size=N // 2)],
    "codes": np.r_[RNG.choice([1, 3, 5], N // 2), RNG.choice([2, 4], N // 2)],
}


@pytest.mark.parametrize("case", TELLING)
def test_a_column_that_alone_gives_the_class_away_is_named_and_kept(case):
    data = loaded("told", TELLING[case])
    assert data.feature_names == ("measured", "told")
    assert any("'told' alone tells nearly every class" in note and "--drop told" in note for note in data.notes)
    again = Dataset.from_arrays(data.X, data.labels, feature_names=data.feature_names)
    assert any("'told' alone tells nearly every class" in note for note in again.notes)


@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_a_column_that_alone_gives_a_quantity_away_is_named(noise):
    y = RNG.gamma(2.0, size=N)
    for copy in (2.2 * y - 7, np.exp(y), -y):
        frame = pd.DataFrame({"a": MEASURED, "told": copy + noise * MEASURED, "y": y})
        assert any("'told' alone orders nearly all samples" in note for note in load_dataset(frame, label="y").notes)


def test_good_features_are_not_said_to_give_the_label_away():
    """The means are three standard deviations apart: the best threshold is right on 93 % of the samples."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = np.repeat([0, 1], 100)
        frame = pd.DataFrame(rng.normal(size=(200, 5)) + 3.0 * y[:, None], columns=list("abcde")).assign(y=y)
        assert load_dataset(frame, label="y").notes == ()
    quantity = RNG.normal(size=200)
    frame = pd.DataFrame({"a": quantity + 0.05 * RNG.normal(size=200), "y": quantity})
    assert load_dataset(frame, label="y").notes == ()


def test_noise_is_never_said_to_give_the_label_away():
    """A threshold is right on 23 of 24 samples of one of 100 noise columns with probability < 100 · 50 / C(24, 12)."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(24, 100))).assign(y=[0, 1] * 12)
    assert load_dataset(frame, label="y").notes == ()


def test_arrays_are_used_as_given_and_identifiers_among_them_are_named():
    X = np.column_stack([np.arange(N), MEASURED])
    data = Dataset.from_arrays(X, LABEL)
    assert data.num_features == 2
    assert any("used as given" in note and "'x0' (it counts the rows)" in note for note in data.notes)
    frame = pd.DataFrame({"id": np.repeat(np.arange(12), 5), "m": MEASURED})
    assert any("'id' (it is named like" in note for note in Dataset.from_arrays(frame, LABEL).notes)


def test_notes_stay_with_a_part_of_the_data():
    data = loaded("id", np.arange(N))
    assert data.keep_classes(["no", "yes"]).notes == data.subsample(20, seed=0).notes == data.notes != ()
