"""Features and labels in memory: arrays, lists, data frames, and what is refused because it cannot be read safely."""

import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.datasets.columns import Column, NumberFormat
from qiskit_qml_ext.datasets.frames import column_from_series, column_name, is_date, is_real, label_from_series
from qiskit_qml_ext.datasets.labels import look_alikes


def feature_matrix(
    X: ArrayLike, feature_names: Sequence[str] | None
) -> tuple[FloatArray, tuple[str, ...], list[Column], list[str]]:
    """Return features as a new array of doubles, with their names, columns (of a data frame) and notes.

    Raises:
        ValueError: If they are not a table of numbers.
        TypeError: If they are sparse, or masked.
    """
    refuse_container(X, "X")
    if _is_frame(X):
        frame = cast(Any, X)
        names = _names(feature_names, frame.shape[1], [column_name(column) for column in frame.columns])
        _check_shape(frame.shape)
        columns = [column_from_series(name, frame.iloc[:, place]) for place, name in enumerate(names)]
        for column in columns:
            if column.problem:
                raise ValueError(f"{column.problem} {column.remedy}, or leave the column out.")
        matrix = np.column_stack([cast(FloatArray, column.numbers) for column in columns])
        return matrix, names, columns, [remark for column in columns for remark in column.remarks]
    matrix, notes = _matrix(X)
    _check_shape(matrix.shape)
    default = [f"x{place}" for place in range(matrix.shape[1])]
    return matrix, _names(feature_names, matrix.shape[1], default), [], notes


def _matrix(X: ArrayLike) -> tuple[FloatArray, list[str]]:
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(f"X must be a table, but its rows have different lengths ({error}).") from None
    if array.dtype.kind in "mM" or (array.dtype == object and any(is_date(cell) for cell in array.flat)):
        raise ValueError(
            "X holds dates or times, which are not numbers. Replace them by numbers, such as days since the first."
        )
    if array.dtype.names is not None:
        raise ValueError(
            "X is a structured array. Pass a data frame, or numpy.lib.recfunctions.structured_to_unstructured(X)."
        )
    if np.iscomplexobj(array):
        raise ValueError("X has complex numbers, but features are real. Use real and imaginary parts as two features.")
    if array.dtype.kind in "USO" and array.ndim == 2:
        return _matrix_of_objects(array)
    try:
        matrix = array.astype(np.float64, copy=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X must hold numbers, but {error}.") from None
    if (
        array.dtype.kind in "iu"
        and array.size
        and np.abs(matrix).max() > 2.0**53
        and np.any(matrix.astype(object) != array)
    ):
        return matrix, ["X has whole numbers beyond 2^53, which double precision rounds."]
    return matrix, []


def _matrix_of_objects(array: AnyArray) -> tuple[FloatArray, list[str]]:
    matrix = np.full(array.shape, np.nan)
    as_text: list[str] = []
    for row, cells in enumerate(array.tolist()):
        for position, cell in enumerate(cells):
            if is_missing(cell):
                continue
            if isinstance(cell, (str, bytes)):
                text = cell.decode("latin-1") if isinstance(cell, bytes) else cell
                found = [float("nan")] if text.strip() in ("", "nan") else NumberFormat().numbers([text.strip()])
                as_text.append(text)
            else:
                found = [_double(cell)] if is_real(cell) else None
            if found is None:
                raise ValueError(
                    f"X must hold numbers, but has {cell!r} ({type(cell).__name__}) in row {row + 1}, column "
                    f"{position + 1}."
                )
            matrix[row, position] = found[0]
    return matrix, [f"X holds text such as {as_text[0]!r}: it is read as numbers."] if as_text else []


def _double(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return float("inf") if cell > 0 else float("-inf")


def label_array(y: ArrayLike, label_name: str) -> tuple[AnyArray, list[str]]:
    """Return labels as a new array: numbers where all are numbers, else text, truth values or objects.

    Raises:
        ValueError: If they cannot be labels.
        TypeError: If they are sparse, or masked.
    """
    refuse_container(y, "y")
    if _is_frame(y):
        frame = cast(Any, y)
        if frame.shape[1] != 1:
            raise ValueError(
                f"y must be one column, but is a data frame of {frame.shape[1]}. Choose the label's column."
            )
        y = frame.iloc[:, 0]
    if _is_series(y):
        if any(isinstance(cell, str) for cell in cast(Any, y)):  # text stays as it is, blanks and all
            labels = np.empty(len(cast(Any, y)), dtype=object)
            labels[:] = [None if gone else cell for cell, gone in zip(cast(Any, y), cast(Any, y).isna(), strict=True)]
            return labels, look_alikes(label_name, labels.tolist())
        labels, notes = label_from_series(label_name, cast(Any, y))
        return labels, list(notes)
    labels = np.asarray(y)
    if labels.dtype.kind in "US" and not isinstance(y, np.ndarray):
        labels = np.array(y, dtype=object)  # numpy makes the text "nan" of a missing value among text
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8")
    if labels.dtype.kind in "mM" or (labels.dtype == object and any(is_date(cell) for cell in labels.flat)):
        raise ValueError(f"The label {label_name!r} holds dates or times. Replace them by numbers or names of classes.")
    if np.iscomplexobj(labels):
        raise ValueError(f"The label {label_name!r} has complex numbers, but a label is real or a class.")
    _check_one_column(labels)
    if labels.dtype == object and labels.ndim == 1:
        labels = _plain(labels)
    if labels.ndim == 1 and labels.dtype.kind in "UO":
        return labels, look_alikes(label_name, [value for value in labels.tolist() if isinstance(value, str)])
    return np.array(labels), []


def _check_one_column(labels: AnyArray) -> None:
    shape: tuple[int, ...] = labels.shape
    if len(shape) != 2:
        return
    if shape[1] == 1:
        raise ValueError(f"y must have one dimension, but has the shape {shape}. Pass y.ravel().")
    if labels.size and labels.dtype.kind in "buif" and np.all(labels.astype(np.float64).sum(axis=1) == 1):
        raise ValueError(f"y must have one dimension, but seems to be one-hot, shape {shape}. Pass y.argmax(axis=1).")


def _plain(labels: AnyArray) -> AnyArray:
    """Return objects that are all numbers as numbers, so that a quantity is not taken for so many classes."""
    values = labels.tolist()
    present = [value for value in values if not is_missing(value)]
    if present and all(is_real(value) and not isinstance(value, (bool, np.bool_)) for value in present):
        if all(isinstance(value, (int, np.integer)) for value in values):
            return np.array(values)
        return np.array([np.nan if is_missing(value) else _double(value) for value in values])
    values = [value.decode("utf-8") if isinstance(value, bytes) else value for value in values]
    plain = np.empty(len(values), dtype=object)
    plain[:] = [None if is_missing(value) else value for value in values]
    return plain


def check_same_order(X: object, y: object) -> None:
    """Check that a data frame and its labels do not have the same index in different orders.

    Raises:
        ValueError: If they do: rows are matched by position, so labels would go to other samples.
    """
    if not (_is_frame(X) and (_is_series(y) or _is_frame(y))):
        return
    left, right = cast(Any, X).index, cast(Any, y).index
    if len(left) == len(right) and not left.equals(right) and left.is_unique and set(left) == set(right):
        raise ValueError(
            "X and y have the same index in different orders, but rows are matched by position. "
            "Pass y.loc[X.index], or reset both indices if the positions are right."
        )


def is_missing(value: object) -> bool:
    """Whether a single value is None, NaN, NaT or pandas' NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType" or (isinstance(value, Decimal) and value.is_nan())


def refuse_container(values: object, name: str) -> None:
    """Refuse what numpy would turn into other numbers, or into an array of one object, without a word.

    Raises:
        TypeError: If the values are sparse, or some are masked.
    """
    from scipy.sparse import issparse

    if issparse(values):
        raise TypeError(f"{name} is a sparse matrix, but a dense one is needed. Pass {name}.toarray().")
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        number = int(np.ma.getmaskarray(values).sum())
        raise TypeError(
            f"{name} is a masked array with {number:,} masked values; numpy would use what lies under the mask. "
            + ("Pass X.filled(numpy.nan) to mark them as missing." if name == "X" else "Choose the rows with a label.")
        )


def _names(feature_names: Sequence[str] | None, width: int, default: Sequence[str]) -> tuple[str, ...]:
    names = tuple(default) if feature_names is None else tuple(str(name) for name in feature_names)
    if len(names) != width:
        raise ValueError(f"feature_names has {len(names)} names but X has {width} columns.")
    return names


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"X must have the shape (samples, features), neither of them 0, but has {shape}.")


def _is_frame(values: object) -> bool:
    pandas = sys.modules.get("pandas")  # whoever holds a data frame has imported it
    return pandas is not None and isinstance(values, pandas.DataFrame)


def _is_series(values: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, (pandas.Series, pandas.Index))
