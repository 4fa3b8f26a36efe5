"""A data set's folder, written whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qiskit_qml_ext.exceptions import JournalError
from qiskit_qml_ext.primitives.journal.dataset.describing import Describer, Exportable
from qiskit_qml_ext.primitives.journal.dataset.layout import CITATION, DOCUMENT, README, SCHEMA, SUMS
from qiskit_qml_ext.primitives.journal.dataset.privacy import own_words, private_in
from qiskit_qml_ext.primitives.journal.dataset.proof import sha256
from qiskit_qml_ext.primitives.journal.dataset.texts import JSON_SCHEMA, citation, readme

_MOST_SAID = 20


@dataclass(frozen=True)
class ExportReport:
    """What was exported."""

    folder: Path
    """The folder."""
    num_jobs: int
    """Jobs that the journal knows."""
    num_results: int
    """Jobs whose results are in the folder."""
    num_replayable: int
    """Jobs that can be asked for again, since it also says what was asked for."""
    missing: tuple[str, ...]
    """What of the journal is not in it, in sentences."""
    fingerprint: str
    """The SHA-256 over all files: two folders with the same hold the same."""

    @property
    def is_complete(self) -> bool:
        """Whether everything that the journal knows is in the folder and can be asked for again."""
        return not self.missing and self.num_replayable == self.num_jobs

    def summary(self) -> str:
        """Return the report as text."""
        lines = [
            f"Wrote {self.folder}: {self.num_results} of {self.num_jobs} jobs with their results, "
            f'{self.num_replayable} of them for connect(replay="{self.folder.name}"). '
            f"Its fingerprint: {self.fingerprint}.",
        ]
        lines += [f"  {sentence}" for sentence in self.missing[:_MOST_SAID]]
        left = len(self.missing) - _MOST_SAID
        return "\n".join([*lines, *([f"  And {left:,} more."] if left > 0 else [])])


def write_dataset(
    journal: Exportable,
    path: Path,
    folder: str | os.PathLike[str],
    *,
    job_ids: bool,
    title: str,
    creators: Sequence[str],
    license: str | None,
) -> ExportReport:
    """Write a journal as a data set; see :meth:`~qiskit_qml_ext.primitives.Journal.export`.

    Args:
        journal: The journal.
        path: Its file.
        folder: The new folder.
        job_ids: Whether the service's names of the jobs go into it.
        title: The data set's title.
        creators: Whose data it is.
        license: Under which license it is given, by its SPDX identifier.
    """
    place = _free(folder)
    described = Describer(journal, job_ids=job_ids).describe()
    about = {"title": title, "creators": list(creators), "license": license}
    document = {**{name: described.document[name] for name in ("format", "schema_version")}, **about}
    document |= described.document
    files = {
        README: readme(document, described.missing).encode(),
        CITATION: citation(document).encode(),
        SCHEMA: json.dumps(JSON_SCHEMA, indent=1).encode() + b"\n",
        DOCUMENT: json.dumps(document, indent=1).encode() + b"\n",
        **described.files,
    }
    _refuse_private(journal, path, files, allowed=[title, *creators], job_ids=job_ids)
    sums = "".join(f"{sha256(content)}  {name}\n" for name, content in sorted(files.items())).encode()
    with _made_whole(place) as temporary:
        for name, content in {**files, SUMS: sums}.items():
            target = temporary / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
    return ExportReport(
        place,
        len(document["jobs"]),
        described.num_results,
        described.num_replayable,
        tuple(described.missing),
        sha256(sums),
    )


def _free(folder: str | os.PathLike[str]) -> Path:
    place = Path(folder).expanduser().absolute()
    if os.path.lexists(place):
        raise JournalError(f"{place} exists already. Name a new folder for the data set.")
    if not place.parent.is_dir():
        raise JournalError(f"The folder {place.parent} for {place.name!r} does not exist. Create it first.")
    return place


def _refuse_private(
    journal: Exportable, path: Path, files: dict[str, bytes], *, allowed: Sequence[str], job_ids: bool
) -> None:
    """Raise if anything in the files is nobody else's business."""
    words = own_words(path)
    if not job_ids:
        words |= {unit.job: f"the id of job {unit.id}" for unit in journal.units() if unit.job}
    said = [
        sentence
        for name, content in files.items()
        if not name.endswith(".npz")  # numbers only, whose names are ours or the document's
        for sentence in private_in(name, content, words=words, allowed=allowed)
    ]
    if said:
        raise JournalError(
            f"The journal {path} was not exported, since what it says of its work would tell more than that: "
            f"{' '.join(said[:5])} Names of registers, parameters and gates, their labels, and options of primitives "
            "are exported as they are."
        )


@contextmanager
def _made_whole(place: Path) -> Iterator[Path]:
    """Give a folder to write into, which gets its name when it is complete."""
    try:
        own = Path(tempfile.mkdtemp(prefix=".export-", dir=place.parent))  # a name that nobody else has
        try:
            temporary = own / place.name
            temporary.mkdir()  # with the permissions that a new folder gets, which mkdtemp's has not
            yield temporary
            _free(place)
            temporary.rename(place)
        finally:
            shutil.rmtree(own, ignore_errors=True)
    except OSError as error:
        raise JournalError(f"The folder {place} cannot be written: {error.strerror}. Choose another place.") from error
