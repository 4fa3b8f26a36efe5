"""A column as it was read: numbers where it holds numbers, and what to say about it where it does not."""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from qiskit_qml_ext.arrays import FloatArray

Kind = Literal["number", "truth", "text", "date"]

# What tables write for a missing number: pandas' list, R's NA, "?" of the UCI repository, "." of SAS and Stata.
MISSING_MARKERS = frozenset(
    {"", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "1.#ind", "1.#qnan", "-nan", "+nan", "nan", "<na>", "n/a"}
    | {"na", "null", "none", "nil", "missing", "?", ".", "-", "--", "nat"}
)
_DATE = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|\d{4}-\d{2}"
    r"|\d{1,2}[- ][a-z]{3,9}\.?,?[- ]\d{2,4}|[a-z]{3,9}\.? \d{1,2},? \d{4})(?:[t ,].*\d.*)?|\d{1,2}:\d{2}(?::\d{2}.*)?",
    re.ASCII | re.IGNORECASE,
)
_DECORATED = re.compile(r"[^\w\d]{0,3}[+-]?\d[\d.,' ]*(?:[eE][+-]?\d+)?\s?(?:[^\W\d]{0,6}|[^\w\s]{1,3})(?:/[^\W\d]+)?")
_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)  # 1,234: thousands, or a decimal comma
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:([,.'’_ \u00a0\u202f])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d*)?")

Place = Callable[[int], str]


def row_of(index: int) -> str:
    """Say which row it is, counted from 1."""
    return f"row {index + 1:,}"


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        kind: ``"number"``, ``"truth"`` (numbers 0 and 1), ``"text"`` or ``"date"``.
        cells: The values as written; None where one is missing.
        numbers: The values as numbers, NaN where one is missing; None for text and dates.
        problem: Why it cannot be a feature, a sentence; empty if it can.
        remedy: What to do about that, beside leaving the column out.
        remarks: What a reader should know if it becomes a feature.
    """

    name: str
    kind: Kind
    cells: Sequence[object]
    numbers: FloatArray | None = None
    problem: str = ""
    remedy: str = ""
    remarks: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    Attributes:
        decimal: ``"."`` or ``","``.
        thousands: What stands between groups of three digits, one character; None for nothing.
    """

    decimal: str = "."
    thousands: str | None = None

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise ValueError(f"decimal must be '.' or ',', but {self.decimal!r} came.")
        if self.thousands is None:
            return
        if (
            not isinstance(self.thousands, str)
            or len(self.thousands) != 1
            or self.thousands not in ".,' _\u00a0\u202f’"
        ):
            raise ValueError(f'thousands must be one of ". , \' _" or a blank, but {self.thousands!r} came.')
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands must differ, but both are {self.decimal!r}.")

    def numbers(self, cells: Sequence[str]) -> list[float] | None:
        """Return the cells as numbers, or None if one of them is not written as a number."""
        fits = self._pattern().fullmatch
        if not all(map(fits, cells)):
            return None
        if self.thousands is not None:
            cells = [cell.replace(self.thousands, "") for cell in cells]
        if self.decimal != ".":
            cells = [cell.replace(self.decimal, ".") for cell in cells]
        return [float(cell.replace("\u2212", "-")) for cell in cells]

    def _pattern(self) -> re.Pattern[str]:
        point = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands is not None:
            whole = rf"(?:\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+|\d+)"
        sign = "[+\\-\u2212]?"
        return re.compile(
            rf"{sign}(?:{whole}(?:{point}\d*)?|{point}\d+)(?:e{sign}\d+)?|{sign}inf(?:inity)?", re.ASCII | re.IGNORECASE
        )


def stripped(cells: Sequence[str]) -> list[str]:
    """Return the cells without blanks around them."""
    return [cell.strip() for cell in cells]


def is_marked(cell: object, na_values: frozenset[str]) -> bool:
    """Whether a value is one of those that the user named as missing: as text, or as the same number."""
    if not na_values:
        return False
    text = str(cell).strip()
    if text in na_values:
        return True
    try:
        number = float(text)
        return any(number == float(value) for value in na_values if _PLAIN.fullmatch(value))
    except ValueError:
        return False


_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def number_format(
    columns: Sequence[tuple[str, Sequence[str]]],
    file_name: str,
    *,
    decimal: str | None,
    thousands: str | None,
    na_values: frozenset[str],
) -> tuple[NumberFormat, tuple[str, ...]]:
    """Find out whether a table has decimal points or decimal commas.

    Args:
        columns: The names and stripped cells of the columns that will be used.
        file_name: For messages.
        decimal: ``"."`` or ``","`` if it is known.
        thousands: What stands between groups of digits if it is known.
        na_values: What marks a missing value beside the usual.

    Returns:
        How numbers are written, and notes for the reader.

    Raises:
        ValueError: If the table could be read in two ways.
    """
    if decimal is not None or thousands == ",":
        return NumberFormat(decimal or ".", thousands), ()
    if thousands == ".":
        return NumberFormat(",", thousands), ()
    point, comma = NumberFormat(".", thousands), NumberFormat(",", thousands)
    if not any("," in cell for _, cells in columns for cell in cells):
        return point, ()
    with_point, with_comma, unclear = "", "", ""
    for name, cells in columns:
        if not any("," in cell or "." in cell for cell in cells):
            continue
        present = _present(cells, na_values)
        if point.numbers(present) is not None:
            with_point = with_point or (name if any("." in cell for cell in present) else "")
        elif comma.numbers(present) is not None:
            if any("," in cell and not _GROUPS.fullmatch(cell) for cell in present):
                with_comma = with_comma or name
            else:
                unclear = unclear or name
    if with_comma and with_point:
        raise ValueError(
            f"{file_name} has decimal commas in column {with_comma!r} and decimal points in column {with_point!r}. Say "
            "with --decimal (decimal=) and --thousands (thousands=) how numbers are written, or drop one of the two."
        )
    if with_comma:
        return comma, (f"{file_name} has decimal commas.",)
    if unclear:
        cell = next(cell for cell in dict(columns)[unclear] if _GROUPS.fullmatch(cell))
        raise ValueError(
            f"Column {unclear!r} of {file_name} may have decimal commas or groups of thousands (for example {cell!r}). "
            "Say --decimal , or --thousands , (decimal=',' or thousands=',')."
        )
    return point, ()


def _present(cells: Sequence[str], na_values: frozenset[str]) -> list[str]:
    return [cell for cell in cells if cell.lower() not in MISSING_MARKERS and not is_marked(cell, na_values)]


def column_from_text(
    name: str,
    cells: Sequence[str],
    *,
    style: NumberFormat,
    na_values: frozenset[str] = frozenset(),
    place: Place = row_of,
) -> Column:
    """Read a column of text: numbers, percentages, truth values, dates or words.

    Args:
        name: The name of the column.
        cells: Its cells without blanks around them.
        style: How numbers are written.
        na_values: What marks a missing value beside :data:`MISSING_MARKERS`.
        place: Says which row an index is.
    """
    if not na_values and style == NumberFormat() and (plain := _plain_numbers(cells)) is not None:
        return checked(name, "number", cells, plain, [], place)
    missing = np.array([c.lower() in MISSING_MARKERS or is_marked(c, na_values) for c in cells], dtype=bool)
    present = [cell for cell, gone in zip(cells, missing.tolist(), strict=True) if not gone]
    kept = [None if gone else cell for cell, gone in zip(cells, missing.tolist(), strict=True)]
    marks = Counter(cell for cell, gone in zip(cells, missing.tolist(), strict=True) if gone and cell)
    remarks = [
        f"{mark!r} is read as a missing value in column {name!r} ({'once' if number == 1 else f'{number:,} times'})."
        for mark, number in marks.items()
    ]
    values, kind = style.numbers(present), "number"
    if values is None and all(cell.lower() in ("true", "false") for cell in present):
        values, kind = [float(cell.lower() == "true") for cell in present], "truth"
        remarks.append(f"Column {name!r} has the truth values {present[0]!r}, …: they are read as 1 and 0.")
    if values is None and all(cell.endswith("%") for cell in present):
        values = style.numbers([cell[:-1].rstrip() for cell in present])
        if values is not None:
            remarks.append(f"Column {name!r} is in percent: {present[0]!r} is read as {values[0]:g}.")
    if values is None:
        return _not_numbers(name, kept, present, style, place)
    numbers = np.full(len(cells), np.nan)
    numbers[~missing] = values
    return checked(name, kind, kept, numbers, remarks, place)  # type: ignore[arg-type]


def _plain_numbers(cells: Sequence[str]) -> FloatArray | None:
    """Return cells that are all finite numbers with decimal points, quickly; None if they are anything else."""
    joined = "".join(cells)
    if not joined.isascii() or "_" in joined:  # Python reads 1_000 and digits of other scripts
        return None
    try:
        numbers = np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))
    except ValueError:
        return None
    return numbers if bool(np.isfinite(numbers).all()) else None


def checked(
    name: str,
    kind: Kind,
    cells: Sequence[object],
    numbers: FloatArray,
    remarks: Sequence[str],
    place: Place = row_of,
) -> Column:
    """Return a column of numbers, with what is wrong with them: infinite, or beyond what a double can hold."""
    remarks = [*remarks]
    problem = remedy = ""
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        cell = str(cells[infinite[0]]).strip()
        cell = cell if len(cell) <= 30 else f"{cell[:20]}…"
        if any(character.isdigit() for character in cell):
            problem = f"Column {name!r} has {cell} in {place(int(infinite[0]))}, beyond the largest double (1.8e308)."
            remedy = "Rescale the column, for example by its logarithm"
        else:
            problem = f"Infinite values in column {name!r} ({cell} in {place(int(infinite[0]))})."
            remedy = "Replace them by numbers or leave the values empty"
    elif np.isfinite(numbers).any():
        problem, remedy = scale_problem(name, numbers)
        remarks += filter(None, (_inexact(name, cells, numbers), _stand_in(name, numbers)))
    return Column(name, kind, cells, numbers, problem, remedy, tuple(remarks))


# Squares of larger numbers, and of smaller differences, leave the range of a double (1.8e308 and 2.2e-308).
_LARGEST, _SMALLEST = 1e150, 1e-150


def scale_problem(name: str, numbers: FloatArray) -> tuple[str, str]:
    """Say why a column cannot be standardised in double precision, and what to do; empty if it can."""
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    largest = max(abs(low), abs(high))
    if largest > _LARGEST:
        value = low if abs(low) == largest else high
        return (
            f"Column {name!r} reaches {value:g}, whose square is beyond the largest double (1.8e308).",
            "Rescale the column, for example by its logarithm",
        )
    if 0 < high - low < _SMALLEST:
        return (
            f"The values of column {name!r} differ by {high - low:.3g} only, whose square is below the smallest "
            "double (2.2e-308), so that they would count as equal.",
            "Rescale the column",
        )
    # Standardisation takes a column as constant where rounding of its mean could make up its spread.
    present = numbers[np.isfinite(numbers)]
    if 0 < float(np.std(present - present[0])) <= present.size * np.finfo(np.float64).eps * largest:
        return (
            f"The values of column {name!r} differ by {high - low:.3g} only at a size of {largest:.3g}, less than "
            "double precision keeps apart.",
            "Subtract a constant from the column",
        )
    return "", ""


def _inexact(name: str, cells: Sequence[object], numbers: FloatArray) -> str:
    """Say that whole numbers beyond 2⁵³ are rounded, if some are."""
    for index in np.flatnonzero(np.abs(numbers) >= 2.0**53).tolist():
        cell = cells[index]
        digits = cell.strip() if isinstance(cell, str) else cell
        if isinstance(digits, str) and not digits.lstrip("+-").isdecimal():
            continue
        try:
            exact = int(digits)  # type: ignore[call-overload]
        except (TypeError, ValueError, OverflowError):
            continue
        if int(numbers[index]) != exact:
            return (
                f"Column {name!r} has whole numbers beyond 2^53, which double precision rounds: {exact} to "
                f"{int(numbers[index])}."
            )
    return ""


def _stand_in(name: str, numbers: FloatArray) -> str:
    """Say that a number may stand for missing values, such as -999: repeated, and unlike all others of the column.

    It is the only negative one, at most -9; or it is farther from the others than these are from each other.
    """
    values, counts = np.unique_counts(numbers[np.isfinite(numbers)])
    if values.size < 10:
        return ""
    for end, rest in ((0, values[1:]), (-1, values[:-1])):
        gap = abs(values[end] - rest[end])
        alone = end == 0 and values[0] <= -9 and rest[0] >= 0
        if counts[end] >= 3 and values[end] == round(values[end]) and (alone or gap > np.ptp(rest)):
            return (
                f"Column {name!r} has the number {values[end]:g} {counts[end]:,} times, far from its others: if it "
                f"marks a missing value, say --na-values={values[end]:g}."
            )
    return ""


def _not_numbers(
    name: str, cells: Sequence[str | None], present: Sequence[str], style: NumberFormat, place: Place
) -> Column:
    if all(_DATE.fullmatch(cell) for cell in present):
        problem = f"Column {name!r} holds dates or times (for example {present[0]!r}), which are not numbers."
        return Column(name, "date", cells, None, problem, "Replace them by numbers, such as days since the first")
    numeric = [style.numbers([cell]) is not None for cell in present]
    odd = next(cell for cell, is_number in zip(present, numeric, strict=True) if not is_number)
    where = f" in {place(cells.index(odd))}" if any(numeric) else ""
    problem = f"Column {name!r} is not numeric (for example {odd!r}{where})."
    remedy = "Encode it as numbers"
    if NumberFormat("." if style.decimal == "," else ",").numbers(present) is not None:
        remedy = "Say how numbers are written with --decimal (decimal=)"
    elif style.thousands is None and (mark := _grouping(odd)):
        remedy = f"If {mark!r} groups the digits, say --thousands {mark!r} (thousands={mark!r})"
    elif any(numeric):
        others = len({cell for cell, is_number in zip(present, numeric, strict=True) if not is_number})
        if others <= max(1, sum(numeric) // 10):
            remedy = f"Correct it, or say --na-values {shlex.quote(odd)} (na_values=) if it marks a missing value"
        elif 2 * sum(numeric) >= len(numeric):
            remedy = f"Correct the {len(numeric) - sum(numeric):,} values that are not numbers"
    elif all(_DECORATED.fullmatch(cell) for cell in present):
        remedy = "Write numbers without units or other signs"
    return Column(name, "text", cells, None, problem, remedy)


def _grouping(cell: str) -> str:
    """Return what groups the digits of a number by three, if something does."""
    match = _GROUPED.fullmatch(cell)
    return match[1] if match else ""


def looks_decorated(cells: Sequence[object]) -> bool:
    """Whether text looks like measurements with a unit, a currency or groups of digits: ``$1,200``, ``12 kg``."""
    return all(_DECORATED.fullmatch(str(cell)) for cell in cells if cell is not None)
