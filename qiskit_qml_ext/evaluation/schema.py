"""The documented form of the JSON file."""

import json
from importlib.resources import files
from typing import Any


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what :meth:`Evaluation.to_dict` returns.

    Its ``schema_version`` follows semantic versioning: a new optional field raises the second number, anything that
    could break a reader raises the first.
    """
    text = files("qiskit_qml_ext.evaluation").joinpath("schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
