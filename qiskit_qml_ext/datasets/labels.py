"""The label as it was written: names of classes, or numbers."""

import re
import shlex
from collections import Counter
from collections.abc import Sequence

import numpy as np

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.datasets.columns import MISSING_MARKERS, NumberFormat, Place, is_marked, row_of

_LEADING_ZERO = re.compile(r"[+-]?0\d+")  # a code such as 007, which is not the number 7


def label_from_text(
    name: str,
    raw: Sequence[str | None],
    *,
    style: NumberFormat,
    na_values: frozenset[str] = frozenset(),
    place: Place = row_of,
) -> tuple[AnyArray, tuple[str, ...]]:
    """Read a label from text.

    Only empty cells and ``na_values`` are missing: "None" and "NA" are names of classes. Blanks around a name are not
    part of it.

    Args:
        name: What the label is called.
        raw: The cells as written; None where one is missing.
        style: How numbers are written.
        na_values: What marks a missing value.
        place: Says which row an index is.

    Returns:
        Numbers if all are, else objects with None for missing values; and notes for the reader.

    Raises:
        ValueError: If numbers are mixed with a text that usually marks a missing value.
    """
    cells = [None if cell is None else cell.strip() for cell in raw]
    cells = [None if not cell or is_marked(cell, na_values) else cell for cell in cells]
    present = [cell for cell in cells if cell is not None]
    numbers = None if any(map(_LEADING_ZERO.fullmatch, present)) else style.numbers(present)
    if numbers is not None:
        return _with_gaps(cells, numbers), ()
    if all(cell.lower() in ("true", "false") for cell in present):
        numbers_or_none = [None if cell is None else cell.lower() == "true" for cell in cells]
        return _objects(numbers_or_none), ()
    marks = Counter(cell for cell in present if cell.lower() in MISSING_MARKERS)
    others = [cell for cell in present if cell not in marks]
    if marks and others and style.numbers(others) is not None:
        mark = next(iter(marks))
        raise ValueError(
            f"The label {name!r} has numbers and {mark!r} ({place(cells.index(mark))}). If {mark!r} marks a missing "
            f"value, say --na-values {shlex.quote(mark)} (na_values=), and remove these rows or fill in the label."
        )
    notes = [
        f"{mark!r} is a class of the label {name!r}, as written ({number:,} samples); if it marks a missing value, say "
        f"--na-values {shlex.quote(mark)}."
        for mark, number in marks.items()
    ]
    if padded := next((cell for cell in raw if cell is not None and cell != cell.rstrip() and cell.strip()), None):
        notes.append(f"Blanks around the label are not part of it: {padded!r} is read as {padded.strip()!r}.")
    return _objects(cells), (*notes, *look_alikes(name, present))


def look_alikes(name: str, classes: Sequence[object]) -> list[str]:
    """Name classes that differ only in capitals or blanks."""
    first: dict[str, str] = {}
    notes = []
    for text in dict.fromkeys(str(value) for value in classes):
        plain = " ".join(text.split()).casefold()
        if plain in first:
            notes.append(
                f"The label {name!r} has the classes {first[plain]!r} and {text!r}, which differ in capitals or blanks "
                "only: they are taken as two classes."
            )
        first.setdefault(plain, text)
    return notes


def _with_gaps(cells: Sequence[str | None], numbers: Sequence[float]) -> AnyArray:
    values = np.full(len(cells), np.nan)
    values[[place for place, cell in enumerate(cells) if cell is not None]] = numbers
    return values


def _objects(values: Sequence[object]) -> AnyArray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
