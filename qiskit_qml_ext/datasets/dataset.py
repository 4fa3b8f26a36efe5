"""The data set as the package sees it: numbers, a label, and the names that people gave them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import AnyArray, FloatArray, IntArray
from qiskit_qml_ext.datasets.arrays import check_same_order, feature_matrix, is_missing, label_array
from qiskit_qml_ext.datasets.columns import Column, NumberFormat, scale_problem
from qiskit_qml_ext.datasets.identifiers import identifier_reason, telling_columns

Task = Literal["classification", "regression"]
TASKS: tuple[Task, ...] = ("classification", "regression")

# A numeric label is read as a class only up to this many distinct values; ten digits are classes, 214 glucose levels
# are not.
MAX_GUESSED_CLASSES = 20


@dataclass(frozen=True, eq=False)
class Dataset:
    """A supervised data set. The arrays are read-only.

    Attributes:
        name: A short name, used in tables and titles.
        X: The features, shape (num_samples, num_features), float; NaN marks a missing value.
        y: The label, shape (num_samples,): class numbers 0, 1, … (int) for classification, else float.
        feature_names: One name for each column of ``X``.
        task: ``"classification"`` or ``"regression"``.
        class_names: The name of class 0, 1, …; empty for regression.
        label_name: What the label is called.
        source: Where the data came from, one phrase.
        notes: What a reader should know about how the data were read: columns that were left out and why, values taken
            as missing, columns that look like identifiers or that give the label away. One sentence each.
    """

    name: str
    X: FloatArray
    y: FloatArray | IntArray
    feature_names: tuple[str, ...]
    task: Task
    class_names: tuple[str, ...] = ()
    label_name: str = "label"
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.X, self.y):
            array.setflags(write=False)

    @property
    def num_samples(self) -> int:
        """The number of rows."""
        return int(self.X.shape[0])

    @property
    def num_features(self) -> int:
        """The number of columns, the label not counted."""
        return int(self.X.shape[1])

    @property
    def num_missing(self) -> int:
        """How many feature values are missing."""
        return int(np.isnan(self.X).sum())

    @property
    def class_counts(self) -> dict[str, int]:
        """The number of samples of each class, by class name; empty for regression."""
        return {name: int(np.sum(self.y == code)) for code, name in enumerate(self.class_names)}

    @property
    def labels(self) -> AnyArray:
        """The label of each sample as people know it: the name of its class, or the number of a regression."""
        return np.array(self.class_names)[self.y.astype(np.int64)] if self.class_names else self.y

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        *,
        task: Task | None = None,
        name: str = "data",
        feature_names: Sequence[str] | None = None,
        label_name: str = "label",
        source: str = "arrays in memory",
    ) -> "Dataset":
        """Build a data set from arrays.

        All features are used: one that looks like an identifier or gives the label away is named in ``notes``. To have
        identifiers left out, pass a data frame to :func:`~qiskit_qml_ext.datasets.load_dataset`.

        Args:
            X: The features, shape (num_samples, num_features), as an array, lists or a data frame of numbers, truth
                values or text that is a number; NaN, None and pandas' NA mark a missing value.
            y: The label, shape (num_samples,); numbers, text or truth values, none missing. Rows are matched to those
                of ``X`` by position.
            task: What the label means; guessed if not given (:func:`guess_task`).
            name: A short name for tables and titles.
            feature_names: One name for each column; those of a data frame, or ``x0``, ``x1``, …, if not given.
            label_name: What the label is called.
            source: Where the data came from.

        Raises:
            ValueError: If the shapes do not fit, a feature is no number, infinite, out of the range of doubles or
                wholly missing, a label is missing, or only one class is there.
            TypeError: If an array is sparse or has masked values.

        Examples:
            >>> from qiskit_qml_ext.datasets import Dataset
            >>> Dataset.from_arrays([[0.0], [1.0], [2.0]], ["no", "yes", "yes"]).class_counts
            {'no': 1, 'yes': 2}
        """
        check_same_order(X, y)
        features, names, columns, notes = feature_matrix(X, feature_names)
        labels, remarks = label_array(y, label_name)
        if not columns:
            columns = [Column(n, "number", features[:, i].tolist(), features[:, i]) for i, n in enumerate(names)]
        data = build_dataset(
            features, labels, names, task=task, name=name, label_name=label_name, source=source, notes=remarks
        )
        suspects = [f"{column.name!r} ({reason})" for column in columns if (reason := identifier_reason(column))]
        if suspects:
            notes.append(f"{_columns_of(suspects)} used as given, but may only name the rows: {_shortened(suspects)}.")
        return replace(data, notes=(*notes, *data.notes))

    def keep_classes(self, classes: Sequence[str]) -> "Dataset":
        """Return the data set with only the samples of some classes, in the order of ``class_names``.

        Args:
            classes: Two or more of ``class_names``.

        Raises:
            ValueError: If this is not a classification, a class is not there, or fewer than two are named.
        """
        if self.task != "classification":
            raise ValueError(f"Classes can be chosen for a classification only, but {self.name!r} is a regression.")
        wanted = {str(name).strip() for name in classes}
        if unknown := sorted(wanted - set(self.class_names)):
            raise ValueError(
                f"{self.name!r} has no class {', '.join(map(repr, unknown))}. Its classes are: "
                f"{_shortened(self.class_names)}."
            )
        if len(wanted) < 2:
            raise ValueError(
                f"At least two different classes must be kept, but only {', '.join(wanted) or 'none'} came."
            )
        kept = [code for code, name in enumerate(self.class_names) if name in wanted]
        rows = np.isin(self.y, kept)
        return replace(
            self,
            X=self.X[rows],
            y=np.searchsorted(kept, self.y[rows]).astype(np.int64),
            class_names=tuple(self.class_names[code] for code in kept),
            source=f"{self.source}, classes {', '.join(self.class_names[code] for code in kept)}",
        )

    def subsample(self, max_samples: int, *, seed: int, min_per_class: int = 1) -> "Dataset":
        """Return a random part of the data; for a classification the classes keep their proportions.

        Args:
            max_samples: How many samples to keep; if there are no more than that, the same object is returned.
            seed: Seed of the random choice.
            min_per_class: A rare class keeps at least this many samples (all, if it has fewer).
        """
        if self.num_samples <= max_samples:
            return self
        rng = np.random.default_rng(seed)
        if self.task == "regression":
            rows = rng.choice(self.num_samples, size=max_samples, replace=False)
        else:
            counts = _proportional_counts(np.bincount(self.y.astype(np.int64)), max_samples, min_per_class)
            rows = np.concatenate(
                [
                    rng.choice(np.flatnonzero(self.y == code), size=count, replace=False)
                    for code, count in enumerate(counts)
                ]
            )
        rows.sort()
        return replace(self, X=self.X[rows], y=self.y[rows])

    def summary(self) -> str:
        """Describe the data in one line."""
        kind = f"{len(self.class_names)} classes" if self.task == "classification" else "regression"
        missing = f", {self.num_missing:,} missing values" if self.num_missing else ""
        return f"{self.name}: {self.num_samples:,} samples, {self.num_features:,} features, {kind}{missing}"

    def __repr__(self) -> str:
        return f"<Dataset {self.summary()}>"


def guess_task(y: AnyArray) -> Task:
    """Guess what a label means.

    Text and truth values are classes. Numbers are classes if they are whole and there are at most
    ``MAX_GUESSED_CLASSES`` different ones, or if there are only two different ones; else they are a quantity.
    """
    if not np.issubdtype(y.dtype, np.number):
        return "classification"
    distinct = np.unique(y)
    whole = np.issubdtype(y.dtype, np.integer) or bool(np.all(distinct == np.round(distinct)))
    few = distinct.size <= MAX_GUESSED_CLASSES
    return "classification" if distinct.size <= 2 or (whole and few) else "regression"


def _check_task(task: Task) -> Task:
    if task not in TASKS:
        raise ValueError(f"task must be 'classification' or 'regression', but {task!r} came.")
    return task


def build_dataset(
    features: FloatArray,
    labels: AnyArray,
    names: Sequence[str],
    *,
    task: Task | None,
    name: str,
    label_name: str,
    source: str,
    notes: Sequence[str] = (),
) -> Dataset:
    """Check features and labels that are arrays by now, encode the label, and say which columns give it away.

    Args:
        features: Shape (num_samples, num_features).
        labels: Shape (num_samples,); None and NaN are missing.
        names: One name for each feature.
        task: What the label means; guessed if not given.
        name: A short name.
        label_name: What the label is called.
        source: Where the data came from.
        notes: What is known already.

    Raises:
        ValueError: As :meth:`Dataset.from_arrays`.
    """
    if labels.shape != features.shape[:1]:
        raise ValueError(f"y must have the shape ({features.shape[0]},) to match X, but has {labels.shape}.")
    _check_features(features, names)
    _check_label_present(labels, label_name)
    task = _task_of(labels, label_name) if task is None else _check_task(task)
    codes, class_names = _encode(labels, label_name) if task == "classification" else _as_numbers(labels, label_name)
    telling = [names[place] for place in telling_columns(features, codes, task)]
    notes = [*notes, *(_telling_sentence(column, label_name, task) for column in telling)]
    return Dataset(name, features, codes, tuple(names), task, class_names, label_name, source, tuple(notes))


def _telling_sentence(column: str, label_name: str, task: Task) -> str:
    found = "tells nearly every class" if task == "classification" else "orders nearly all samples as the label does"
    return (
        f"Column {column!r} alone {found} ({label_name!r}). If it is a copy of the label, or known only afterwards, "
        f"leave it out with --drop {shlex.quote(column)}: no comparison of models means anything with it."
    )


def _task_of(labels: AnyArray, label_name: str) -> Task:
    """Guess the task, unless the label is many different numbers written as text."""
    task = guess_task(labels)
    distinct = {value for value in labels.tolist() if isinstance(value, str)}
    if task == "classification" and len(distinct) > MAX_GUESSED_CLASSES and NumberFormat().numbers([*distinct]):
        raise ValueError(
            f"The label {label_name!r} has {len(distinct)} different numbers, written as text. Convert them to numbers "
            "for a regression, or say task='classification'."
        )
    return task


def _check_features(X: FloatArray, names: Sequence[str]) -> None:
    if infinite := [names[i] for i in np.flatnonzero(np.isinf(X).any(axis=0)).tolist()]:
        raise ValueError(f"Infinite values in {_columns(infinite)}. Replace them by numbers or leave the values empty.")
    if empty := [names[i] for i in np.flatnonzero(np.isnan(X).all(axis=0)).tolist()]:
        raise ValueError(f"No value at all in {_columns(empty)}. Fill in the column or drop it.")
    for place, name in enumerate(names):
        problem, remedy = scale_problem(name, X[:, place])
        if problem:
            raise ValueError(f"{problem} {remedy}, or leave it out.")


def _check_label_present(y: AnyArray, label_name: str) -> None:
    missing = np.array([is_missing(value) for value in y.tolist()], dtype=bool)
    if missing.any():
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(missing)[:3])
        more = ", …" if missing.sum() > 3 else ""
        plural = "s" if missing.sum() > 1 else ""
        raise ValueError(
            f"The label {label_name!r} is missing in {missing.sum():,} of {y.size:,} samples "
            f"(row{plural} {rows}{more}). Remove these rows or fill in the label."
        )


def _encode(y: AnyArray, label_name: str) -> tuple[IntArray, tuple[str, ...]]:
    """Number the classes in sorted order: by value for numbers, alphabetically for text."""
    values = y.tolist()
    try:
        distinct = sorted(set(values))
    except TypeError:  # numbers and text mixed
        values = [str(value) for value in values]
        distinct = sorted(set(values))
    if len(distinct) < 2:
        raise ValueError(
            f"The label {label_name!r} has only one class ({distinct[0]!r}), but a classification needs at least two."
        )
    position = {value: code for code, value in enumerate(distinct)}
    return np.array([position[value] for value in values], dtype=np.int64), tuple(_class_name(v) for v in distinct)


def _class_name(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _as_numbers(y: AnyArray, label_name: str) -> tuple[FloatArray, tuple[str, ...]]:
    try:
        numbers = y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"A regression needs numbers in the label {label_name!r}, but it contains text "
            f"(for example {str(y.tolist()[0])!r})."
        ) from None
    if np.isinf(numbers).any():
        raise ValueError(f"The label {label_name!r} contains infinite values.")
    if np.all(numbers == numbers[0]):
        raise ValueError(f"The label {label_name!r} is the same number everywhere ({numbers[0]:g}): nothing to learn.")
    return numbers, ()


def _proportional_counts(available: IntArray, total: int, minimum: int) -> list[int]:
    """Divide ``total`` in proportion to ``available`` (largest remainders), each at least ``minimum`` if possible."""
    floor = np.minimum(available, minimum)
    share = available * total / available.sum()
    counts = np.maximum(np.floor(share).astype(np.int64), floor)
    by_remainder = np.argsort(-(share - np.floor(share)), kind="stable")
    for code in by_remainder:
        if counts.sum() < total and counts[code] < available[code]:
            counts[code] += 1
    while counts.sum() > total and np.any(counts > floor):
        counts[np.argmax(counts - floor)] -= 1
    return [int(count) for count in counts]


def _columns_of(names: Sequence[str]) -> str:
    return "These features are" if len(names) > 1 else "This feature is"


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {_shortened([repr(name) for name in names])}"


def _shortened(names: Sequence[str], limit: int = 12) -> str:
    return ", ".join(names[:limit]) + (f", … ({len(names):,} in all)" if len(names) > limit else "")
