"""Columns of pandas, whatever their type: nullable, Arrow, categories, dates, objects."""

import numbers
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.datasets.columns import Column, NumberFormat, checked, column_from_text, is_marked, row_of
from qiskit_qml_ext.datasets.labels import label_from_text

if TYPE_CHECKING:
    import pandas as pd


def column_from_series(name: str, series: "pd.Series", *, na_values: frozenset[str] = frozenset()) -> Column:
    """Read a column of a data frame.

    Args:
        name: The name of the column.
        series: The column.
        na_values: What marks a missing value beside those of pandas.
    """
    import pandas as pd
    from pandas.api import types

    remarks: list[str] = []
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = pd.Series(series.to_numpy(dtype=object))
    if isinstance(series.dtype, pd.SparseDtype):
        series = pd.Series(np.asarray(series))
    if types.is_complex_dtype(series):
        cell = series.to_numpy()[0]
        problem = f"Column {name!r} has complex numbers (for example {cell})."
        return Column(name, "text", [str(cell) for cell in series], None, problem, "Use real and imaginary parts")
    if types.is_bool_dtype(series) and series.dtype != object:
        return checked(name, "truth", _cells(series), _floats(series), remarks)
    if types.is_numeric_dtype(series):
        cells, values = _cells(series), _floats(series)
        if na_values:
            cells = [None if is_marked(cell, na_values) else cell for cell in cells]
            values[[cell is None for cell in cells]] = np.nan
        return checked(name, "number", cells, values, remarks)
    cells = [None if is_marked(cell, na_values) else cell for cell in _cells(series)]
    return _from_objects(name, cells, na_values)


def _from_objects(name: str, cells: list[object], na_values: frozenset[str]) -> Column:
    present = [cell for cell in cells if cell is not None]
    if all(isinstance(cell, (bool, np.bool_)) for cell in present) and present:
        return checked(name, "truth", cells, _values(cells), [])
    if all(is_real(cell) for cell in present):
        return checked(name, "number", cells, _values(cells), [])
    if all(isinstance(cell, str) or is_real(cell) for cell in present):
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
        column = column_from_text(name, texts, style=NumberFormat(), na_values=na_values)
        if column.kind == "number" and present:
            remark = f"Column {name!r} holds text such as {present[0]!r}: it is read as numbers."
            return Column(name, "number", column.cells, column.numbers, column.problem, column.remedy, (remark,))
        return column
    example = present[0]
    if is_date(example):
        problem = f"Column {name!r} holds dates or times (for example {str(example)!r}), which are not numbers."
        remedy = "Replace them by numbers, such as days since the first"
        return Column(name, "date", cells, None, problem, remedy)
    odd = next(place for place, cell in enumerate(cells) if cell is not None and not is_real(cell))
    problem = f"Column {name!r} is not numeric (for example {str(cells[odd])!r} in {row_of(odd)})."
    return Column(name, "text", [None if c is None else str(c) for c in cells], None, problem, "Encode it as numbers")


def label_from_series(
    name: str, series: "pd.Series", *, na_values: frozenset[str] = frozenset()
) -> tuple[AnyArray, tuple[str, ...]]:
    """Read a label from a column of a data frame: numbers if it holds numbers, else objects with None where missing.

    Returns:
        The values, and notes for the reader.

    Raises:
        ValueError: If the label holds dates.
    """
    from pandas.api import types

    cells = [None if is_marked(cell, na_values) else cell for cell in _cells(series)]
    present = [cell for cell in cells if cell is not None]
    if any(is_date(cell) for cell in present):
        raise ValueError(
            f"The label {name!r} holds dates or times (for example {str(present[0])!r}). Replace them by numbers or "
            "by names of classes."
        )
    if any(isinstance(cell, complex) for cell in present):
        raise ValueError(f"The label {name!r} has complex numbers, but a label is real or a class.")
    if all(isinstance(cell, str) for cell in present):
        texts = cast(Sequence[str | None], cells)
        return label_from_text(name, texts, style=NumberFormat(), na_values=na_values)
    if all(is_real(cell) and not isinstance(cell, (bool, np.bool_)) for cell in present):
        whole = types.is_integer_dtype(series) and len(present) == len(cells)
        return (series.to_numpy(dtype=np.int64) if whole and _fits(present) else _values(cells)), ()
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    return values, ()


def column_name(column: object) -> str:
    """Return the name of a column of a data frame as text; the levels of a nested one with blanks between them."""
    return (" ".join(map(str, column)) if isinstance(column, tuple) else str(column)).strip()


def is_real(cell: object) -> bool:
    """Whether a value is a real number (a truth value counts)."""
    return isinstance(cell, (numbers.Real, Decimal, Fraction, np.bool_))


def is_date(cell: object) -> bool:
    """Whether a value is a date, a time, or a span of time."""
    import datetime

    kinds = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
    return isinstance(cell, kinds) or type(cell).__name__ == "Period"


def _fits(present: Sequence[object]) -> bool:
    return all(-(2**63) <= int(cast(int, cell)) < 2**63 for cell in present)


def _cells(series: "pd.Series") -> list[object]:
    """Return the values, None for missing ones; bytes, as ARFF files give them, as text."""
    cells = [None if gone else cell for cell, gone in zip(series.tolist(), series.isna().tolist(), strict=True)]
    return [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell for cell in cells]


def _floats(series: "pd.Series") -> FloatArray:
    return np.array(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _values(cells: Sequence[object]) -> FloatArray:
    """Return objects that are numbers as doubles; one beyond their range becomes infinite."""
    values = np.full(len(cells), np.nan)
    for place, cell in enumerate(cells):
        if cell is not None:
            try:
                values[place] = float(cast(float, cell))
            except OverflowError:
                values[place] = np.inf if cast(int, cell) > 0 else -np.inf
    return values
