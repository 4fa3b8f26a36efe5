"""How often all qubits read 0 for pairs of samples, each pair run once through a connection."""

from collections.abc import Iterator

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.methods.inversion_circuit import REGISTER, InversionTest
from qiskit_qml_ext.primitives import Connection


class ZeroCounts:
    """The all-zeros counts of pairs of samples under one circuit, each pair run once through a connection.

    The counts live in ``connection.results``, so every kernel that shares the connection shares them: nothing is run
    again in another cross-validation fold or for another value of C, and a pair that another thread is running is
    waited for. Two samples that agree in all features that the circuit depends on are one sample here.

    Args:
        connection: Where the circuit runs.
        test: The circuit.
        shots: Shots of every circuit, to see what is missing for a plan; by default the connection's.
    """

    def __init__(self, connection: Connection, test: InversionTest, *, shots: int | None = None):
        self._connection = connection
        self._test = test
        self._table = ("zero counts", test.key, shots or connection.shots)

    def of(self, samples: FloatArray, pairs: IndexArray) -> tuple[IntArray, IntArray]:
        """Return the all-zeros counts and the shots of the pairs, running those not known yet.

        Args:
            samples: Shape (d, features).
            pairs: Rows of ``samples``, shape (p, 2).

        Returns:
            Counts and shots, each of shape (p,).
        """
        keys = self._keys(samples, pairs)
        counts = np.array(self._connection.results.obtain(self._table, keys, self._run), dtype=np.int64).reshape(-1, 2)
        return counts[:, 0], counts[:, 1]

    def missing(self, samples: FloatArray, pairs: IndexArray) -> FloatArray:
        """Return the parameter values of the pairs that are not known yet, shape (missing, parameters)."""
        return self._values(self._connection.results.unknown(self._table, self._keys(samples, pairs)))

    def _run(self, keys: list[bytes]) -> Iterator[dict[bytes, tuple[int, int]]]:
        """Yield the all-zeros count and the shots of pairs, one job after the other."""
        keys = sorted(keys)  # the same pairs are the same jobs, whatever the order of the samples
        for span, data in self._connection.sample(self._test.circuit, self._values(keys), key=self._test.key):
            # Bits beyond the number of qubits are zero, so the outcome is all zeros when every byte is.
            bits = data[REGISTER]
            zeros = np.count_nonzero(~bits.array.any(axis=-1), axis=-1).reshape(-1).tolist()
            shots = int(bits.num_shots)
            yield {key: (count, shots) for key, count in zip(keys[span], zeros, strict=True)}

    def _keys(self, samples: FloatArray, pairs: IndexArray) -> list[bytes]:
        """Return for each pair the bytes of its parameter values, always the same sample of a pair first.

        The kernel is symmetric, so which sample comes first is free: fixed by the samples, not by their order in the
        data, a pair is the same circuit in every run and in every matrix.
        """
        # Adding 0.0 turns -0.0 into 0.0, which is the same angle but not the same bytes.
        rows = [row.tobytes() for row in samples[:, self._test.columns] + 0.0]
        return [min(rows[i] + rows[j], rows[j] + rows[i]) for i, j in pairs.tolist()]

    def _values(self, keys: list[bytes]) -> FloatArray:
        """Return the parameter values that keys stand for, shape (keys, parameters)."""
        return np.frombuffer(b"".join(keys), dtype=np.float64).reshape(len(keys), 2 * len(self._test.columns)).copy()


def binomial_error(counts: IntArray, shots: IntArray) -> FloatArray:
    """Return the standard error of count/shots, √(p(1-p)/S) with p = (count + 1)/(S + 2).

    The shifted p (Laplace's rule) keeps the error of an entry with no or only hits above zero.
    """
    p = (counts + 1) / (shots + 2)
    error: FloatArray = np.sqrt(p * (1 - p) / shots)
    return error
