"""Primitives that refuse circuits before they run or submit any."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from qiskit import QuantumCircuit

SAMPLER, ESTIMATOR = "sampler", "estimator"
"""The two kinds of primitives."""


def with_pubs_checked(primitive: Any, refuse: Callable[[list[Any], Any], None]) -> Any:
    """Return a primitive's class, by the same name, whose ``run`` lets a function look first.

    Args:
        primitive: The class.
        refuse: Gets the PUBs and the shots of the call, ``None`` where it has none, and may raise.
    """

    def run(self: Any, pubs: Iterable[Any], **options: Any) -> Any:
        given = list(pubs)
        refuse(given, options.get("shots"))
        return primitive.run(self, given, **options)

    kept = {name: getattr(primitive, name) for name in ("__module__", "__qualname__", "__doc__")}
    return type(primitive.__name__, (primitive,), {**kept, "run": functools.wraps(primitive.run)(run)})


def circuits_of(pubs: Iterable[Any]) -> list[QuantumCircuit]:
    """Return the circuits of PUBs of any form, each once; what is no PUB is left to the primitive."""
    firsts = [pub[0] if isinstance(pub, (tuple, list)) and pub else getattr(pub, "circuit", pub) for pub in pubs]
    return list({id(first): first for first in firsts if isinstance(first, QuantumCircuit)}.values())
