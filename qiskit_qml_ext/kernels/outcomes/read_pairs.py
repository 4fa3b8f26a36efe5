"""A reading of pairs as a matrix with errors."""

from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import BoolArray, FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.passed_qubits import not_counted
from qiskit_qml_ext.kernels.readings import Reading, is_of_fidelity, values_of

ORDERS = ("both", "one")
"""Whether an entry is the mean over both orders of a pair, or what one of them gave."""


@dataclass(frozen=True, eq=False)
class ReadPairs:
    """Means of a reading for pairs of samples."""

    means: FloatArray
    """Shape (pairs,)."""
    errors: FloatArray
    """Their standard errors, shape (pairs,)."""

    def averaged_with(self, other: "ReadPairs") -> "ReadPairs":
        """Return the mean of these and of independent ones."""
        return ReadPairs((self.means + other.means) / 2, np.hypot(self.errors, other.errors) / 2)


def means_of_histograms(histograms: IntArray, values: FloatArray) -> ReadPairs:
    """Return means of f over shots, with standard errors √(Var f / S); see :func:`error_of_mean`.

    Args:
        histograms: How many shots read each value, shape (pairs, values).
        values: The values f, shape (values,).
    """
    shots = np.maximum(histograms.sum(axis=1), 1)
    smallest, span = float(values.min()), float(np.ptp(values)) or 1.0
    shares = (values - smallest) / span
    errors = span * error_of_mean(histograms @ shares, histograms @ shares**2, shots)
    return ReadPairs(histograms @ values / shots, errors)


def error_of_mean(sums: FloatArray, squares: FloatArray, shots: IntArray) -> FloatArray:
    """Return √(Var g / S) for g between 0 and 1.

    The variance is that of the S shots and of two more, one with g = 0 and one with g = 1: where g takes only these
    values this is Laplace's rule, and it keeps the error of shots that all gave the same above zero.

    Args:
        sums: Σ g over the shots, shape (pairs,).
        squares: Σ g², shape (pairs,).
        shots: S, shape (pairs,).
    """
    mean, between = (sums + 1) / (shots + 2), (sums - squares) / (shots + 2)
    variance = mean * (1 - mean) - between  # E g² - (E g)², and nothing is lost where g is 0 or 1
    error: FloatArray = np.sqrt(np.maximum(variance, 0.0) / shots)
    return error


def in_fixed_order(rows: FloatArray, pairs: IndexArray) -> IndexArray:
    """Return the pairs with the sample first whose circuit runs first: fixed by the samples, not by their places.

    It is the order of :class:`~qiskit_qml_ext.kernels.outcomes.OutcomeCounts`.

    Args:
        rows: The features that the circuit depends on, shape (samples, features).
        pairs: Places of samples, shape (pairs, 2).
    """
    written = [row.tobytes() for row in rows + 0.0]  # adding 0.0 turns -0.0 into 0.0: one angle, two ways to write it
    swapped: BoolArray = np.array([written[j] < written[i] for i, j in pairs.tolist()], dtype=bool)
    return np.where(swapped[:, None], pairs[:, ::-1], pairs)


def check_counted(reading: Reading, num_qubits: int, encoding: Encoding) -> None:
    """Refuse a reading whose numbers depend on how many qubits there are, if some of them only pass a routed circuit.

    Args:
        reading: The reading.
        num_qubits: The measured qubits.
        encoding: Prepares the states.

    Raises:
        ValueError: The message names these qubits.
    """
    values = values_of(reading, num_qubits)
    if is_of_fidelity(values) or not encoding.passed:
        return
    counted = values_of(reading, num_qubits - len(encoding.passed))
    if not np.array_equal(values[: len(counted)], counted):
        raise not_counted(encoding.passed, f"The reading {reading.name!r}")


def needs_both_orders(reading: Reading, num_qubits: int, encoding: Encoding, *, orders: str) -> bool:
    """Tell whether a reading is the mean over both orders of each pair, which then must both have run.

    Whether the rotations of the encoding commute is looked at only where that decides.
    """
    return orders == "both" and not is_of_fidelity(values_of(reading, num_qubits)) and not encoding.commutes
