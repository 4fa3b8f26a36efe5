"""How pairs of samples are run with a number of shots of their own."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.methods.inversion_circuit import REGISTER, InversionTest
from qiskit_qml_ext.primitives import Connection


class PairCircuits:
    """Runs the inversion test of pairs, each with each number of shots once through a connection.

    Args:
        connection: Where the circuits run.
        test: The circuit.
        samples: Shape (d, features).
        pairs: Rows of ``samples``, shape (p, 2).
    """

    def __init__(self, connection: Connection, test: InversionTest, samples: FloatArray, pairs: IndexArray):
        self.connection = connection
        self._test = test
        # Adding 0.0 turns -0.0 into 0.0, which is the same angle but not the same bytes.
        rows = [row.tobytes() for row in samples[:, test.columns] + 0.0]
        self._keys = [min(rows[i] + rows[j], rows[j] + rows[i]) for i, j in pairs.tolist()]

    def __call__(self, pairs: IndexArray, shots: int) -> IntArray:
        """Return how often each of some pairs, by their numbers, reads all zeros in so many shots.

        Raises:
            BudgetExceededError: It would take more than the connection may spend; nothing was submitted.
        """
        keys = [self._keys[pair] for pair in pairs.tolist()]
        table = "zero counts of adaptive shots", self._test.key, shots
        found = self.connection.results.obtain(table, keys, lambda new: self._run(sorted(new), shots))
        return np.array(found, dtype=np.int64)

    def _run(self, keys: list[bytes], shots: int) -> Iterator[dict[bytes, int]]:
        values = np.frombuffer(b"".join(keys), dtype=np.float64).reshape(len(keys), 2 * len(self._test.columns)).copy()
        for span, data in self.connection.sample(self._test.circuit, values, shots=shots, key=self._test.key):
            bits = data[REGISTER]
            if int(bits.num_shots) != shots:
                raise RuntimeError(f"The target ran {bits.num_shots} shots instead of {shots}, which were asked for.")
            zeros = np.count_nonzero(~bits.array.any(axis=-1), axis=-1).reshape(-1).tolist()
            yield dict(zip(keys[span], zeros, strict=True))


@runtime_checkable
class RunsPairs(Protocol):
    """A kernel that can run single pairs of samples, each with shots of its own."""

    def pair_circuits(self, samples: FloatArray, pairs: IndexArray) -> PairCircuits:
        """Return what runs pairs, rows of checked samples, shape (p, 2)."""


def adaptive_circuits(kernel: object, samples: FloatArray, pairs: IndexArray) -> PairCircuits:
    """Return what runs pairs of checked samples for a kernel.

    Raises:
        TypeError: If the kernel cannot run single pairs.
        ValueError: If its results are exact, or it has settings that would not be used.
    """
    if not isinstance(kernel, RunsPairs):
        raise TypeError(
            "Adaptive shots need a kernel that runs single pairs of samples, such as FidelityKernel, but a "
            f"{type(kernel).__name__} came."
        )
    for name, usual in (("psd_repair", None), ("run_diagonal", False), ("readout_correction", None)):
        if getattr(kernel, name, usual) != usual:
            raise ValueError(f"Adaptive shots do not use {name} of the kernel. Leave it at {usual}.")
    return kernel.pair_circuits(samples, pairs)
