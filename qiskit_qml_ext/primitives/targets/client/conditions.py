"""What was on while circuits ran, in words for the results: what a name of a device does not say."""

from collections.abc import Iterator, Mapping
from typing import Any

_NO_CONDITION = frozenset({"environment", "max_execution_time", "simulator"})
"""Options that say how long or where jobs wait, and how a rehearsal is seeded."""

_USUAL_LEVEL = 1  # of an estimator that was told nothing, by the client's documentation
_PLAIN = (bool, int, float, str, type(None))


def conditions_of(options: Mapping[str, Any], *, mitigates_by_itself: bool) -> tuple[str, ...]:
    """Return what was set for a primitive as ``"name=value"``, with dots between levels, in order of the names.

    Args:
        options: What was set, as nested dictionaries.
        mitigates_by_itself: Whether the primitive is an estimator, whose usual level of mitigation is not none.
    """
    told = {name: value for name, value in options.items() if name not in _NO_CONDITION}
    if mitigates_by_itself:
        told.setdefault("resilience_level", _USUAL_LEVEL)
    return tuple(sorted(_written(told, "")))


def _written(options: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _written(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)) and not all(isinstance(one, _PLAIN) for one in value):
        return f"<{len(value)} of {type(value[0]).__name__}>"
    return repr(value) if isinstance(value, (*_PLAIN, list, tuple)) else f"<{type(value).__name__}>"
