"""The result as JSON, and the schema that describes it."""

import math
from collections.abc import Mapping
from typing import Any

from qiskit_qml_ext.evaluation.outcomes.record import Record
from qiskit_qml_ext.evaluation.report.schema import SCHEMA_VERSION, described, schema_file
from qiskit_qml_ext.evaluation.report.sections import SECTIONS


def as_document(record: Record) -> dict[str, Any]:
    """Return everything but the kernel's entries, ready for JSON; NaN and infinities become None."""
    document: dict[str, Any] = {"schema_version": SCHEMA_VERSION}
    for section in SECTIONS:
        document.update(section.data(record))
    return {key: _finite(value) for key, value in document.items()}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what :meth:`Evaluation.to_dict` returns.

    Its ``schema_version`` follows semantic versioning: a new optional field raises the second number, anything that
    could break a reader raises the first.
    """
    properties, required = described("schema_version"), ["schema_version"]
    for section in SECTIONS:
        properties.update(section.schema())
        required += [] if section.optional else section.schema()
    return {**schema_file(), "properties": properties, "required": required}


def _finite(value: Any) -> Any:
    """Replace NaN and infinities by None, in dictionaries and lists too."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
