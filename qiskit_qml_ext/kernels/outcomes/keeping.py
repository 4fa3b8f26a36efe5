"""What is kept of the shots of a pair: always the Hamming weights, more on request."""

from collections.abc import Callable

import numpy as np

from qiskit_qml_ext.arrays import ByteArray, IntArray

_AT_A_TIME = 1 << 20  # shots whose weights are counted together; more at once take memory and are no faster


def weight_histograms(outcomes: ByteArray, num_qubits: int) -> IntArray:
    """Count how many shots read each number of ones, shape (rows, num_qubits + 1).

    Args:
        outcomes: As ``BitArray`` holds them, shape (rows, shots, bytes).
        num_qubits: Bits of an outcome; those beyond are zero.
    """
    rows, shots, _ = outcomes.shape
    histograms = np.zeros((rows, num_qubits + 1), dtype=np.int64)
    step = max(1, _AT_A_TIME // max(1, shots))
    for start in range(0, rows, step):
        part = outcomes[start : start + step]
        total = np.zeros((len(part), shots), dtype=np.uint8 if num_qubits < 256 else np.uint16)
        for byte in range(part.shape[-1]):  # a sum over so short an axis takes several times longer
            total += np.bitwise_count(part[..., byte])
        for weight in range(num_qubits + 1):
            histograms[start : start + step, weight] = np.count_nonzero(total == weight, axis=-1)
    return histograms


def _ones(outcomes: ByteArray, num_qubits: int) -> list[IntArray]:
    """Count for each row how often each qubit read 1, shape (num_qubits,)."""
    counted = np.empty((len(outcomes), num_qubits), dtype=np.int64)
    for qubit in range(num_qubits):  # the last byte holds the first bits
        byte = outcomes[..., outcomes.shape[-1] - 1 - qubit // 8]
        counted[:, qubit] = np.count_nonzero(byte & (1 << qubit % 8), axis=-1)
    return list(counted)


def _distinct(outcomes: ByteArray, num_qubits: int) -> list[ByteArray]:
    """Write for each row the distinct outcomes and how often each came.

    Returns:
        For each row an array of shape (distinct, bytes + 8): an outcome's bytes, then its count as 8 bytes.
    """
    kept = []
    for row in outcomes:
        as_items = np.ascontiguousarray(row).view(f"V{row.shape[-1]}").ravel()
        names, counts = np.unique(as_items, return_counts=True)
        written = np.empty((len(names), row.shape[-1] + 8), dtype=np.uint8)
        written[:, :-8] = names.view(np.uint8).reshape(len(names), -1)
        written[:, -8:] = counts.astype(np.int64).view(np.uint8).reshape(len(names), 8)
        kept.append(written)
    return kept


KEPT: dict[str, Callable[[ByteArray, int], "list[IntArray] | list[ByteArray]"] | None] = {
    "weights": None,
    "marginals": _ones,
    "outcomes": _distinct,
}
"""What can be kept besides the weights: the name, and what makes it of the outcomes of rows."""


def split_distinct(written: IntArray | ByteArray) -> tuple[ByteArray, IntArray]:
    """Return the outcomes as bits, shape (distinct, 8 · bytes), the first qubit first, and their counts."""
    bits = np.unpackbits(written[:, -9::-1].astype(np.uint8), axis=1, bitorder="little")
    return bits, np.ascontiguousarray(written[:, -8:]).view(np.int64).ravel()
