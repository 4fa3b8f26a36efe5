"""From the bytes of a file to text: compression, encoding, and what is no table of text at all."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

# How files begin that people save under the name of a table.
_OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file: give its name the ending .parquet"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook: save the sheet as CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard: decompress it first"),
    (b"\x89HDF", "an HDF5 file: save the table as CSV or Parquet"),
    (b"\x93NUMPY", "a numpy file: load it with numpy and use Dataset.from_arrays"),
    (b"%PDF", "a PDF document: save the table as CSV"),
    (b"SQLite format 3", "a SQLite database: save the table as CSV"),
)
_OTHER_TEXTS: tuple[tuple[str, str], ...] = (
    ("<!doctype", "a web page: download the file itself (on GitHub, the raw file)"),
    ("<html", "a web page: download the file itself (on GitHub, the raw file)"),
    ("<?xml", "an XML document: save the table as CSV"),
    ("version https://git-lfs", "only a pointer to a file in Git LFS: fetch the file itself with git lfs pull"),
    ("@relation", "an ARFF file: save the table as CSV"),
    ("{", "JSON: save the table as CSV or Parquet"),
    ("[{", "JSON: save the table as CSV or Parquet"),
)
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_text(path: Path, encoding: str | None) -> tuple[str, list[str]]:
    """Return the text of a file, which may be compressed (gzip, bzip2, xz, or a zip of one file).

    Args:
        path: The file.
        encoding: Its encoding; if None the byte-order mark decides, then UTF-8, then Windows-1252 with a note. The
            last one cannot change a number, since it reads every ASCII character as itself.

    Returns:
        The text, and notes for the reader.

    Raises:
        ValueError: If the file is something else, cannot be decompressed or decoded; the message says what to do.
    """
    data = _decompressed(path.read_bytes(), path)
    for start, kind in _OTHER_KINDS:
        if data.startswith(start):
            raise ValueError(f"{path} is {kind}.")
    if not data.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise ValueError(f"{path} is empty.")
    text, notes = _decoded(data, path, encoding)
    beginning = text.lstrip()[:64].lower()
    for other, kind in _OTHER_TEXTS:
        if beginning.startswith(other):
            raise ValueError(f"{path} is {kind}.")
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ValueError(
            f"{path} contains a NUL character (line {line}), which no text has. Write the file anew, or name its "
            "encoding with --encoding (encoding=)."
        )
    return text, notes


def _decompressed(data: bytes, path: Path) -> bytes:
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data)
        if data.startswith(b"BZh"):
            return bz2.decompress(data)
        if data.startswith(b"\xfd7zXZ\x00"):
            return lzma.decompress(data)
        if data.startswith(b"PK\x03\x04"):
            return _unzipped(data, path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is compressed, but damaged: {error}. Download or write it again.") from error
    return data


def _unzipped(data: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        names = [member.filename for member in members]
        if "[Content_Types].xml" in names:
            raise ValueError(f"{path} is an Excel workbook: save the sheet as CSV.")
        if len(members) != 1:
            shown = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
            raise ValueError(
                f"{path} must hold one file, but holds {len(names)} ({shown}). Unpack it and name the file."
            )
        if members[0].flag_bits & 1:
            raise ValueError(f"{path} is encrypted. Unpack it first.")
        return archive.read(members[0])


def _decoded(data: bytes, path: Path, encoding: str | None) -> tuple[str, list[str]]:
    if encoding is not None:
        return _decoded_as(data, path, encoding), []
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decoded_as(data, path, name), []
    if guess := _utf16_without_mark(data):
        return _decoded_as(data, path, guess), [f"{path.name} is read as {guess.upper()}; --encoding names another."]
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(
            f"{path} is neither UTF-8 nor Windows-1252 text (byte 0x{data[error.start]:02x} in line {line}). Name its "
            "encoding with --encoding (encoding=), for example shift_jis or gb18030."
        ) from None
    return text, [f"{path.name} is not UTF-8 text: it is read as Windows-1252; --encoding names another."]


def _decoded_as(data: bytes, path: Path, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise ValueError(
            f"There is no text encoding {encoding!r}. Usual ones: utf-8, utf-16, cp1252, latin-1, shift_jis, gb18030."
        ) from None
    except UnicodeError as error:
        raise ValueError(
            f"{path} is not text in the encoding {encoding} ({error}). Name the right one with --encoding (encoding=)."
        ) from None


def _utf16_without_mark(data: bytes) -> str | None:
    """Return which UTF-16 it is: ASCII text has a zero in every other byte then."""
    head = data[: 4096 - 4096 % 2]
    even, odd = head[0::2], head[1::2]
    if odd and odd.count(0) > 0.7 * len(odd) and not even.count(0):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.7 * len(even) and not odd.count(0) else None
