"""One entrance for all data: a name or a path."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from qiskit_qml_ext.datasets.bundled import BUNDLED, load_bundled
from qiskit_qml_ext.datasets.dataset import TASKS, Dataset, Task
from qiskit_qml_ext.datasets.files import READABLE_SUFFIXES, load_file


def load_dataset(
    name_or_path: str | os.PathLike[str],
    *,
    label: str | None = None,
    task: Task | None = None,
    classes: Sequence[str] | None = None,
    drop: Sequence[str] = (),
) -> Dataset:
    """Load a bundled data set by name, or a CSV or Parquet file by path.

    Args:
        name_or_path: ``"breast_cancer"``, ``"diabetes"``, ``"digits"``, ``"iris"``, ``"wine"``, or the path of a file.
        label: For a file, the name of the column that is to be predicted.
        task: ``"classification"`` or ``"regression"``; guessed from the label if not given
            (:func:`~qiskit_qml_ext.datasets.guess_task`).
        classes: Keep only the samples of these classes, named as text: ``("3", "8")``.
        drop: For a file, columns to leave out.

    Returns:
        The data set; missing feature values are NaN.

    Raises:
        ValueError: If there is no such data set, file or column, a feature is not numeric, a label is missing, or only
            one class is there. The message says what to do.

    Examples:
        >>> from qiskit_qml_ext.datasets import load_dataset
        >>> load_dataset("digits", classes=("3", "8"))
        <Dataset digits: 357 samples, 64 features, 2 classes>
    """
    if task is not None and task not in TASKS:
        raise ValueError(f"task must be 'classification' or 'regression', but {task!r} came.")
    name = os.fspath(name_or_path)
    if name in BUNDLED:
        dataset = _bundled(name, label, task, drop)
    else:
        path = Path(name).expanduser()
        if not path.exists():
            raise ValueError(_not_found(name))
        dataset = load_file(path, label=label, task=task, drop=drop)
    return dataset if classes is None else dataset.keep_classes(classes)


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
