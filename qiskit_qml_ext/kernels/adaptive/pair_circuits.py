"""How pairs of samples are run with a number of shots of their own."""

from typing import Protocol, runtime_checkable

from qiskit_qml_ext.arrays import FloatArray, IndexArray, IntArray
from qiskit_qml_ext.kernels.abilities import learns_from_labels
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

_FEWEST_OF_TRAINING = 100
"""Shots of a circuit with which a kernel is trained: at worst an error of 1/20 in an entry. Fewer are hardly meant,
since the connection's shots count nowhere else."""


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

    def connection_of_pairs(self) -> Connection | None:
        """Return where pairs run, before anything is trained or run; ``None`` where results are exact."""

    def pair_circuits(self, samples: FloatArray, pairs: IndexArray) -> PairCircuits:
        """Return what runs pairs, rows of checked samples, shape (p, 2)."""


def check_adaptive(kernel: object) -> Connection:
    """Return where a kernel runs pairs with shots of their own, refused before it is trained or anything runs.

    Raises:
        TypeError: If the kernel cannot run single pairs.
        ValueError: If its results are exact, it has settings that would not be used, or it would be trained with hardly
            any shots.
    """
    if not isinstance(kernel, RunsPairs):
        raise TypeError(
            "Adaptive shots need a kernel that runs single pairs of samples, such as FidelityKernel, but a "
            f"{type(kernel).__name__} came."
        )
    for name, usual in _USUAL.items():
        if getattr(kernel, name, usual[0]) not in usual:
            raise ValueError(f"Adaptive shots do not use {name} of the kernel. Leave it at {usual[0]}.")
    connection, learns = kernel.connection_of_pairs(), learns_from_labels(kernel)
    if connection is None or (learns and connection.is_exact):
        raise ValueError(
            "Adaptive shots need a target that draws shots, but the kernel's results are exact. "
            + (_how_to_train(kernel) if learns else _HOW_TO_DRAW)
        )
    shots = connection.shots
    if learns and shots is not None and shots < _FEWEST_OF_TRAINING:
        raise ValueError(
            f"This {type(kernel).__name__} is trained with the connection's shots, {shots:,} of each circuit, which "
            f"leave an entry with a standard error of up to {0.5 / shots**0.5:.2g}: what it learned would be noise. "
            "Only after that shots are chosen as they are needed. " + _how_to_train(kernel)
        )
    return connection


_HOW_TO_DRAW = (
    'Give the kernel connection=connect("exact", shots=1), whose shots are chosen as they are needed, or a device.'
)


def _how_to_train(kernel: object) -> str:
    return (
        f'Give the {type(kernel).__name__} a connection with the shots of its training, connect("exact", shots=1024) '
        f"or a device with {_FEWEST_OF_TRAINING} shots at least; or train one without a "
        'connection, exactly, and give what it learned: kernel.fit(X, y).frozen().with_connection(connect("exact", '
        "shots=1))."
    )
