"""One entrance for all data: a name, a path, or a data frame."""

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.datasets.bundled import BUNDLED, load_bundled
from qiskit_qml_ext.datasets.dataset import TASKS, Dataset, Task
from qiskit_qml_ext.datasets.files import (
    READABLE_SUFFIXES,
    Choice,
    TextOptions,
    load_file,
    load_frame,
    refuse_text_options,
)
from qiskit_qml_ext.datasets.frames import column_name

if TYPE_CHECKING:
    import pandas as pd


def load_dataset(
    name_or_path: "str | os.PathLike[str] | pd.DataFrame",
    *,
    label: str | None = None,
    task: Task | None = None,
    classes: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
    na_values: Sequence[str] = (),
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
) -> Dataset:
    """Load a bundled data set by name, a CSV or Parquet file by path, or a data frame.

    Columns that name or count the rows (an index, an identifier) are left out, and ``notes`` of the result says so; it
    also names columns that alone give the label away. Text is read as it is written: "None" and "NA" are classes of a
    label, and missing values of a feature.

    Args:
        name_or_path: One of :data:`~qiskit_qml_ext.datasets.BUNDLED` such as ``"iris"``, the path of a file, or a data
            frame, whose index is not used.
        label: For a file or a data frame, the name of the column that is to be predicted.
        task: ``"classification"`` or ``"regression"``; guessed from the label if not given
            (:func:`~qiskit_qml_ext.datasets.guess_task`).
        classes: Keep only the samples of these classes, named as text: ``("3", "8")``.
        drop: Columns to leave out.
        keep: For a file or a data frame, columns to use although they look like an identifier.
        na_values: For a file or a data frame, what marks a missing value: in the label beside empty cells, in features
            beside what usually does (NA, NaN, null, ?, …).
        separator: For text, what stands between cells: one character, or ``"tab"``, ``"space"`` (any run of blanks);
            found from the first lines if not given.
        decimal: For text, ``"."`` or ``","``; found if not given.
        thousands: For text, what stands between groups of three digits; nothing if not given.
        encoding: For text, its encoding; if not given the byte-order mark, UTF-8, or Windows-1252 with a note.
        header: For text, whether the first line names the columns; False calls them ``"1"``, ``"2"``, …. If not given
            it must name them, and is refused if it looks like data.

    Returns:
        The data set; missing feature values are NaN.

    Raises:
        ValueError: If there is no such data set, file or column, a feature is not numeric, a label is missing, or only
            one class is there. The message says what to do.
        TypeError: If the data are of another kind.

    Examples:
        >>> from qiskit_qml_ext.datasets import load_dataset
        >>> load_dataset("digits", classes=("3", "8"))
        <Dataset digits: 357 samples, 64 features, 2 classes>
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"task must be 'classification' or 'regression', but {task!r} came.")
    for name, names in (("drop", drop), ("keep", keep), ("na_values", na_values), ("classes", classes or ())):
        if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
            raise TypeError(f"{name} must be several names, such as [{names!r}], but {names!r} came.")
    if not isinstance(header, bool | None) or not isinstance(encoding, str | None):
        raise TypeError(f"header must be True, False or None and encoding a text, but {header!r}, {encoding!r} came.")
    options = TextOptions(separator, decimal, thousands, encoding, header)
    choice = Choice(
        label=None if label is None else column_name(label),
        task=task,
        drop=tuple(map(column_name, drop)),
        keep=tuple(map(column_name, keep)),
        na_values=frozenset(str(value).strip() for value in na_values),
    )
    dataset = _load(name_or_path, choice, options)
    return dataset if classes is None else dataset.keep_classes(classes)


def _load(data: "str | os.PathLike[str] | pd.DataFrame", choice: Choice, options: TextOptions) -> Dataset:
    if not isinstance(data, (str, os.PathLike)):
        import pandas as pd

        if not isinstance(data, pd.DataFrame):
            raise TypeError(
                f"data must be the name of a data set, the path of a file or a data frame, but {type(data).__name__} "
                "came. Arrays become a data set by Dataset.from_arrays(X, y)."
            )
        refuse_text_options(options, "a data frame")
        return load_frame(data, choice, file_name="DataFrame", name="data")
    name = os.fspath(data)
    if name in BUNDLED:
        refuse_text_options(options, f"the bundled data set {name!r}")
        if choice.keep or choice.na_values:
            given = "keep" if choice.keep else "na_values"
            raise ValueError(f"{given} concerns tables of your own: all columns of {name!r} are used as they are.")
        return _bundled(name, choice.label, choice.task, choice.drop)
    path = Path(name).expanduser()
    if not path.exists():
        raise ValueError(_not_found(name))
    return load_file(path, choice, options)


def _bundled(name: str, label: str | None, task: Task | None, drop: Sequence[str]) -> Dataset:
    dataset = load_bundled(name)
    if label is not None and label != dataset.label_name:
        raise ValueError(
            f"The bundled data set {name!r} has the label {dataset.label_name!r}, which cannot be changed to {label!r}."
        )
    if unknown := [column for column in drop if column not in dataset.feature_names]:
        raise ValueError(f"{name!r} has no feature {unknown[0]!r}. It has: {', '.join(dataset.feature_names)}.")
    if drop:
        kept = [i for i, feature in enumerate(dataset.feature_names) if feature not in drop]
        if not kept:
            raise ValueError(f"All features of {name!r} would be dropped.")
        names = tuple(dataset.feature_names[i] for i in kept)
        dataset = replace(dataset, X=dataset.X[:, kept], feature_names=names)
    if task is None or task == dataset.task:
        return dataset
    if task == "classification":
        raise ValueError(f"The label of {name!r} is a quantity with many values: it is a regression only.")
    return replace(dataset, y=dataset.y.astype(np.float64), task="regression", class_names=())


def _not_found(name: str) -> str:
    names = f"the bundled data sets are {', '.join(BUNDLED)}"
    if os.sep in name or any(suffix in name.lower() for suffix in READABLE_SUFFIXES):
        return f"There is no file {name!r} (looked in {Path.cwd()}); {names}."
    near = difflib.get_close_matches(name.lower().replace("-", "_"), BUNDLED, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"There is no data set or file {name!r}.{hint} {names[0].upper()}{names[1:]}; or give a .csv or .parquet file."
    )
