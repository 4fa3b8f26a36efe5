"""From text to a rectangle of cells: the separator, the header, and rows that do not fit."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WHITESPACE = " "
_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " ", "whitespace": " "}
_CANDIDATES = (",", ";", "\t", "|")
_SAMPLE = 1 << 16  # characters looked at to find the separator
_DECLARED = re.compile(r"\"?sep=(.)\"?[ \t]*(?:\r\n|\n|\r)", re.IGNORECASE)  # Excel's first line
_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)

Record = tuple[int, list[str]]


@dataclass(frozen=True)
class CellTable:
    """A rectangle of text."""

    names: tuple[str, ...]
    """The names of the columns, without blanks around them; columns without a name are ``Unnamed: 0``, … as in
    pandas."""
    columns: tuple[list[str], ...]
    """The cells of each column as written."""
    lines: tuple[int, ...]
    """The line of the file where each row begins."""
    separator: str
    """What stands between the cells."""
    notes: tuple[str, ...]
    """What a reader should know."""


def checked_separator(separator: str | None) -> str | None:
    """Return the character that a separator's name stands for.

    Raises:
        ValueError: If it is not one character that can separate.
    """
    if separator is None:
        return None
    character = _WORDS.get(separator.lower(), separator) if isinstance(separator, str) else ""
    if len(character) != 1 or character.isalnum() or character in '"\r\n.+-':
        raise ValueError(
            f"separator must be one character such as ',' ';' '|', or 'tab' or 'space', but {separator!r} came."
        )
    return character


def split_cells(
    text: str, file_name: str, *, separator: str | None, header: bool | None, label: str | None
) -> CellTable:
    """Divide text into named columns of cells.

    Args:
        text: The whole text.
        file_name: For messages.
        separator: What stands between cells, one character; a blank stands for any run of blanks and tabs. Found from
            the first lines if None.
        header: Whether the first line has the names of the columns; if None it must, and a line that looks like data is
            refused. Without a header the columns are called ``1``, ``2``, …
        label: The column that is asked for, which helps to decide.

    Raises:
        ValueError: If there are no rows, rows have different numbers of cells, or it is not clear what separates them.
    """
    notes: list[str] = []
    skipped = 0
    if declared := _DECLARED.match(text):
        separator = separator or declared[1]
        text, skipped = text[declared.end() :], 1
    comments, text = _leading_comments(text)
    skipped += len(comments)
    if separator is None:
        separator = _detected(text, file_name, label)
        if separator != "," and not (separator == "\t" and ".csv" not in file_name.lower()):
            notes.append(f"The columns of {file_name} are separated by {named(separator)}.")
    records = [(line + skipped, cells) for line, cells in _records(text, separator, file_name)]
    if comments and (from_comment := _header_in_comment(comments[-1], separator, records, header)):
        records.insert(0, (skipped, from_comment))
        comments.pop()
    if comments:
        notes.append(f"{len(comments)} comment lines at the beginning of {file_name} are left out.")
    records, empty = _without_empty_rows(records)
    if empty:
        notes.append(f"{empty:,} rows of {file_name} without any value are left out.")
    if not records:
        raise ValueError(f"{file_name} has no rows.")
    names, records = _with_names(records, file_name, header, label)
    if not records:
        raise ValueError(f"{file_name} has a header but no rows.")
    full_names = _rectangular(names, records, file_name, separator, notes)
    columns = tuple(list(column) for column in zip(*(cells for _, cells in records), strict=True))
    return CellTable(full_names, columns, tuple(line for line, _ in records), separator, tuple(notes))


def named(separator: str) -> str:
    """Write a separator for people."""
    return {"\t": "tabs", WHITESPACE: "blanks"}.get(separator, repr(separator))


def _leading_comments(text: str) -> tuple[list[str], str]:
    """Take the lines that begin with ``#`` off the beginning; ``#,Name,…`` is a header that begins with a name."""
    comments, start = [], 0
    while match := re.compile(r"#(?!\s*[,;|\t])[^\r\n]*(?:\r\n|\n|\r|$)").match(text, start):
        comments.append(match[0].strip())
        start = match.end()
        if start >= len(text):
            break
    return comments, text[start:]


def _header_in_comment(
    comment: str, separator: str, records: Sequence[Record], header: bool | None
) -> list[str] | None:
    """Return the names in a line such as ``# a,b,c`` above rows of numbers, as numpy writes them."""
    names = next(csv.reader([comment.lstrip("# ")], delimiter=separator, skipinitialspace=True), [])
    if header is False or not records or len(names) != len(records[0][1]) or len(names) < 2:
        return None
    return names if header or any(_NUMBER.fullmatch(cell.strip()) for cell in records[0][1]) else None


def _records(text: str, separator: str, file_name: str, *, lenient: bool = False) -> Iterator[Record]:
    """Yield the line where each record begins, and its cells; blank lines are passed over."""
    lines = io.StringIO(text, newline="")
    source = (line.replace("\t", " ").strip() for line in lines) if separator == WHITESPACE else lines
    reader = csv.reader(source, delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells and cells != [""]:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        if lenient:
            return
        raise ValueError(
            f"{file_name} has a quotation mark that is not closed, or text after a closing one, in the row that begins "
            f"in line {line} ({error}). A quotation mark inside of a quoted text is written twice."
        ) from None


def _detected(text: str, file_name: str, label: str | None) -> str:
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    shares: dict[str, tuple[float, int]] = {}
    headers: dict[str, list[str]] = {}
    below_a_title = ""
    for candidate in (*_CANDIDATES, WHITESPACE):
        records = [cells for _, cells in _records(sample, candidate, file_name, lenient=True)]
        width = len(records[0]) if records else 0
        counts = Counter(len(cells) for cells in records[1:] or records)
        if width < 2:
            if candidate != WHITESPACE and counts and counts.most_common(1)[0][0] > 1:
                below_a_title = below_a_title or candidate
            continue
        # Row names without a name of their own make the rows one cell longer than the header.
        fitting = max(counts[width], counts[width + 1])
        shares[candidate] = (fitting / counts.total(), width)
        headers[candidate] = [cell.strip() for cell in records[0]]
    # Blanks separate only if nothing else does, and all rows agree.
    if WHITESPACE in shares and (len(shares) > 1 or below_a_title or shares[WHITESPACE][0] < 1.0):
        shares.pop(WHITESPACE)
    if not shares:
        return below_a_title or ","
    perfect = [candidate for candidate, (share, _) in shares.items() if share == 1.0]
    if len(perfect) > 1 and label is not None:
        perfect = [candidate for candidate in perfect if label.strip() in headers[candidate]] or perfect
    if len(perfect) > 1:
        choices = " or ".join(named(candidate) for candidate in perfect)
        raise ValueError(f"The columns of {file_name} may be separated by {choices}. Say which with --separator.")
    return perfect[0] if perfect else max(shares, key=lambda candidate: shares[candidate])


def _without_empty_rows(records: list[Record]) -> tuple[list[Record], int]:
    kept = [record for record in records if any(cell.strip() for cell in record[1])]
    return kept, len(records) - len(kept)


def _with_names(
    records: list[Record], file_name: str, header: bool | None, label: str | None
) -> tuple[list[str], list[Record]]:
    first = [re.sub(r"\s*[\r\n]\s*", " ", cell.strip()) for cell in records[0][1]]
    if header is False:
        return [str(number + 1) for number in range(len(first))], records
    if header is None and _looks_like_data(first, label):
        shown = ", ".join(repr(cell) for cell in first[:4]) + (", …" if len(first) > 4 else "")
        raise ValueError(
            f"The first line of {file_name} looks like data ({shown}), not like names of columns. If there is no "
            f"header, say --no-header (header=False) and name columns by their number, for example --label "
            f"{len(first)}; if these are the names, say --header (header=True)."
        )
    return first, records[1:]


def _looks_like_data(cells: Sequence[str], label: str | None) -> bool:
    if label is not None and label.strip() in cells and not _NUMBER.fullmatch(label.strip()):
        return False
    named_ = [cell for cell in cells if cell]
    numeric = [cell for cell in named_ if _NUMBER.fullmatch(cell)]
    counted = [str(number) for number in range(len(named_) + 1)]
    if numeric in (counted[: len(numeric)], counted[1 : len(numeric) + 1]):  # 0,1,2,… are the names pandas gives
        return False
    return bool(numeric)


def _rectangular(
    names: list[str], records: list[Record], file_name: str, separator: str, notes: list[str]
) -> tuple[str, ...]:
    """Check that all rows have as many cells as there are names; returns the names, one for each column."""
    counts = Counter(len(cells) for _, cells in records)
    if set(counts) == {len(names) + 1}:
        if all(not cells[-1].strip() for _, cells in records):
            for _, cells in records:
                cells.pop()
        else:  # R writes row names so
            notes.append(f"The rows of {file_name} have one cell more than the header: the first are row names.")
            names = ["", *names]
        counts = Counter({len(names): len(records)})
    if set(counts) != {len(names)}:
        line, cells = next((line, cells) for line, cells in records if len(cells) != len(names))
        wrong = len(records) - counts[len(names)]
        hint = "Put text that contains the separator into quotation marks"
        if len(names) == 1:
            hint = "Delete lines above the header, or name the separator with --separator"
        elif separator == "," and len(cells) > len(names):
            hint += ", or name another separator (--separator), for numbers with a decimal comma"
        raise ValueError(
            f"Line {line} of {file_name} has {_cells(len(cells))}, but the header names {len(names)} "
            f"(separated by {named(separator)}); so it is in {wrong:,} of {len(records):,} rows. {hint}."
        )
    return tuple(name or f"Unnamed: {place}" for place, name in enumerate(names))


def _cells(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"
