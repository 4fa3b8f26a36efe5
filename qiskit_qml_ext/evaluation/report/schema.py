"""The file in which the forms of the JSON document are described at length."""

import json
from importlib.resources import files
from typing import Any

SCHEMA_VERSION = "2.3"


def described(*keys: str) -> dict[str, Any]:
    """Return the JSON Schema of some keys of the document, as schema.json has it."""
    properties = schema_file()["properties"]
    return {key: properties[key] for key in keys}


def schema_file() -> dict[str, Any]:
    """Return what is in schema.json."""
    text = files("qiskit_qml_ext.evaluation.report").joinpath("schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
