"""Tables from CSV and Parquet files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qiskit_qml_ext.datasets.dataset import Dataset, Task

if TYPE_CHECKING:
    import pandas as pd

READABLE_SUFFIXES = (".csv", ".parquet")


def load_file(path: Path, *, label: str | None, task: Task | None, drop: Sequence[str] = ()) -> Dataset:
    """Load a table whose columns are numeric features and one label.

    Args:
        path: A ``.csv`` file (also compressed: ``.csv.gz``) with a header line, or a ``.parquet`` file.
        label: The name of the label's column.
        task: What the label means; guessed if not given.
        drop: Columns to leave out, for example an identifier.

    Raises:
        ValueError: If the file cannot be read, a column is not there, or a feature is not numeric.
    """
    table = _read(path)
    columns = [str(column) for column in table.columns]
    table.columns = columns
    if not len(table):
        raise ValueError(f"{path} has a header but no rows.")
    if label is None:
        raise ValueError(
            f"Which column of {path.name} is the label? Name it with --label; there are: {_listed(columns)}."
        )
    for column in (label, *drop):
        if column not in columns:
            raise ValueError(f"{path.name} has no column {column!r}. Its columns are: {_listed(columns)}.")
    if label in drop:
        raise ValueError(f"The label {label!r} cannot be dropped.")
    features = table.drop(columns=[label, *drop])
    if features.shape[1] == 0:
        raise ValueError(f"{path.name} has no column besides the label {label!r}, so there is nothing to learn from.")
    _check_numeric(features, path.name)
    return Dataset.from_arrays(
        features.to_numpy(dtype=np.float64, na_value=np.nan),
        _label_values(table[label]),
        task=task,
        name=path.name.split(".")[0] or path.name,
        feature_names=list(features.columns),
        label_name=label,
        source=f"{path.name}, label {label!r}",
    )


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if path.is_dir():
        raise ValueError(f"{path} is a folder, but a CSV or Parquet file was expected.")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if not any(suffix in suffixes for suffix in READABLE_SUFFIXES):
        raise ValueError(f"{path} is neither a .csv nor a .parquet file. Convert it to one of these.")
    try:
        if ".parquet" in suffixes:
            return pd.read_parquet(path)
        return pd.read_csv(path, skipinitialspace=True)
    except PermissionError:
        raise ValueError(f"{path} may not be read: permission denied.") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text. Save it as CSV with UTF-8 encoding.") from None
    except Exception as error:  # pandas and pyarrow raise many kinds for a damaged file
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"{path} could not be read as a table: {reason[0].rstrip('.')}.") from error


def _check_numeric(features: "pd.DataFrame", file_name: str) -> None:
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    wrong = [
        column
        for column in features.columns
        if not (is_numeric_dtype(features[column]) or is_bool_dtype(features[column]))
        or is_complex_dtype(features[column])
    ]
    wrong = [column for column in wrong if not features[column].isna().all()]
    if wrong:
        raise ValueError(_not_numeric(wrong, features, file_name))


def _not_numeric(wrong: Sequence[str], features: "pd.DataFrame", file_name: str) -> str:
    values = features[wrong[0]].dropna().tolist()
    example = str(next((value for value in values if not _is_number(value)), values[0]))
    drops = " ".join(f"--drop {column!r}" if " " in column else f"--drop {column}" for column in wrong[:3])
    if len(wrong) == 1:
        return (
            f"Column {wrong[0]!r} of {file_name} is not numeric (for example {example!r}). "
            f"Encode it as numbers, or leave it out with {drops}."
        )
    return (
        f"The columns {_listed([repr(c) for c in wrong])} of {file_name} are not numeric (for example {example!r} "
        f"in {wrong[0]!r}). Encode them as numbers, or leave them out with {drops}{' …' if len(wrong) > 3 else ''}."
    )


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _label_values(column: "pd.Series") -> np.ndarray:
    """Return the label as numbers where the column holds numbers, else as objects with None for missing values."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_numeric_dtype(column) and not is_bool_dtype(column):
        if column.isna().any():
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        return np.asarray(column.to_numpy())
    values = np.empty(len(column), dtype=object)
    values[:] = [None if missing else value for value, missing in zip(column, column.isna(), strict=True)]
    return values


def _listed(columns: Sequence[str], limit: int = 12) -> str:
    return ", ".join(columns[:limit]) + (f", … ({len(columns):,} in all)" if len(columns) > limit else "")
