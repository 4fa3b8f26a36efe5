"""Groups of options of the Runtime client: Pydantic models, the older generation's dataclasses, and dictionaries."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any


def is_group(value: object) -> bool:
    """Tell whether something is a group of options of the client's."""
    kind = type(value)
    return not isinstance(value, type) and (hasattr(kind, "model_fields") or dataclasses.is_dataclass(value))


def field_names(group: Any) -> list[str]:
    """Return the names of the options in a group of the client's."""
    models = getattr(type(group), "model_fields", None)
    names = [field.name for field in dataclasses.fields(group)] if models is None else list(models)
    return [name for name in names if not name.startswith("_")]


def dotted_names(group: Any, prefix: str = "") -> Iterator[str]:
    """Yield the names of all options in a group and in the groups within, with dots between levels."""
    for name in field_names(group):
        value = getattr(group, name)
        yield f"{prefix}{name}"
        if is_group(value):
            yield from dotted_names(value, f"{prefix}{name}.")


def is_unset(value: object) -> bool:
    """Tell whether a value is the older generation's mark for what was not set."""
    from qiskit_ibm_runtime.options.utils import UnsetType

    return isinstance(value, UnsetType)


def set_values(given: Any) -> dict[Any, Any]:
    """Return what was set in a group of options, by name: what is not the default of its class."""
    if isinstance(given, Mapping):
        return dict(given)
    usual, kept = type(given)(), {}
    for name in field_names(given):
        value = getattr(given, name)
        if is_group(value):
            inner = set_values(value)
            if inner:
                kept[name] = inner
        elif not is_unset(value) and (is_unset(default := getattr(usual, name)) or value != default):
            kept[name] = value
    return kept
