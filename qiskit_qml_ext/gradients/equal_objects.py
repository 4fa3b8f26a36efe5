"""Work that comes one by one with the same objects, brought together."""

from collections.abc import Iterator, Sequence
from typing import Any


def equal_objects(items: Sequence[Any], places: Sequence[int] | None = None) -> Iterator[tuple[Any, list[int]]]:
    """Group places that hold the very same object; callers repeat one object instead of copying it."""
    groups: dict[int, list[int]] = {}
    for place in range(len(items)) if places is None else places:
        groups.setdefault(id(items[place]), []).append(place)
    for group in groups.values():
        yield items[group[0]], group
