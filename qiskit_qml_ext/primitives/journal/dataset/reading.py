"""A data set's folder as it was written, or an error that names the file that is not."""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qiskit_qml_ext.arrays import AnyArray
from qiskit_qml_ext.exceptions import DatasetError
from qiskit_qml_ext.primitives.journal.dataset.layout import DOCUMENT, FORMAT, SCHEMA_VERSION, SUMS
from qiskit_qml_ext.primitives.journal.dataset.proof import sha256


@dataclass(frozen=True)
class DataSet:
    """A data set that is what was written."""

    folder: Path
    """Its folder."""
    document: dict[str, Any]
    """What was asked for and measured, but for the arrays."""
    fingerprint: str
    """The SHA-256 over all files."""
    sums: dict[str, str]
    """The SHA-256 of each file."""

    def file(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            DatasetError: If it is not what was written.
        """
        return _checked(self.folder, name, self.sums)

    def arrays(self, name: str) -> dict[str, AnyArray]:
        """Return the arrays of a job.

        Raises:
            DatasetError: If its file is not what was written.
        """
        with np.load(io.BytesIO(self.file(name)), allow_pickle=False) as archive:
            return {one: archive[one] for one in archive.files}


def read_dataset(folder: str | os.PathLike[str]) -> DataSet:
    """Read a data set, after every file of it was held against its checksum.

    Args:
        folder: The folder.

    Raises:
        DatasetError: If it is no data set, of a newer kind, or a file in it is missing or was changed.
    """
    place = Path(folder).expanduser().absolute()
    try:
        listed = (place / SUMS).read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{place} is not a data set: its file {SUMS} cannot be read ({error.strerror}). Give the folder that "
            "Journal.export wrote."
        ) from error
    sums = _sums(place, listed)
    for name in sums:
        _checked(place, name, sums)
    if DOCUMENT not in sums:
        raise DatasetError(f"{place} is not a data set: its {SUMS} does not name {DOCUMENT}.")
    document = json.loads(_checked(place, DOCUMENT, sums))
    if document.get("format") != FORMAT:
        raise DatasetError(f"{place / DOCUMENT} is not the document of a data set of this package.")
    version = str(document.get("schema_version"))
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise DatasetError(
            f"The data set {place} is of the schema {version}, but this version of qiskit-qml-ext reads "
            f"{SCHEMA_VERSION}. Upgrade qiskit-qml-ext."
        )
    return DataSet(place, document, sha256(listed), sums)


def _sums(folder: Path, listed: bytes) -> dict[str, str]:
    sums = {}
    for line in listed.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise DatasetError(f"The file {SUMS} of the data set {folder} is damaged: {line[:60]!r} is no entry of it.")
        sums[name] = digest
    return sums


def _checked(folder: Path, name: str, sums: dict[str, str]) -> bytes:
    if name not in sums:
        raise DatasetError(f"The data set {folder} has no file {name!r:.80}.")
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise DatasetError(
            f"The data set {folder} is damaged: its file {name} cannot be read ({error.strerror}). Get it again from "
            "where it was published."
        ) from error
    if sha256(content) != sums[name]:
        raise DatasetError(
            f"The data set {folder} is damaged: its file {name} was changed after it was written. Get it again from "
            "where it was published; nothing of it was used."
        )
    return content
