"""How pairs of samples are run with a number of shots of their own."""

from typing import Protocol, runtime_checkable

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.methods.inversion_circuit import InversionTest
from qiskit_qml_ext.kernels.outcomes import OutcomeCounts
from qiskit_qml_ext.primitives import Connection

_USUAL: dict[str, tuple[object, ...]] = {
    "psd_repair": (None,),
    "run_diagonal": (False,),
    "readout_correction": (None,),
    "shots": (None, "adaptive"),
}
"""Settings of a kernel that would not be used, and what they may be."""


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
        self._samples = samples
        self._pairs = pairs

    def __call__(self, pairs: IndexArray, shots: int) -> IntArray:
        """Return how often each of some pairs, by their numbers, reads all zeros in so many shots.

        Raises:
            BudgetExceededError: It would take more than the connection may spend; nothing was submitted.
        """
        counts = OutcomeCounts(self.connection, self._test, shots=shots)
        zeros: IntArray = counts.of(self._samples, self._pairs[pairs])[0].histograms[:, 0].copy()
        return zeros


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
    for name, usual in _USUAL.items():
        if getattr(kernel, name, usual[0]) not in usual:
            raise ValueError(f"Adaptive shots do not use {name} of the kernel. Leave it at {usual[0]}.")
    return kernel.pair_circuits(samples, pairs)
