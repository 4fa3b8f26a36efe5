"""Whether what is said to have been asked for is what the results belong to: it must have the content key of the unit.

The content key is a digest of all that was asked for. Made again of the circuits, values, observables, shots, options
and seed that are exported, it must come out the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, ObjectArray
from qiskit_qml_ext.primitives.journal.disk.queries import content_of
from qiskit_qml_ext.primitives.journal.disk.records import Unit
from qiskit_qml_ext.primitives.journal.work.keys import block_key, numbered_key, row_keys, settings_key


def options_of_unit(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a unit, without shots and precision, which are those of its PUBs."""
    return {name: value for name, value in settings.items() if name not in ("shots", "precision")}


def observables_of(said: Mapping[str, Any]) -> ObjectArray:
    """Return observables, mappings from Pauli strings to weights, in the shape in which they were asked for."""
    flat = np.empty(len(said["terms"]), dtype=object)
    flat[:] = said["terms"]
    return flat.reshape(tuple(said["shape"]))


def belongs_to(unit: Unit, pubs: Sequence[Mapping[str, Any]], values: Sequence[AnyArray], seed: int | None) -> bool:
    """Tell whether PUBs with their values are what a unit was asked for.

    Args:
        unit: The unit.
        pubs: What is said of its PUBs.
        values: Their parameters' values.
        seed: The user's seed.
    """
    keys: list[bytes] = []
    options = options_of_unit(unit.settings)
    if len(pubs) != len(unit.layout) or len(pubs) != len(values):
        return False
    for pub, array, expected in zip(pubs, values, unit.layout, strict=True):
        circuit = expected["circuit"]
        if unit.kind == "sampler":
            settings = settings_key(unit.kind, unit.target, options, seed, pub["shots"])
            made = row_keys(settings, circuit, array)
        else:
            settings = settings_key(unit.kind, unit.target, options, seed, pub["precision"])
            made = [block_key(settings, circuit, array, observables_of(pub["observables"]), tuple(pub["shape"]))]
        counts = pub.get("repetitions", [0] * len(made))
        keys += [numbered_key(key, count) for key, count in zip(made, counts, strict=True)]
    return content_of(keys) == unit.content


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
