"""What a connection needs to know of the thing that runs its circuits."""

from typing import TYPE_CHECKING, Protocol

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2

if TYPE_CHECKING:
    from qiskit.transpiler import PassManager


class Target(Protocol):
    """Something that runs circuits. A new kind of target is a new file in this folder with these members.

    Attributes:
        name: The name under which reports show the target.
        num_qubits: The number of qubits, ``None`` where only memory is the limit.
        default_shots: The shots used when none are asked for; ``None`` means exact results.
        max_executions_per_job: The largest number of circuits times shots that one job may hold.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def num_qubits(self) -> int | None: ...  # noqa: D102

    @property
    def default_shots(self) -> int | None: ...  # noqa: D102

    @property
    def max_executions_per_job(self) -> int: ...  # noqa: D102

    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return a sampler with these default shots, reproducible for a seed where the target can be."""

    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return an estimator whose precision corresponds to ``shots``; exact for ``None`` where the target can be."""

    def pass_manager(self, optimization_level: int, seed: int | None) -> "PassManager | None":
        """Return the pass manager that makes circuits ISA circuits, or ``None`` if any circuit will do."""

    def close(self) -> None:
        """Give back what the target holds (an open session)."""


def isa_circuit(circuit: QuantumCircuit, pass_manager: "PassManager | None") -> QuantumCircuit:
    """Return the circuit in the target's own gates; the argument is not changed."""
    return circuit if pass_manager is None else pass_manager.run(circuit)


def precision_of(shots: int | None) -> float:
    """Return the standard error of a ±1 observable for a number of shots; 0 for exact results."""
    return 0.0 if shots is None else float(shots) ** -0.5
