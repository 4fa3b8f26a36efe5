"""Tables from CSV and Parquet files, and from data frames."""

import difflib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, FloatArray
from qiskit_qml_ext.datasets.columns import Column, column_from_text, number_format, stripped
from qiskit_qml_ext.datasets.dataset import MAX_GUESSED_CLASSES, Dataset, Task, build_dataset
from qiskit_qml_ext.datasets.decoding import read_text
from qiskit_qml_ext.datasets.frames import column_from_series, column_name, label_from_series
from qiskit_qml_ext.datasets.identifiers import (
    equal_steps,
    identifier_reason,
    named_like_identifier,
    unique_whole_numbers,
)
from qiskit_qml_ext.datasets.labels import label_from_text
from qiskit_qml_ext.datasets.separated import checked_separator, split_cells

if TYPE_CHECKING:
    import pandas as pd

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")
PARQUET_SUFFIXES = (".parquet", ".pq")
READABLE_SUFFIXES = (*TEXT_SUFFIXES, *PARQUET_SUFFIXES)


@dataclass(frozen=True)
class TextOptions:
    """How a file of text is written; None where that is found out.

    Attributes:
        separator: What stands between cells: one character, or ``"tab"``, ``"space"``, ….
        decimal: ``"."`` or ``","``.
        thousands: What stands between groups of digits.
        encoding: The encoding of the text.
        header: Whether the first line has the names of the columns.
    """

    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    header: bool | None = None

    def given(self) -> list[str]:
        """Return the names of those that were given."""
        return [name for name, value in vars(self).items() if value is not None]


@dataclass(frozen=True)
class Choice:
    """What of a table is used, and how it is understood.

    Attributes:
        label: The name of the label's column.
        task: What the label means; guessed if None.
        drop: Columns to leave out.
        keep: Columns to use although they look like an identifier.
        na_values: What marks a missing value, in features beside what usually does, in the label beside empty cells.
    """

    label: str | None
    task: Task | None
    drop: tuple[str, ...]
    keep: tuple[str, ...]
    na_values: frozenset[str]


def load_file(path: Path, choice: Choice, options: TextOptions) -> Dataset:
    """Load a table whose columns are numeric features and one label.

    Args:
        path: A file of text with a header line (``.csv``, ``.tsv``, ``.txt``, ``.data``, …; also compressed:
            ``.csv.gz``), or a ``.parquet`` file.
        choice: What of it is used.
        options: How the text is written.

    Raises:
        ValueError: If the file cannot be read, a column is not there, or a feature is not numeric.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder, but a CSV or Parquet file was expected.")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_parquet = any(suffix in PARQUET_SUFFIXES for suffix in suffixes)
    if not is_parquet and not any(suffix in TEXT_SUFFIXES for suffix in suffixes):
        raise ValueError(f"{path} is neither a .csv nor a .parquet file. Convert it to one of these.")
    name = path.name.split(".")[0] or path.name
    try:
        if is_parquet:
            refuse_text_options(options, f"{path.name}, a Parquet file")
            return load_frame(_read_parquet(path), choice, file_name=path.name, name=name)
        text, notes = read_text(path, options.encoding)
    except PermissionError:
        raise ValueError(f"{path} may not be read: permission denied.") from None
    return _from_text(text, notes, choice, options, file_name=path.name, name=name)


def refuse_text_options(options: TextOptions, what: str) -> None:
    """Refuse options about text for what is not read from text.

    Raises:
        ValueError: If one was given.
    """
    if given := options.given():
        raise ValueError(f"{given[0]} says how a file of text is written, but {what} is none. Leave it out.")


def load_frame(frame: "pd.DataFrame", choice: Choice, *, file_name: str, name: str) -> Dataset:
    """Make a data set of a data frame: its columns are numeric features and one label; its index is not used.

    Args:
        frame: The table.
        choice: What of it is used.
        file_name: What it is called in messages.
        name: A short name.

    Raises:
        ValueError: As :func:`load_file`.
    """
    if not len(frame):
        raise ValueError(f"{file_name} has a header but no rows.")
    names = [column_name(column) for column in frame.columns]
    label, features = chosen_columns(names, choice, file_name)
    values, remarks = label_from_series(names[label], frame.iloc[:, label], na_values=choice.na_values)
    columns = [column_from_series(names[i], frame.iloc[:, i], na_values=choice.na_values) for i in features]
    return assemble(columns, values, names[label], choice, file_name=file_name, name=name, notes=list(remarks))


def _read_parquet(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except PermissionError:
        raise
    except Exception as error:  # pandas and pyarrow raise many kinds for a damaged file
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"{path} could not be read as a table: {reason[0].rstrip('.')}.") from error


def _from_text(
    text: str, notes: list[str], choice: Choice, options: TextOptions, *, file_name: str, name: str
) -> Dataset:
    table = split_cells(
        text,
        file_name,
        separator=checked_separator(options.separator),
        header=options.header,
        label=choice.label,
    )
    notes = [*notes, *table.notes]
    label, features = chosen_columns(table.names, choice, file_name)
    cells = {place: stripped(table.columns[place]) for place in features}
    # Columns without a name and without a value come from separators at the end of each line.
    features = [i for i in features if any(cells[i]) or not table.names[i].startswith("Unnamed: ")]
    written = [(table.names[i], cells[i]) for i in features]
    label_cells = stripped(table.columns[label])
    if choice.task == "regression" or len(set(label_cells)) > MAX_GUESSED_CLASSES:
        written.append((table.names[label], label_cells))
    style, remarks = number_format(
        written, file_name, decimal=options.decimal, thousands=options.thousands, na_values=choice.na_values
    )

    def place(index: int) -> str:
        return f"row {index + 1:,}, line {table.lines[index]:,}"

    values, more = label_from_text(
        table.names[label], table.columns[label], style=style, na_values=choice.na_values, place=place
    )
    columns = [
        column_from_text(table.names[i], cells[i], style=style, na_values=choice.na_values, place=place)
        for i in features
    ]
    if len(table.names) == 1 or not columns:
        _refuse_lone_column(table.names, file_name, options)
    notes += [*remarks, *more]
    return assemble(columns, values, table.names[label], choice, file_name=file_name, name=name, notes=notes)


def _refuse_lone_column(names: Sequence[str], file_name: str, options: TextOptions) -> None:
    hint = "" if options.separator else " If there are more, name their separator with --separator."
    raise ValueError(
        f"{file_name} has no column besides the label {names[-1]!r}, so there is nothing to learn from.{hint}"
    )


def chosen_columns(names: Sequence[str], choice: Choice, file_name: str) -> tuple[int, list[int]]:
    """Return the place of the label and the places of the columns that are not dropped.

    Raises:
        ValueError: If a column that was named is not there or named twice, or names contradict each other.
    """
    hint = ""
    if len(names) == 1:
        hint = " If these are several columns, name their separator with --separator (separator=)."
    if choice.label is None:
        raise ValueError(
            f"Which column of {file_name} is the label? Name it with --label; there are: {_listed(names)}.{hint}"
        )
    found: dict[str, list[int]] = {}
    for wanted in (choice.label, *choice.drop, *choice.keep):
        places = [place for place, name in enumerate(names) if name == wanted]
        places = places or [place for place, name in enumerate(names) if name == wanted.strip()]
        if not places:
            near = difflib.get_close_matches(wanted.strip().lower(), [name.lower() for name in names], n=1, cutoff=0.8)
            meant = f" Did you mean {next(name for name in names if name.lower() == near[0])!r}?" if near else ""
            raise ValueError(f"{file_name} has no column {wanted!r}. Its columns are: {_listed(names)}.{meant}{hint}")
        found[wanted] = places
    dropped = {place for wanted in choice.drop for place in found[wanted]}
    if set(found[choice.label]) <= dropped:
        raise ValueError(f"The label {choice.label!r} cannot be dropped.")
    for wanted in choice.keep:
        if dropped & set(found[wanted]):
            raise ValueError(f"Column {wanted!r} cannot be both kept and dropped.")
        if set(found[wanted]) == set(found[choice.label]):
            raise ValueError(f"The label {wanted!r} is no feature: it cannot be named in --keep (keep=).")
    used = [place for place in range(len(names)) if place not in dropped]
    for place in used:
        if len(same := [other + 1 for other in used if names[other] == names[place]]) > 1:
            raise ValueError(
                f"{file_name} has {len(same)} columns called {names[place]!r} (numbers {', '.join(map(str, same))}). "
                "Give each a name of its own, or leave them out with --drop."
            )
    (label,) = found[choice.label]
    return label, [place for place in used if place != label]


def assemble(
    columns: Sequence[Column],
    labels: AnyArray,
    label_name: str,
    choice: Choice,
    *,
    file_name: str,
    name: str,
    notes: Sequence[str],
) -> Dataset:
    """Leave out identifiers, refuse what is not numeric, and build the data set.

    Args:
        columns: All columns but the label and those that were dropped.
        labels: The label, shape (num_samples,).
        label_name: Its name.
        choice: What was asked for.
        file_name: For messages.
        name: A short name.
        notes: What is known already.

    Raises:
        ValueError: If a column is not numeric or nothing is left.
    """
    if not columns:
        raise ValueError(
            f"{file_name} has no column besides the label {label_name!r}, so there is nothing to learn from."
        )
    features, remarks = _without_identifiers(columns, choice.keep)
    if not features:
        raise ValueError(
            f"{file_name} has no feature besides the label {label_name!r}: nothing to learn from. {remarks[0]}"
        )
    _check_usable(features, labels, file_name)
    remarks += [remark for column in features for remark in column.remarks]
    matrix = np.column_stack([cast(FloatArray, column.numbers) for column in features])
    for column, values in zip(features, matrix.T, strict=True):
        if np.nanmin(np.append(values, np.inf)) == np.nanmax(np.append(values, -np.inf)):
            remarks.append(f"Column {column.name!r} has the same value everywhere, so it tells nothing.")
        elif equal_steps(values) and not identifier_reason(column):
            remarks.append(
                f"Column {column.name!r} rises by the same step from row to row, like a time or a number of the row. "
                f"If it is one, leave it out with {_drop(column.name)}."
            )
    return build_dataset(
        matrix,
        labels,
        [column.name for column in features],
        task=choice.task,
        name=name,
        label_name=label_name,
        source=f"{file_name}, label {label_name!r}",
        notes=[*notes, *remarks],
    )


def _without_identifiers(columns: Sequence[Column], keep: Sequence[str]) -> tuple[list[Column], list[str]]:
    """Return the columns that are not identifiers, and a note on each that is."""
    kept = {name.strip() for name in keep}
    reasons = {c.name: reason for c in columns if c.name not in kept and (reason := identifier_reason(c))}
    wide, sure = unique_whole_numbers([column for column in columns if column.name not in kept])
    if sure:
        reasons |= {column.name: "every row has another whole number" for column in wide}
    left = [column for column in columns if column.name not in reasons]
    numeric = [column for column in columns if column.numbers is not None and not named_like_identifier(column.name)]
    if not left and numeric:  # what only looks like a count, by its numbers, may be an age
        names = _listed([column.name for column in numeric])
        dropped = [column for column in columns if column not in numeric]
        notes = [_left_out(column, reasons[column.name]) for column in dropped]
        return numeric, [
            *notes,
            f"Used although it may only number the rows, since there is no other feature: {names}.",
        ]
    notes = [_left_out(column, reasons[column.name]) for column in columns if column.name in reasons]
    if wide and not sure:
        names = _listed([column.name for column in wide])
        notes.append(f"Another whole number in every row: {names}. If that is an identifier, leave it out with --drop.")
    return left, notes


def _left_out(column: Column, reason: str) -> str:
    use = "To use it, write it as numbers"
    if column.numbers is not None:
        use = f"Use it with --keep {shlex.quote(column.name)}"
    return f"Column {column.name!r} is left out: {reason}. {use}."


def _check_usable(columns: Sequence[Column], labels: AnyArray, file_name: str) -> None:
    wrong = [column for column in columns if column.problem]
    if not wrong:
        return
    first = wrong[0]
    drops = " ".join(_drop(column.name) for column in wrong[:6]) + (" …" if len(wrong) > 6 else "")
    subject = f"olumn {first.name!r}"  # at the beginning of the sentence or within it
    problem = first.problem.replace(subject, f"{subject} of {file_name}", 1)
    if len(wrong) == 1 or any(column.kind != "text" or not column.remedy.startswith("Encode") for column in wrong):
        rest = f" (this concerns {len(wrong)} columns)" if len(wrong) > 1 else ""
        copy = " Each of its values goes with one label: it may be the label in other words." * _maps(first, labels)
        raise ValueError(f"{problem}{copy} {first.remedy}, or leave it out with {drops}{rest}.")
    example = problem[problem.index("(for example ") :].rstrip(".)")
    raise ValueError(
        f"The columns {_listed([column.name for column in wrong])} of {file_name} are not numeric {example} of "
        f"{first.name!r}). Encode them as numbers, or leave them out with {drops}."
    )


def _maps(column: Column, labels: AnyArray) -> bool:
    """Whether each value of a text column goes with one label only, and is there often enough for that to mean much."""
    pairs = {(cell, str(label)) for cell, label in zip(column.cells, labels.tolist(), strict=True) if cell is not None}
    values = {cell for cell, _ in pairs}
    return len(pairs) == len(values) and len(values) > 1 and 3 * len(values) <= len(labels)


def _drop(name: str) -> str:
    return f"--drop {shlex.quote(name)}"


def _listed(columns: Sequence[str], limit: int = 12) -> str:
    shown = ", ".join(repr(column) for column in columns[:limit])
    return shown + (f", … ({len(columns):,} in all)" if len(columns) > limit else "")
