"""The bits over which a phase pass builds its table: the qubits, or parities of them in which the terms are short.

A pass multiplies ψ[z] by exp(i φ(z)) with φ(z) = Σ_m r_m (-1)^|m & z|. Over independent masks b_j, the bits
y_j = |b_j & z| mod 2 turn each term's mask into the set of basis masks whose sum over GF(2) it is.
"""

from collections.abc import Sequence

import numpy as np

from qiskit_qml_ext.arrays import IntArray
from qiskit_qml_ext.engine.planning.items import Row


def choose_basis(num_qubits: int, terms: dict[int, Row]) -> tuple[list[int], dict[int, Row]]:
    """The cheaper of two bases: the qubits themselves, or independent masks of the terms, in which they are short.

    Returns:
        The basis masks b_j, and the terms with masks over the bits y_j = |b_j & z| mod 2.
    """
    support = 0
    for mask in terms:
        support |= mask
    masks = [1 << qubit for qubit in range(num_qubits) if (support >> qubit) & 1]
    candidates = [masks, _independent(sorted(terms, key=lambda mask: (mask.bit_count(), mask)))]
    options = []
    for basis in candidates:
        coordinates = _coordinates(basis, list(terms))
        options.append((basis, {coordinates[mask]: row for mask, row in terms.items()}))
    return min(options, key=lambda option: _products(set(option[1]), len(option[0])) + (1 << num_qubits))


def _products(masks: set[int], rank: int) -> int:
    """Complex products needed to build a table."""
    total = 0
    for k in range(rank):
        inner = {mask & ((1 << k) - 1) for mask in masks if (mask >> k) & 1}
        total += 1 << k
        if not inner <= {0}:
            total += _products(inner, k)
    return total


def _independent(masks: Sequence[int]) -> list[int]:
    """A maximal independent subset, over GF(2), of the non-zero masks."""
    chosen: list[int] = []
    reduced: dict[int, int] = {}  # by highest bit
    for mask in masks:
        rest = mask
        while rest and (pivot := rest.bit_length() - 1) in reduced:
            rest ^= reduced[pivot]
        if rest:
            reduced[rest.bit_length() - 1] = rest
            chosen.append(mask)
    return chosen


def _coordinates(basis: Sequence[int], masks: Sequence[int]) -> dict[int, int]:
    """For each mask the set of basis elements, as bits, whose sum over GF(2) it is."""
    reduced: dict[int, tuple[int, int]] = {}
    for place, element in enumerate(basis):
        rest, combination = element, 1 << place
        while rest and (pivot := rest.bit_length() - 1) in reduced:
            rest, combination = rest ^ reduced[pivot][0], combination ^ reduced[pivot][1]
        assert rest, "a basis is independent"
        reduced[rest.bit_length() - 1] = (rest, combination)
    result = {}
    for mask in masks:
        rest, combination = mask, 0
        while rest:
            element, used = reduced[rest.bit_length() - 1]
            rest, combination = rest ^ element, combination ^ used
        result[mask] = combination
    return result


def is_identity(basis: Sequence[int], num_qubits: int) -> bool:
    """Whether the bits are the qubits in their order."""
    return list(basis) == [1 << qubit for qubit in range(num_qubits)]


def lookup_table(basis: Sequence[int], num_qubits: int) -> IntArray:
    """y(z) for every z, shape (2**n,)."""
    indices = np.arange(1 << num_qubits)
    table = np.zeros(1 << num_qubits, dtype=np.int64)
    for place, mask in enumerate(basis):
        table |= (np.bitwise_count(indices & mask).astype(np.int64) & 1) << place
    return table
