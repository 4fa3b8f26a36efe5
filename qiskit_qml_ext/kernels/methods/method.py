"""What a way to find fidelities is: the small objects of this folder, one file each."""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from qiskit import QuantumCircuit

from qiskit_qml_ext.arrays import FloatArray
from qiskit_qml_ext.kernels.encoding import Encoding
from qiskit_qml_ext.kernels.kernel_estimate import RawKernel, ReinterpretedKernel
from qiskit_qml_ext.kernels.readings import FidelityReading, Reading, ReadoutErrors
from qiskit_qml_ext.kernels.samples import DistinctPairs, distinct_pairs, lone_samples
from qiskit_qml_ext.primitives import Connection, RunPlan


@dataclass(frozen=True, eq=False)
class Fidelities:
    """Fidelities that are wanted."""

    connection: Connection
    """Where circuits run."""
    encoding: Encoding
    """Prepares the states."""
    x: FloatArray
    """Samples of the rows, shape (n, features)."""
    y: FloatArray | None = None
    """Samples of the columns, shape (m, features); ``None`` for those of the rows."""
    run_diagonal: bool = False
    """Whether a sample against itself is measured too, instead of being set to 1."""
    keep: str = "weights"
    """What is kept of the outcomes besides their Hamming weights."""
    readout_correction: ReadoutErrors | str | None = None
    """The readout errors that are undone, if any."""
    reading: Reading = field(default_factory=FidelityReading)
    """What is read off the outcomes."""
    orders: str = "both"
    """Whether readings for which the order of a pair matters are means over both orders."""
    may_run: bool = True
    """Whether what is not known may be run."""
    every_diagonal: bool = False
    """Whether that is so for every sample, also where the matrix has no such entry: a repair asks for it."""
    moments: tuple[float, float] | None = None
    """Mean and variance of the exact entries off the diagonal, where they are known: for a plan."""
    only_diagonal: bool = False
    """Whether nothing but the diagonal of a symmetric matrix is wanted; other entries may be anything."""

    def pairs(self) -> DistinctPairs:
        """Return which fidelities are needed."""
        if self.only_diagonal:
            return lone_samples(self.x)
        return distinct_pairs(self.x, self.y, every_sample=self.every_diagonal)


def refuse_outcome_settings(wanted: Fidelities, method: str) -> None:
    """Refuse, before anything is run, settings for outcomes of U(y)†U(x) where a method has none.

    Raises:
        ValueError: If outcomes are to be kept, or readout errors undone.
    """
    if wanted.keep != "weights":
        raise ValueError(
            f"keep={wanted.keep!r} goes with method='sampled': method={method!r} keeps no outcomes of pairs of samples."
        )
    if wanted.readout_correction is not None:
        raise ValueError(
            f"readout_correction goes with method='sampled' or 'swap': method={method!r} does not undo readout errors. "
            "Leave it out, or take another method."
        )


@runtime_checkable
class FidelityMethod(Protocol):
    """A way to find the fidelities |⟨φ(y)|φ(x)⟩|² of the states that an encoding prepares."""

    @property
    def name(self) -> str:
        """What ``method=`` calls it."""

    def reason(self, connection: Connection, encoding: Encoding) -> str | None:
        """Say why ``"auto"`` takes this method for an encoding on a connection; ``None`` if it does not suit."""

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Return the matrix of fidelities, shape (n, m)."""


@runtime_checkable
class CircuitMethod(FidelityMethod, Protocol):
    """A method that runs circuits on the connection's target."""

    def circuit(self, connection: Connection, encoding: Encoding) -> QuantumCircuit:
        """Return the measured circuit that it runs, before transpilation; the caller may change it."""

    def plan(self, wanted: Fidelities, *, shots: int | None = None, price_per_minute: float | None = None) -> RunPlan:
        """Say what the circuits will take, without running them; those that are known already are not counted.

        Args:
            wanted: The fidelities.
            shots: Shots of every circuit; by default the connection's.
            price_per_minute: The price of a minute of processor time.
        """

    def synthesis_error(self, wanted: Fidelities) -> float | None:
        """Return by how much the states that run differ from the encoding's; see :class:`KernelEstimate`."""


@runtime_checkable
class OutcomeMethod(FidelityMethod, Protocol):
    """A method that finds the outcomes of U(y)†U(x), so that other kernels than the fidelity can be read off them."""

    def estimate(self, wanted: Fidelities) -> RawKernel:
        """Return the matrix of the wanted reading, shape (n, m)."""

    def reinterpreted(self, wanted: Fidelities) -> ReinterpretedKernel:
        """Return the matrix of the wanted reading from what is known, without running anything.

        Raises:
            ValueError: If something is not known.
        """


@runtime_checkable
class ReadsMixedState(Protocol):
    """A method that reads something else than 2⁻ⁿ where a depolarising channel left nothing of its circuit's state."""

    def of_mixed_state(self, num_qubits: int) -> float:
        """Return the entry that it then reads, for an encoding of so many qubits."""


@runtime_checkable
class PredictsErrors(Protocol):
    """A method whose entries are no fractions of shots, so that it says itself how noisy they will be."""

    def predicted_error(self, num_qubits: int, shots: int) -> float:
        """Return the standard error of an entry near 1."""
