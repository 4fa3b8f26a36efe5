"""Fidelities by the inversion test: run U(y)†U(x) and count how often all qubits read 0.

Havlíček et al., arXiv:1804.11326: |⟨φ(y)|φ(x)⟩|² is the probability of the all-zeros outcome. With S shots its standard
error is √(k(1-k)/S).
"""

import numpy as np
from numpy.typing import NDArray

from qiskit_qml_ext.kernels.inversion import REGISTER, InversionTest
from qiskit_qml_ext.kernels.samples import FloatArray, IndexArray
from qiskit_qml_ext.primitives import Connection

CountArray = NDArray[np.int64]


class ZeroCounts:
    """The all-zeros counts of pairs of samples under one circuit, each pair run once through a connection.

    The counts live in ``connection.results``, so every kernel that shares the connection shares them: nothing is run
    again in another cross-validation fold or for another value of C.

    Args:
        connection: Where the circuit runs.
        test: The circuit.
        shots: Shots of every circuit, to see what is missing for a plan; by default the connection's.
    """

    def __init__(self, connection: Connection, test: InversionTest, *, shots: int | None = None):
        self._connection = connection
        self._test = test
        kept = connection.results.setdefault(("zero counts", test.key, shots or connection.shots), {})
        self._known: dict[bytes, tuple[int, int]] = kept

    def of(self, samples: FloatArray, pairs: IndexArray) -> tuple[CountArray, CountArray]:
        """Return the all-zeros counts and the shots of the pairs, running those not known yet.

        Args:
            samples: Shape (d, features).
            pairs: Rows of ``samples``, shape (p, 2).

        Returns:
            Counts and shots, each of shape (p,).
        """
        rows, keys = self._keys(samples, pairs)
        missing = self._missing(keys)
        if missing.size:
            values = self._values(samples, rows, pairs[missing])
            for span, data in self._connection.sample(self._test.circuit, values, key=self._test.key):
                # Bits beyond the number of qubits are zero, so the outcome is all zeros when every byte is.
                bits = data[REGISTER]
                zeros = np.count_nonzero(~bits.array.any(axis=-1), axis=-1)
                for place, count in zip(missing[span], zeros, strict=True):
                    self._known[keys[place]] = (int(count), int(bits.num_shots))
        found = np.array([self._known[key] for key in keys], dtype=np.int64).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    def missing(self, samples: FloatArray, pairs: IndexArray) -> FloatArray:
        """Return the parameter values of the pairs that are not known yet, shape (missing, parameters)."""
        rows, keys = self._keys(samples, pairs)
        return self._values(samples, rows, pairs[self._missing(keys)])

    def _keys(self, samples: FloatArray, pairs: IndexArray) -> tuple[list[bytes], list[bytes]]:
        # Adding 0.0 turns -0.0 into 0.0, which is the same angle but not the same bytes.
        rows = [row.tobytes() for row in samples + 0.0]
        return rows, [min(rows[i] + rows[j], rows[j] + rows[i]) for i, j in pairs.tolist()]

    def _missing(self, keys: list[bytes]) -> IndexArray:
        return np.array([place for place, key in enumerate(keys) if key not in self._known], dtype=np.intp)

    def _values(self, samples: FloatArray, rows: list[bytes], pairs: IndexArray) -> FloatArray:
        """Return the parameter values of pairs, always the same sample of a pair first.

        The kernel is symmetric, so which sample comes first is free: fixed by the samples, not by their order in the
        data, a pair is the same circuit in every run and in every matrix.
        """
        swapped = np.array([rows[i] + rows[j] > rows[j] + rows[i] for i, j in pairs.tolist()], dtype=bool)
        ordered = np.where(swapped[:, None], pairs[:, ::-1], pairs)
        known = samples[:, self._test.columns]
        return np.concatenate([known[ordered[:, 0]], known[ordered[:, 1]]], axis=1)


def binomial_error(counts: CountArray, shots: CountArray) -> FloatArray:
    """Return the standard error of count/shots, √(p(1-p)/S) with p = (count + 1)/(S + 2).

    The shifted p (Laplace's rule) keeps the error of an entry with no or only hits above zero.
    """
    p = (counts + 1) / (shots + 2)
    error: FloatArray = np.sqrt(p * (1 - p) / shots)
    return error
