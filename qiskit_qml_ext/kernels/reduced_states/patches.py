"""Sets of qubits, by a word or as a list, and the scales of a multi-scale kernel."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TypeAlias, TypeGuard

import numpy as np

from qiskit_qml_ext.checks import is_whole_number, wrong_kind, wrong_value

Patch: TypeAlias = tuple[int, ...]
"""A set of qubits, ascending."""

PATCH_WORDS = ("single", "disjoint_pairs", "neighbour_pairs", "all_pairs", "all")
"""The words for patches: each qubit; (0, 1), (2, 3), …; (0, 1), (1, 2), …; every pair; all qubits together."""

_KNOWN = f"one of {', '.join(map(repr, PATCH_WORDS))} or a list of sets of qubits such as [(0, 1), (2,)]"


def patches_of(patches: object, qubits: Sequence[int]) -> tuple[Patch, ...]:
    """Return patches as positions among the qubits of a circuit.

    Args:
        patches: A word of :data:`PATCH_WORDS`, or a list of sets of the circuit's own qubits.
        qubits: The qubits on which the circuit acts, ascending. In words, the first of them is qubit 0: qubits on which
            nothing acts do not count.

    Raises:
        TypeError: If they are neither a word nor a list of sets of qubits.
        ValueError: If the word is not known or means nothing for so few qubits, or a set is empty, repeats a qubit,
            comes twice, or has a qubit on which the circuit does not act.
    """
    if isinstance(patches, str):
        return _by_word(patches, len(qubits))
    place = {qubit: position for position, qubit in enumerate(qubits)}
    chosen = tuple(_checked(patch, place) for patch in _listed(patches))
    if not chosen:
        raise ValueError("patches is empty. Give at least one set of qubits, or a word such as 'single'.")
    if len(set(chosen)) < len(chosen):
        twice = next(patch for patch in chosen if chosen.count(patch) > 1)
        raise wrong_value("patches", "different sets of qubits", f"{[qubits[position] for position in twice]} twice")
    return chosen


def scales_of(scales: object, qubits: Sequence[int]) -> tuple[tuple[Patch, ...], ...]:
    """Return the scales of a multi-scale kernel, each as patches; see :func:`patches_of`.

    A word or a list of sets of qubits is one scale; a list of words and of such lists is several.
    """
    if isinstance(scales, str):
        return (patches_of(scales, qubits),)
    listed = _listed(scales)
    several = [isinstance(item, str) or (_is_list(item) and any(map(_is_list, item))) for item in listed]
    if not any(several):
        return (patches_of(listed, qubits),)
    if not all(several):
        raise ValueError(
            f"patches mixes sets of qubits with words or lists of sets: {scales!r}. Give one scale (a word, or a list "
            "of sets of qubits), or a list of scales."
        )
    return tuple(patches_of(item, qubits) for item in listed)


def _by_word(word: str, number: int) -> tuple[Patch, ...]:
    if word not in PATCH_WORDS:
        raise wrong_value("patches", _KNOWN, word)
    if number < 1 or (number < 2 and word.endswith("pairs")):
        raise ValueError(f"patches={word!r} needs {1 + word.endswith('pairs')} qubits, but the circuit uses {number}.")
    if word == "single":
        return tuple((qubit,) for qubit in range(number))
    if word == "disjoint_pairs":
        return tuple((qubit, qubit + 1) for qubit in range(0, number - 1, 2))
    if word == "neighbour_pairs":
        return tuple((qubit, qubit + 1) for qubit in range(number - 1))
    return tuple(combinations(range(number), 2)) if word == "all_pairs" else (tuple(range(number)),)


def _checked(patch: object, place: dict[int, int]) -> Patch:
    if not _is_list(patch):
        raise wrong_kind("each of patches", "a set of qubits such as (0, 1)", patch)
    if not all(is_whole_number(qubit) for qubit in patch):
        raise wrong_kind("each of patches", "a set of whole numbers such as (0, 1)", patch)
    qubits = [int(qubit) for qubit in patch]  # type: ignore[call-overload]
    if not qubits or len(set(qubits)) < len(qubits):
        raise wrong_value("each of patches", "a set of at least one qubit, each once", patch)
    idle = [qubit for qubit in qubits if qubit not in place]
    if idle:
        raise ValueError(
            f"patches names qubit {idle[0]}, on which the circuit does not act: its state says nothing of the data. "
            f"The circuit acts on {', '.join(map(str, place))}."
        )
    return tuple(sorted(place[qubit] for qubit in qubits))


def _listed(value: object) -> list[object]:
    if not _is_list(value):
        raise wrong_kind("patches", _KNOWN, value)
    return list(value)


def _is_list(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, (Sequence, set, frozenset, np.ndarray)) and not isinstance(value, (str, bytes))
