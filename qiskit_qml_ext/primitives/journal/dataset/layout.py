"""The names of the files of a data set, and the version of its schema."""

from collections.abc import Mapping
from typing import Any

SCHEMA_VERSION = "1.0"
"""Its first number changes where an older reader would misread a newer folder."""
FORMAT = "qiskit-qml-ext data set"
"""How a document says that it is one."""

DOCUMENT = "dataset.json"
"""What was asked for and measured, but for the arrays."""
SCHEMA = "schema.json"
"""What the document holds, as a JSON schema."""
README = "README.md"
"""The same in words."""
CITATION = "CITATION.cff"
"""How the data set is cited, in the Citation File Format 1.2.0."""
SUMS = "SHA256SUMS"
"""The SHA-256 of every other file, as the command ``sha256sum`` writes and checks it."""

CIRCUITS, DEVICES, JOBS = "circuits", "devices", "jobs"
"""Its folders."""


def without_limits(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return how something was run, without how work was cut into jobs, which changes no result.

    Args:
        run: How it was run, as a series says it.
    """
    kept = {name: one for name, one in run.items() if name != "max_executions"}
    if "connection" in kept:
        settings: Mapping[str, Any] = kept["connection"]
        kept["connection"] = {name: one for name, one in settings.items() if name != "max_executions_per_job"}
    return kept
