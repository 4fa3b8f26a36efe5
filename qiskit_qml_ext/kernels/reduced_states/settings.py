"""As few settings as possible, a basis for each qubit, that measure all Paulis of some patches.

A setting measures every Pauli that agrees with it on its support (qubit-wise commuting ones, together). A patch of k
qubits needs each of its 3ᵏ choices of bases in some setting. Qubits that share no patch may always have the same basis,
so the qubits are coloured first and colours get bases: patches without overlap take 3ᵏ settings, single qubits 3, pairs
of up to four colours 9 (the orthogonal array of strength 2 over the field of three elements), and more are covered
greedily (overlapping tomography, arXiv:1908.02754; as a covering array, arXiv:2408.05730). All pairs of n qubits take a
number of settings that grows as log n.
"""

from functools import lru_cache
from itertools import product
from typing import TypeAlias

import numpy as np

from qiskit_qml_ext.arrays import IntArray
from qiskit_qml_ext.kernels.reduced_states.patches import Patch

MAX_MEASURED_QUBITS = 4
"""The largest patch that is measured: one of 4 qubits takes 81 settings."""

Choice: TypeAlias = tuple[int, ...]

_ATTEMPTS = 8
_LINES = np.array([(1, 0), (0, 1), (1, 1), (1, 2)])  # the directions of the plane over three elements


@lru_cache(maxsize=256)
def covering_settings(patches: tuple[Patch, ...], num_qubits: int) -> IntArray:
    """Return settings that measure the states of all patches.

    Args:
        patches: The patches.
        num_qubits: The number of qubits.

    Returns:
        The basis of each qubit, 1 to 3 for X, Y, Z; shape (settings, qubits). Qubits in no patch are measured in Z.

    Raises:
        ValueError: If a patch has more than :data:`MAX_MEASURED_QUBITS` qubits.
    """
    largest = max(map(len, patches))
    if largest > MAX_MEASURED_QUBITS:
        raise ValueError(
            f"A patch of {largest} qubits takes 3^{largest} = {3**largest:,} settings for each sample; patches of at "
            f"most {MAX_MEASURED_QUBITS} qubits are measured. Use smaller patches, or exact results."
        )
    colours = _colours(patches, num_qubits)
    groups = sorted({tuple(sorted(colours[qubit] for qubit in patch)) for patch in patches})
    number = max(colours.values()) + 1
    rows = _orthogonal(number) if largest == 2 and number <= len(_LINES) else _covering(groups, number)
    settings = np.full((len(rows), num_qubits), 3)
    for qubit, colour in colours.items():
        settings[:, qubit] = np.asarray(rows)[:, colour] + 1
    return settings


def _colours(patches: tuple[Patch, ...], num_qubits: int) -> dict[int, int]:
    """Give each qubit of a patch the first colour that none of its neighbours in a patch has."""
    beside: dict[int, set[int]] = {}
    for patch in patches:
        for qubit in patch:
            beside.setdefault(qubit, set()).update(patch)
    colours: dict[int, int] = {}
    for qubit in range(num_qubits):
        if qubit in beside:
            taken = {colours[other] for other in beside[qubit] if other in colours}
            colours[qubit] = next(colour for colour in range(len(taken) + 1) if colour not in taken)
    return colours


def _orthogonal(number: int) -> list[Choice]:
    """Return nine rows in which any two columns have all nine pairs: the values of lines in a plane over Z/3."""
    points = map(np.array, product(range(3), repeat=2))
    return [tuple(int(line @ point) % 3 for line in _LINES[:number]) for point in points]


def _covering(groups: list[Choice], number: int) -> list[Choice]:
    """Return rows that give each group of columns all its choices: the fewest of some greedy attempts."""
    rng = np.random.default_rng(0)
    attempts = (_greedy_rows(groups, number, rng) for _ in range(_ATTEMPTS if len(groups) > 1 else 1))
    return min(attempts, key=len)


def _greedy_rows(groups: list[Choice], number: int, rng: np.random.Generator) -> list[Choice]:
    """Return rows that give each group of columns all its choices, one row after the other.

    Columns get their values in turn, each the one that covers most in expectation over the columns that are still open:
    so a row covers at least the mean of all rows, and the number of rows grows with the logarithm of that of groups.
    """
    left = {(group, choice) for group in groups for choice in product(range(3), repeat=len(group))}
    rows: list[Choice] = []
    while left:
        of_column: list[list[tuple[Choice, Choice]]] = [[] for _ in range(number)]
        for item in sorted(left):
            for column in item[0]:
                of_column[column].append(item)
        row: dict[int, int] = {}
        for column in sorted(rng.permutation(number).tolist(), key=lambda one: -len(of_column[one])):
            row[column] = _best_value(column, row, of_column[column])
        left -= {(group, tuple(row[column] for column in group)) for group in groups}
        rows.append(tuple(row[column] for column in range(number)))
    return rows


def _best_value(column: int, row: dict[int, int], wanted: list[tuple[Choice, Choice]]) -> int:
    """Return the value of a column that covers most of what is wanted, given the columns that have theirs."""
    gains = [0.0, 0.0, 0.0]
    for group, choice in wanted:
        given = [(row.get(other), value) for other, value in zip(group, choice, strict=True) if other != column]
        if all(chosen is None or chosen == value for chosen, value in given):
            gains[choice[group.index(column)]] += 3.0 ** -sum(chosen is None for chosen, _ in given)
    return int(np.argmax(gains))
