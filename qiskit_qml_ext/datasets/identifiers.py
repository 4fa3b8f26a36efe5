"""Columns that name or count the rows, and columns that give the label away."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.datasets.columns import Column, looks_decorated

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|#")
_ID_WORDS = frozenset({"id", "ids", "uid", "uuid", "guid", "identifier", "identifiers"})
# Whole names, written together without signs, of indices and of those whom rows are about.
_ID_NAMES = frozenset(
    {"idx", "index", "index0", "level0", "indexlevel0", "row", "rownum", "rownumber", "rownames", "rowname", "rowno"}
    | {"rowindex", "recordnumber", "recordno", "samplenumber", "sampleno", "serialno", "serialnumber", "sno", "slno"}
    | {"srno", "subject", "subject#", "subjectno", "subjectnumber", "patient", "patientno", "patientnumber", "#"}
    | {"participant", "respondent"}
)
_JOINED_ID = re.compile(
    "(?:account|car|case|client|customer|device|employee|entry|house|image|item|loan|member|obs|order|participant"
    "|passenger|patient|person|policy|product|property|record|row|sample|session|student|subject|test|train"
    "|transaction|user)id"
)
_UNNAMED = re.compile(r"Unnamed: \d+(?:_level_\d+)?")

MIN_ROWS = 10  # with fewer rows, measured whole numbers can be distinct or in order by chance
# Distinct whole numbers in a range of R are by chance free of ties with a probability of about exp(-n(n-1)/2R): less
# than 1 % where five ties are expected. A few repeated rows do not make an identifier a measurement.
_EXPECTED_TIES = 5.0
_MOST_REPEATED = 0.05  # of the rows
_MIN_ROWS_WIDE_RANGE = 50  # a measurement of so many rows without one tie is rare, whatever its range
_MAX_WIDE_RANGE = 2  # a table has one or two identifiers; more such columns are counts
MAX_ROWS, MIN_PER_CLASS = 2000, 5
_MIN_TELLING = 24  # with 20 samples, 1 of 1,000 columns of noise separates two classes but for one sample
_NEARLY_ALL = 0.99


def identifier_reason(column: Column) -> str:
    """Say why a column looks like an identifier or an index of the rows; empty if it does not.

    Only text, dates and whole numbers can be one. Whole numbers are one if they are named so (two values excepted,
    which are a category), if they count the rows in any order, if they rise from row to row, or if so many values in
    their range would hardly be distinct by chance.
    """
    present = [cell for cell in column.cells if cell is not None]
    if not present or column.kind == "truth":
        return ""
    size = len(present)
    numbers = None if column.numbers is None else column.numbers[np.isfinite(column.numbers)]
    if numbers is not None and not np.array_equal(numbers, np.round(numbers)):
        return ""
    distinct = len(set(map(str, present)))  # as written: whole numbers beyond 2^53 may be equal as doubles
    is_category = distinct <= 2 and distinct < size
    if column.kind in ("text", "date"):
        if named_like_identifier(column.name) and not is_category:
            return "it is named like an identifier"
        unique = distinct == size and 2 * size >= len(column.cells) and size > 1
        what = "date" if column.kind == "date" else "text"
        return f"every row has another {what}" if unique and not _is_written_number(column) else ""
    if numbers is None or not numbers.size:
        return ""
    if named_like_identifier(column.name) and not is_category:
        return "it is named like an index or an identifier"
    if size < MIN_ROWS or 2 * size < len(column.cells):
        return ""
    return _count_reason(numbers, distinct)


def _count_reason(numbers: FloatArray, distinct: int) -> str:
    size = numbers.size
    steps, ties = np.diff(numbers), size - distinct
    if ties == 0 and np.all(steps == steps[0]):
        return "it counts the rows"
    if ties == 0 and np.ptp(numbers) == size - 1:
        return "it is a running number in another order"
    if ties == 0 and (np.all(steps > 0) or np.all(steps < 0)):
        return "its whole numbers rise or fall from row to row"
    expected = size * (size - 1) / (2 * (np.ptp(numbers) + 1))
    is_rare = ties <= _MOST_REPEATED * size and expected >= _EXPECTED_TIES + 10 * ties
    return "its whole numbers are hardly ever repeated" if is_rare else ""


def unique_whole_numbers(columns: Sequence[Column]) -> tuple[list[Column], bool]:
    """Return the columns with another whole number in every row, in a range so wide that this may be chance.

    Returns:
        The columns, and whether they are few enough, in a table long enough, to be taken for identifiers.
    """
    found = []
    for column in columns:
        if column.kind != "number" or column.numbers is None or len(column.cells) < MIN_ROWS:
            continue
        numbers = column.numbers
        is_whole = bool(np.isfinite(numbers).all()) and np.array_equal(numbers, np.round(numbers))
        if is_whole and np.unique(numbers).size == numbers.size and not identifier_reason(column):
            found.append(column)
    sure = 0 < len(found) <= _MAX_WIDE_RANGE and len(found[0].cells) >= _MIN_ROWS_WIDE_RANGE
    return found, sure


def named_like_identifier(name: str) -> bool:
    """Whether a name is that of an index or an identifier: ``Unnamed: 0``, ``PassengerId``, ``patient_id``, ``idx``."""
    name = name.strip()
    if not name or _UNNAMED.fullmatch(name):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    joined = "".join(words)
    return (
        joined in _ID_NAMES
        or _JOINED_ID.fullmatch(joined) is not None
        or bool(words and (words[-1] in _ID_WORDS or words[0] in _ID_WORDS))
    )


def _is_written_number(column: Column) -> bool:
    """Whether text is a measurement that only needs to be written otherwise, so that leaving it out would lose it."""
    return column.kind == "text" and (not column.remedy.startswith("Encode") or looks_decorated(column.cells))


def equal_steps(numbers: FloatArray) -> bool:
    """Whether numbers rise by the same step from row to row, like a time or a row number."""
    if numbers.size < 2 * MIN_ROWS or not np.isfinite(numbers).all():
        return False
    steps = np.diff(numbers)
    return bool(steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0.0))


def telling_columns(
    X: FloatArray,
    y: FloatArray | IntArray,
    task: Literal["classification", "regression"],
) -> list[int]:
    """Return which columns alone give nearly every label: a copy of it, or a record of what followed from it.

    For classes, a small decision tree on that column alone is right on at least 99 % of samples that it has not seen
    (5 folds; less the two samples beside each border between classes, at most one of 20), where each class has 5
    samples and there are 24. For a quantity, the ranks or the values are correlated by at least 0.9999. At most 2,000
    samples are looked at.

    Args:
        X: The features, shape (num_samples, num_features); a missing value counts as the smallest.
        y: The class numbers or the quantity, shape (num_samples,).
        task: What ``y`` means.
    """
    if len(y) > MAX_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(len(y), MAX_ROWS, replace=False))
        X, y = X[rows], y[rows]
    if task == "regression":
        return [place for place in range(X.shape[1]) if len(y) >= MIN_ROWS and _same_order(X[:, place], y)]
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    errors = max(int((1 - _NEARLY_ALL) * len(y)), min(2 * (classes.size - 1), len(y) // 20))
    if counts.min() < MIN_PER_CLASS or len(y) < _MIN_TELLING or len(y) - counts.max() <= errors:
        return []
    possible = [place for place in range(X.shape[1]) if _may_separate(X[:, place], codes, errors)]
    return [place for place in possible if _errors_of_tree(X[:, place], codes) <= errors]


def _leaves(num_classes: int) -> int:
    return max(8, 2 * num_classes)


def _may_separate(values: FloatArray, y: IndexArray, errors: int) -> bool:
    """Whether a tree of few leaves may be right on all samples but a few; it saves the search for one."""
    ranks = np.unique(np.nan_to_num(values, nan=-np.inf), return_inverse=True)[1]
    table = np.zeros((int(ranks.max()) + 1, int(y.max()) + 1), dtype=np.int64)
    np.add.at(table, (ranks, y), 1)
    if len(y) - table.max(axis=1).sum() > errors:  # no function of the column is right
        return False
    # Leaves follow each other in the order of the column, and an error makes two changes of the class more.
    changes = np.count_nonzero(np.diff(y[np.lexsort((y, ranks))]))
    return bool(changes <= _leaves(table.shape[1]) - 1 + 2 * errors)


def _errors_of_tree(values: FloatArray, y: IndexArray) -> int:
    """Return on how many samples a small tree, fitted without their fold, is wrong."""
    from sklearn.model_selection import StratifiedKFold
    from sklearn.tree import DecisionTreeClassifier

    low, high = np.nanmin(values), np.nanmax(values)  # trees compute in single precision
    scaled = np.nan_to_num((values - low) / (high - low or 1.0), nan=-1.0).reshape(-1, 1)
    wrong = 0
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(scaled, y):
        tree = DecisionTreeClassifier(max_leaf_nodes=_leaves(int(y.max()) + 1), random_state=0)
        wrong += int(np.count_nonzero(tree.fit(scaled[train], y[train]).predict(scaled[test]) != y[test]))
    return wrong


def _same_order(values: FloatArray, y: FloatArray | IntArray) -> bool:
    from scipy.stats import rankdata

    if not np.isfinite(values).all() or np.ptp(values) == 0 or np.ptp(y) == 0:
        return False
    pairs = ((values / np.abs(values).max(), y / np.abs(y).max()), (rankdata(values), rankdata(y)))
    return any(abs(float(np.corrcoef(a, b)[0, 1])) >= 0.9999 for a, b in pairs)
