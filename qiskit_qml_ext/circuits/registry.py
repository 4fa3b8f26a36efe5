"""Finding a template by its short name."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Protocol, TypeVar


class Named(Protocol):
    """A class with a short name."""

    name: ClassVar[str]


Family = TypeVar("Family", bound=Named)


def by_name(*families: type[Family]) -> Mapping[str, type[Family]]:
    """Return classes by their short names, read-only, in the order given."""
    return MappingProxyType({family.name: family for family in families})


def default_of(kind: str, registry: Mapping[str, type[Family]], name: str) -> Family:
    """Return an object of a registered class with its default settings.

    Args:
        kind: What the registry holds, for the message: ``"feature map"``.
        registry: From :func:`by_name`.
        name: The short name.

    Raises:
        ValueError: If there is no such name; the message names the most similar one and lists all.
    """
    if name in registry:
        return registry[name]()
    near = difflib.get_close_matches(name.lower().replace("_", "-"), registry, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"There is no {kind} {name!r}.{hint} Choose one of: {', '.join(sorted(registry))}.")
