"""The outcomes of samples measured along directions, each sample and setting once through a connection."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qiskit_qml_ext.arrays import AnyArray, ByteArray, FloatArray, IntArray
from qiskit_qml_ext.kernels.reduced_states.local_circuit import REGISTER, LocalCircuit
from qiskit_qml_ext.primitives import Connection


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The outcomes of one circuit: the different ones, and how often each came."""

    packed: ByteArray
    """The different outcomes, bytes with the last bits first, shape (outcomes, bytes)."""
    counts: AnyArray
    """How often each came, shape (outcomes,), in whole numbers no wider than needed: there are many of these."""

    @property
    def shots(self) -> int:
        """The number of shots."""
        return int(self.counts.sum())

    def bits(self, num_qubits: int) -> ByteArray:
        """Return the outcomes bit by bit, that of the first qubit first, shape (outcomes, num_qubits)."""
        return np.unpackbits(self.packed, axis=1)[:, ::-1][:, :num_qubits]

    def frequencies(self, num_qubits: int) -> FloatArray:
        """Return the fraction of shots of every possible outcome, shape (2**num_qubits,), bit q for qubit q."""
        numbers = self.bits(num_qubits).astype(np.int64) @ (1 << np.arange(num_qubits))
        return np.bincount(numbers, weights=self.counts, minlength=1 << num_qubits) / self.shots


class LocalOutcomes:
    """The outcomes of samples in settings, each run once through a connection.

    They live in ``connection.results``, so all kernels that measure the same states in the same settings share them,
    for training and test data, whatever they make of them. Two samples that agree in all features that the circuit
    depends on are one sample here.

    Args:
        connection: Where the circuit runs.
        circuit: The circuit.
        shots: Shots of every circuit, to see what is missing for a plan; by default the connection's.
    """

    def __init__(self, connection: Connection, circuit: LocalCircuit, *, shots: int | None = None):
        self._connection = connection
        self._circuit = circuit
        self._table = ("local outcomes", circuit.key, shots or connection.shots)

    def of(self, samples: FloatArray, turns: FloatArray) -> list[list[Outcomes]]:
        """Return the outcomes of each sample in each setting, running those not known yet.

        Args:
            samples: Shape (n, features).
            turns: Angles of the settings, shape (settings, 2 · measured qubits).
        """
        keys = self._keys(samples, turns)
        outcomes = self._connection.results.obtain(self._table, keys, self._run)
        return [outcomes[start : start + len(turns)] for start in range(0, len(keys), len(turns))]

    def missing(self, samples: FloatArray, turns: FloatArray) -> FloatArray:
        """Return the parameter values of what is not known yet, shape (missing, parameters)."""
        return self._values(self._connection.results.unknown(self._table, self._keys(samples, turns)))

    def _run(self, keys: list[bytes]) -> Iterator[dict[bytes, Outcomes]]:
        keys = sorted(keys)  # the same work is the same jobs, whatever the order of the samples
        for span, data in self._connection.sample(self._circuit.circuit, self._values(keys), key=self._circuit.key):
            bits = data[REGISTER]
            rows = bits.array.reshape(-1, *bits.array.shape[-2:])
            yield {key: _counted(shots) for key, shots in zip(keys[span], rows, strict=True)}

    def _keys(self, samples: FloatArray, turns: FloatArray) -> list[bytes]:
        settings = [row.tobytes() for row in turns]
        # Adding 0.0 turns -0.0 into 0.0, which is the same angle but not the same bytes.
        return [row.tobytes() + setting for row in samples[:, self._circuit.columns] + 0.0 for setting in settings]

    def _values(self, keys: list[bytes]) -> FloatArray:
        width = len(self._circuit.columns) + 2 * self._circuit.num_measured
        return np.frombuffer(b"".join(keys), dtype=np.float64).reshape(len(keys), width).copy()


def _counted(shots: ByteArray) -> Outcomes:
    """Count the different outcomes among those of all shots, shape (shots, bytes)."""
    width = shots.shape[1]
    if width > 8:
        packed, counts = np.unique(shots, axis=0, return_counts=True)
        return Outcomes(packed, _narrow(counts))
    padded = np.zeros((len(shots), 8), dtype=np.uint8)
    padded[:, 8 - width :] = shots
    numbers, counts = np.unique(padded.view(">u8").ravel(), return_counts=True)
    return Outcomes(numbers.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - width :].copy(), _narrow(counts))


def _narrow(counts: IntArray) -> AnyArray:
    return counts.astype(np.min_scalar_type(int(counts.max())))
