"""A table that is written in any usual way and read again is the same table."""

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qiskit_qml_ext.datasets import load_dataset

SEPARATORS = {",": ",", ";": ";", "\t": "tab", "|": "pipe"}
# Letters of Windows-1252, which all of these encodings have; signs that need quoting; blanks and commas within.
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZäöüéßñ"
TEXT = st.text(st.sampled_from(LETTERS + " ,;|\"'()%"), min_size=1, max_size=12).map(str.strip)
NAMES = TEXT.filter(lambda text: any(letter in LETTERS for letter in text))
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
    st.floats(-1e150, 1e150).filter(lambda value: value == 0 or abs(value) > 1e-150),
)


@st.composite
def tables(draw):
    """A table of 3 features and a label of two or three classes, in 6 rows, and how it is written."""
    names = draw(st.lists(NAMES, min_size=4, max_size=4, unique_by=str.casefold))
    classes = draw(st.lists(NAMES, min_size=2, max_size=3, unique_by=str.casefold))
    # A fractional number in each column, so that it is no identifier.
    columns = [[0.5, -1.25, *draw(st.lists(NUMBERS, min_size=4, max_size=4))] for _ in range(3)]
    labels = [classes[i % len(classes)] for i in range(6)]
    return names, np.array(columns).T, labels


@st.composite
def styles(draw):
    separator = draw(st.sampled_from([*SEPARATORS]))
    return {
        "separator": separator,
        "decimal": draw(st.sampled_from(".,")),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
        "end": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "trailing newline": draw(st.booleans()),
    }


def written(names, X, labels, style):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=style["separator"], quoting=style["quoting"], lineterminator=style["end"])
    writer.writerow(names)
    for row, label in zip(X.tolist(), labels, strict=True):
        writer.writerow([*(repr(value).replace(".", style["decimal"]) for value in row), label])
    text = buffer.getvalue()
    return (text if style["trailing newline"] else text.removesuffix(style["end"])).encode(style["encoding"])


def same(data, names, X, labels):
    assert data.feature_names == tuple(names[:3])
    assert np.array_equal(data.X, X)
    assert data.labels.tolist() == labels


@settings(max_examples=150, deadline=None)
@given(tables(), styles())
def test_a_table_is_the_same_however_it_was_written(table, style):
    names = table[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_bytes(written(*table, style))
        named = {
            "separator": SEPARATORS[style["separator"]],
            "decimal": style["decimal"],
            "encoding": style["encoding"],
            "header": True,
        }
        same(load_dataset(path, label=names[3], task="classification", **named), *table)
        found = found_out(path, names[3])
        if isinstance(found, str):  # the option that helps is named; the table is never read in another way
            assert any(option in found for option in ("--separator", "--decimal", "--encoding", "--header"))
        else:
            same(found, *table)


def found_out(path, label):
    """The data set as it is read without any option, or why it is not."""
    try:
        return load_dataset(path, label=label, task="classification")
    except ValueError as error:
        return str(error)


def test_tables_of_plain_names_are_found_without_any_option(tmp_path):
    rng = np.random.default_rng(0)
    table = ["width", "hollow length", "gap", "kind"], rng.normal(size=(20, 3)), ["oak", "elm"] * 10
    for separator in SEPARATORS:
        for decimal in ".,":
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
                style = {"separator": separator, "decimal": decimal, "encoding": encoding, "end": "\r\n"}
                style |= {"quoting": csv.QUOTE_MINIMAL, "trailing newline": True}
                (tmp_path / "data.csv").write_bytes(written(*table, style))
                same(load_dataset(tmp_path / "data.csv", label="kind"), *table)
