"""Options of primitives and backends, whatever kind of object holds them, as nested dictionaries of JSON values."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from qiskit_qml_ext.primitives.journal.work.exclusions import CREDENTIALS
from qiskit_qml_ext.primitives.journal.work.stable import UNSET, attributes_of, stable, written_name

_MISSING = object()


def options_of(options: object) -> dict[str, Any]:
    """Return options as nested dictionaries of JSON values.

    Raises:
        ValueError: If one of them has no form that is the same in every process.
    """
    return {} if options is None else _nested(_fields(options), "The option ")


def leave_out(options: Mapping[str, Any], excluded: Mapping[str, str]) -> dict[str, Any]:
    """Return nested options without the excluded ones, whose names have dots between levels."""
    kept: dict[str, Any] = {}
    for name, value in options.items():
        if name in excluded:
            continue
        inner = {other[len(name) + 1 :]: why for other, why in excluded.items() if other.startswith(f"{name}.")}
        kept[name] = leave_out(value, inner) if inner and isinstance(value, dict) else value
    return kept


def differences(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what differs from the defaults, so that options which a newer client adds do not change any key."""
    kept: dict[str, Any] = {}
    for name, value in options.items():
        usual = defaults.get(name, _MISSING)
        if isinstance(value, dict) and isinstance(usual, dict):
            inner = differences(value, usual)
            if inner:
                kept[name] = inner
        elif isinstance(value, dict) and usual in (_MISSING, None, UNSET):
            inner = differences(value, {})
            if inner:
                kept[name] = inner
        elif usual is _MISSING and value in (None, UNSET):
            continue  # what is not known and not set is nothing
        elif usual is _MISSING or value != usual:
            kept[name] = value
    for name, usual in defaults.items():
        if name not in options and usual not in (None, UNSET, {}):
            kept[name] = UNSET
    return kept


def _fields(options: Any) -> dict[str, Any]:
    """Return the options by their names."""
    if isinstance(options, Mapping):
        return dict(options) if all(isinstance(name, str) for name in options) else {"options": options}
    return attributes_of(options) or {"options": options}


def _nested(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in options.items():
        name = written_name(key)
        if value is None or value is True or value is False:
            kept[name] = value  # most are
        elif _holds_options(value):
            kept[name] = _nested(_fields(value), f"{where}{name}.")
        elif not CREDENTIALS.search(name):
            kept[name] = stable(value, f"{where}{name}")
    return kept


def _holds_options(value: Any) -> bool:
    """Tell whether a value is a group of options: of a class of that name, or one of the Runtime client's."""
    if isinstance(value, type) or value is None or isinstance(value, Mapping):
        return False
    kind = type(value)
    grouped = hasattr(kind, "model_fields") or dataclasses.is_dataclass(value)
    return grouped and ("Options" in kind.__name__ or kind.__module__.startswith("qiskit_ibm_runtime.options"))
