"""A growing table of Pauli strings that finds the partner iPQ of every string Q that a rotation about P turns.

A string on n qubits is a row of 64-bit words, those of its x mask and then those of its z mask. Its hash is the
exclusive or of one random number for each set bit, so that the hash of a product is the exclusive or of the hashes and
no row is ever hashed anew. Equal hashes are still compared word by word: nothing here is probabilistic.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, Int32Array, IntArray
from qiskit_qml_ext.engine.compiled.jit import njit
from qiskit_qml_ext.engine.compiled.simd import parity
from qiskit_qml_ext.engine.pauli.frame import CliffordFrame, packed

_KEY_SEED = 20230801  # any number: hashes decide where strings are kept, never what is computed
_FIRST_CAPACITY = 1024


@dataclass(frozen=True, eq=False)
class Generator:
    """The Pauli string about which a rotation turns, as the table reads it."""

    words: IntArray
    """x words, then z words."""
    used: IntArray
    """The positions, within x, at which one of the two has set bits."""
    key: int
    """Its hash."""
    support: int
    """Bit mask of its qubits."""


class StringTable:
    """Distinct Pauli strings in the order in which they were met."""

    def __init__(self, num_qubits: int) -> None:
        self.num_qubits = num_qubits
        self.count = 0
        self.support = 0
        """Bit mask of the qubits on which any string acts."""
        width = 2 * -(-num_qubits // 64)
        self._keys = np.random.default_rng(_KEY_SEED).integers(-(2**63), 2**63, 64 * width, dtype=np.int64)
        self._words = np.zeros((_FIRST_CAPACITY, width), dtype=np.int64)
        self._hashes = np.zeros(_FIRST_CAPACITY, dtype=np.int64)
        self._slots = _empty_slots(_FIRST_CAPACITY)

    @property
    def words(self) -> IntArray:
        """The strings, shape (count, 2 · words)."""
        return self._words[: self.count]

    def generator(self, x: int, z: int) -> Generator:
        """Prepare a Pauli string for the table."""
        words = packed(x, z, self.num_qubits)
        half = len(words) // 2
        used = np.flatnonzero(words[:half] | words[half:])
        bits = np.flatnonzero(np.unpackbits(words.astype("<i8").view(np.uint8), bitorder="little"))
        key = int(np.bitwise_xor.reduce(self._keys[bits], initial=0))
        return Generator(words, used, key, x | z)

    def add(self, string: Generator) -> int:
        """Add a string that is not in the table yet; return its number."""
        self._reserve(self.count + 1)
        self._words[self.count], self._hashes[self.count] = string.words, string.key
        _enter(self._slots, self._hashes, self.count)
        self.support |= string.support
        self.count += 1
        return self.count - 1

    def pair_up(self, generator: Generator, first: int, limit: int) -> Int32Array | None:
        """Pair each string Q from number ``first`` on that anticommutes with P with its partner iPQ, adding those.

        Strings before ``first`` must have been paired with this generator before.

        Returns:
            Numbers (a, b) of the pairs with iPQ_a = Q_b, shape (pairs, 2); None if more than ``limit`` strings would be
            needed.
        """
        self._reserve(min(2 * self.count, limit) + 1)
        pairs = np.empty((self.count - first, 2), dtype=np.int32)
        count, num_pairs = _pair_up(
            self._words, self._hashes, self._slots, first, self.count, limit,
            generator.words, generator.used, generator.key, pairs,
        )  # fmt: skip
        if num_pairs < 0:
            return None
        if count > self.count:
            self.support |= generator.support
            self.count = count
        return pairs[:num_pairs].copy()

    def spread(self, generator: Generator, stay: float, mass: FloatArray) -> FloatArray:
        """Move the share 1 - stay of the mass of each string Q that anticommutes with P to iPQ.

        Args:
            generator: P.
            stay: The share that stays.
            mass: The mass of each string, shape (count,).

        Returns:
            The new masses, shape (new count,).
        """
        self._reserve(2 * self.count)
        grown = np.concatenate([mass, np.zeros(self.count)])
        self.count = _spread(
            self._words, self._hashes, self._slots, self.count,
            generator.words, generator.used, generator.key, stay, grown,
        )  # fmt: skip
        self.support |= generator.support
        return grown[: self.count]

    def keep(self, chosen: IntArray) -> None:
        """Keep the strings with these numbers, in this order."""
        self.count = len(chosen)
        self._words[: self.count], self._hashes[: self.count] = self._words[chosen], self._hashes[chosen]
        self._slots.fill(-1)
        _enter_all(self._slots, self._hashes, self.count)

    def _reserve(self, count: int) -> None:
        if count <= len(self._hashes):
            return
        capacity = max(count, 2 * len(self._hashes))
        words = np.zeros((capacity, self._words.shape[1]), dtype=np.int64)
        hashes = np.zeros(capacity, dtype=np.int64)
        words[: self.count], hashes[: self.count] = self.words, self._hashes[: self.count]
        self._words, self._hashes, self._slots = words, hashes, _empty_slots(capacity)
        _enter_all(self._slots, self._hashes, self.count)


@dataclass(frozen=True, eq=False)
class FrameStart:
    """What strings find at the initial state, behind the Clifford gates S of a frame."""

    frame: CliffordFrame
    """The gates S."""

    @cached_property
    def _z(self) -> tuple[IntArray, IntArray]:
        return self.frame.images("Z")

    @cached_property
    def _x(self) -> tuple[IntArray, IntArray]:
        return self.frame.images("X")

    def values(self, words: IntArray) -> FloatArray:
        """⟨0|S† Q S|0⟩ = 0, 1 or -1 for rows of words, shape (rows,)."""
        x_rows, _ = self._x
        z_rows, z_signs = self._z
        values = np.zeros(len(words))
        _stabiliser_values(words, x_rows, _spans(x_rows), z_rows, _spans(z_rows), z_signs, values)
        return values

    def weights(self, words: IntArray, squares: FloatArray) -> FloatArray:
        """∏_q squares[q, letter of S† Q S on q] for rows of words, with the letters in the order I, X, Y, Z."""
        x_rows, z_rows = self._x[0], self._z[0]
        weights = np.ones(len(words))
        _product_weights(words, x_rows, _spans(x_rows), z_rows, _spans(z_rows), squares, weights)
        return weights


def _spans(rows: IntArray) -> IntArray:
    """For each row the first and one past the last position, within x, that has set bits, shape (rows, 2)."""
    half = rows.shape[1] // 2
    used = (rows[:, :half] | rows[:, half:]) != 0
    return np.stack([used.argmax(axis=1), half - used[:, ::-1].argmax(axis=1)], axis=1).astype(np.int64)


def _empty_slots(capacity: int) -> Int32Array:
    """Open addressing with at least half of the places free."""
    return np.full(1 << (2 * capacity - 1).bit_length(), -1, dtype=np.int32)


@njit
def _count_bits(word: int) -> int:
    # masks remove what the arithmetic shifts of a negative word drag in
    word = word - ((word >> 1) & 0x5555555555555555)
    word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333)
    word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0F
    return (word * 0x0101010101010101) >> 56


@njit
def _enter(slots: Int32Array, hashes: IntArray, row: int) -> None:
    mask = len(slots) - 1
    place = hashes[row] & mask
    while slots[place] >= 0:
        place = (place + 1) & mask
    slots[place] = row


@njit
def _enter_all(slots: Int32Array, hashes: IntArray, count: int) -> None:
    for row in range(count):
        _enter(slots, hashes, row)


@njit
def _partner(words: IntArray, hashes: IntArray, slots: Int32Array, row: int, generator: IntArray, key: int) -> int:
    """The number of the string that is the product of string ``row`` and the generator, or -1."""
    wanted = hashes[row] ^ key
    mask = len(slots) - 1
    place = wanted & mask
    while slots[place] >= 0:
        other = slots[place]
        if hashes[other] == wanted:
            same = True
            for k in range(words.shape[1]):
                if words[row, k] ^ generator[k] != words[other, k]:
                    same = False
                    break
            if same:
                return other
        place = (place + 1) & mask
    return -1


@njit
def _append(
    words: IntArray, hashes: IntArray, slots: Int32Array, row: int, generator: IntArray, key: int, count: int
) -> None:
    for k in range(words.shape[1]):
        words[count, k] = words[row, k] ^ generator[k]
    hashes[count] = hashes[row] ^ key
    _enter(slots, hashes, count)


@njit
def _anticommutes(words: IntArray, row: int, generator: IntArray, used: IntArray) -> int:
    half = words.shape[1] // 2
    odd = 0
    for k in used:
        odd ^= (words[row, k] & generator[half + k]) ^ (words[row, half + k] & generator[k])
    return parity(odd)


@njit
def _pair_up(
    words: IntArray, hashes: IntArray, slots: Int32Array, first: int, last: int, limit: int,
    generator: IntArray, used: IntArray, key: int, pairs: Int32Array,
) -> tuple[int, int]:  # fmt: skip
    """The new number of strings and the number of pairs; -1 pairs if the limit is passed."""
    half = words.shape[1] // 2
    count, num_pairs = last, 0
    for row in range(first, last):
        if not _anticommutes(words, row, generator, used):
            continue
        other = _partner(words, hashes, slots, row, generator, key)
        if other < 0:
            if count == limit:
                return count, -1
            _append(words, hashes, slots, row, generator, key, count)
            other = count
            count += 1
        elif other < row:
            continue
        # P Q = i^power R, see program.pauli.multiply; words that P leaves alone cancel
        power = 1
        for k in used:
            power += _count_bits(generator[k] & generator[half + k]) + _count_bits(words[row, k] & words[row, half + k])
            power -= _count_bits(words[other, k] & words[other, half + k])
            power += 2 * _count_bits(generator[half + k] & words[row, k])
        # iPQ = ±R; with the sign -, iPR = Q, so the two exchange their places
        if power % 4 == 0:
            pairs[num_pairs, 0], pairs[num_pairs, 1] = row, other
        else:
            pairs[num_pairs, 0], pairs[num_pairs, 1] = other, row
        num_pairs += 1
    return count, num_pairs


@njit
def _spread(
    words: IntArray, hashes: IntArray, slots: Int32Array, last: int,
    generator: IntArray, used: IntArray, key: int, stay: float, mass: FloatArray,
) -> int:  # fmt: skip
    count = last
    for row in range(last):
        if not _anticommutes(words, row, generator, used):
            continue
        other = _partner(words, hashes, slots, row, generator, key)
        if other < 0:
            _append(words, hashes, slots, row, generator, key, count)
            other = count
            count += 1
        elif other < row:
            continue
        here, there = mass[row], mass[other]
        mass[row] = stay * here + (1.0 - stay) * there
        mass[other] = (1.0 - stay) * here + stay * there
    return count


@njit
def _rows_anticommute(words: IntArray, row: int, others: IntArray, other: int, spans: IntArray) -> int:
    half = words.shape[1] // 2
    odd = 0
    for k in range(spans[other, 0], spans[other, 1]):
        odd ^= (words[row, k] & others[other, half + k]) ^ (words[row, half + k] & others[other, k])
    return parity(odd)


@njit
def _stabiliser_values(
    words: IntArray, x_rows: IntArray, x_spans: IntArray, z_rows: IntArray, z_spans: IntArray, z_signs: IntArray,
    values: FloatArray,
) -> None:  # fmt: skip
    """S† Q S has an X part where Q anticommutes with S Z_j S†; else it is ±∏ Z_j over the Q that S X_j S† flips."""
    half = words.shape[1] // 2
    product = np.zeros(words.shape[1], dtype=np.int64)
    for row in range(len(words)):
        certain = True
        for qubit in range(len(z_rows)):
            if _rows_anticommute(words, row, z_rows, qubit, z_spans):
                certain = False
                break
        if not certain:
            continue
        product[:] = 0
        power = 0
        for qubit in range(len(z_rows)):
            if not _rows_anticommute(words, row, x_rows, qubit, x_spans):
                continue
            power += 1 - z_signs[qubit]
            for k in range(z_spans[qubit, 0], z_spans[qubit, 1]):
                x, z = z_rows[qubit, k], z_rows[qubit, half + k]
                power += _count_bits(product[k] & product[half + k]) + _count_bits(x & z)
                power += 2 * _count_bits(product[half + k] & x)
                product[k] ^= x
                product[half + k] ^= z
                power -= _count_bits(product[k] & product[half + k])
        values[row] = 1.0 if power % 4 == 0 else -1.0


@njit
def _product_weights(
    words: IntArray, x_rows: IntArray, x_spans: IntArray, z_rows: IntArray, z_spans: IntArray, squares: FloatArray,
    weights: FloatArray,
) -> None:  # fmt: skip
    for row in range(len(words)):
        for qubit in range(len(z_rows)):
            x = _rows_anticommute(words, row, z_rows, qubit, z_spans)
            z = _rows_anticommute(words, row, x_rows, qubit, x_spans)
            if x or z:
                weights[row] *= squares[qubit, (2 if z else 1) if x else 3]
                if weights[row] == 0.0:
                    break
