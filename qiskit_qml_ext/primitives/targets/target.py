"""What a connection needs to know of the thing that runs its circuits."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import BackendV2
from qiskit.transpiler import Target as DeviceTarget

import qiskit_qml_ext.primitives.forks  # noqa: F401  (says what a forked child may do)
from qiskit_qml_ext.arrays import UintArray
from qiskit_qml_ext.primitives.pricing import DEFAULT_REP_DELAY, CircuitPrice, price_of
from qiskit_qml_ext.primitives.pricing.estimator_work import EstimatorWork
from qiskit_qml_ext.primitives.targets.checked_primitives import ESTIMATOR, SAMPLER

Fractional = bool | Literal["auto"]


@dataclass(frozen=True)
class Answer:
    """What a service says of a job that it did not run."""

    accepted: bool | None
    """Its verdict; ``None`` if it was not asked."""
    reason: str
    """Why it refuses, or why it was not asked."""


class Target(ABC):
    """Something that runs circuits. A new kind of target is a new file in this folder with a subclass of this.

    A kind says its name and its number of qubits, makes its primitives and transpiles. All else has a default that
    holds for something of which no more is known.

    Attributes:
        name: The name under which reports show the target.
        num_qubits: The number of qubits, ``None`` where only memory is the limit.
        default_shots: The shots used when none are asked for; ``None`` means exact results.
        given: What of this kind ``connect`` takes, in words: what :meth:`of` understands.
        max_executions_per_job: The largest number of circuits times shots that one job may hold.
        modes: The execution modes that it has; see :func:`~qiskit_qml_ext.primitives.connect`.
        dtype: The precision of exact states, ``"complex128"`` or ``"complex64"``.
        max_memory: The largest amount of memory for exact states in bytes, if one was asked for.
        backend: The device or simulator behind it, which knows its instructions by their names and fills classical
            registers with counts; ``None`` where there is none or it is not known.
        is_exact: Whether it is exact simulation on this machine, which has shots only where they are asked for.
        is_fake: Whether it stands for a device whose noise is simulated on this machine.
        applies_matrices: Whether each gate acts by its own matrix, without a synthesis that may approximate it.
        draws_normal_noise: Whether a precision asked of its estimator is the standard deviation of normal noise added
            to exact values. Estimators of devices turn it into 1/precision² shots of every circuit instead, whatever
            the observable.
        data_set: The fingerprint of the data set whose results it gives; ``None`` where circuits run.
        draws_by_seed: Whether its noise follows a seed, so that the PUBs of a job would repeat it.
        is_charged_by_the_clock: Whether jobs run in a session, which costs as long as it is open.
        has_service: Whether its jobs run on a service that says what they took and what is left.
        job_overhead_seconds: What a job takes of the processor's time however few circuits it holds, as documented.
        fractional: Whether circuits may run with fractional gates (R_ZZ and R_X of any angle, each one pulse): always,
            never, or ``"auto"``, where the reported errors promise a larger signal with them.
        may_repeat_noise: Whether PUBs may have the same noise though nothing that we know of says so.
    """

    name: str
    num_qubits: int | None = None
    default_shots: int | None = None
    given: ClassVar[tuple[str, ...]] = ()
    max_executions_per_job: int = 10_000_000
    modes: tuple[str, ...] = ("job",)
    dtype: str = "complex128"
    max_memory: int | None = None
    backend: BackendV2 | None = None
    is_exact: bool = False
    is_fake: bool = False
    applies_matrices: bool = False
    draws_normal_noise: bool = False
    data_set: str | None = None
    draws_by_seed: bool = False
    has_service: bool = False
    is_charged_by_the_clock: bool = False
    job_overhead_seconds: float = 0.0
    may_repeat_noise: bool = False
    fractional: Fractional = "auto"

    @classmethod
    def of(cls, given: object, *, mode: str, options: Mapping[str, Any]) -> "Target | None":
        """Return a target of this kind for what a user gave to ``connect``, ``None`` if it means none of this kind.

        Args:
            given: A word or an object.
            mode: The execution mode that was asked for.
            options: Further options; those that the target does not know are refused.
        """
        return None

    @abstractmethod
    def sampler(self, shots: int, seed: int | None) -> BaseSamplerV2:
        """Return a sampler with these default shots, reproducible for a seed where the target can be."""

    def sampler_of_rows(self, circuit: QuantumCircuit, seeds: UintArray) -> BaseSamplerV2 | None:
        """Return a sampler for one PUB that seeds each row of values by itself; ``None`` if a job has only one seed."""
        return None

    @abstractmethod
    def estimator(self, shots: int | None, seed: int | None) -> BaseEstimatorV2:
        """Return an estimator whose precision corresponds to ``shots``; exact for ``None`` where the target can be."""

    @abstractmethod
    def transpile(self, circuit: QuantumCircuit, optimization_level: int, seed: int | None) -> QuantumCircuit | None:
        """Return the circuit in the target's own gates, or ``None`` if any circuit will do as it is."""

    def refuse_circuit(self, circuit: QuantumCircuit, primitive: str) -> None:  # noqa: B027  (most take what they run)
        """Raise for a circuit that would be refused after it was submitted, or only by what this stands for.

        Args:
            circuit: The circuit as it is to run.
            primitive: ``"sampler"`` or ``"estimator"``.

        Raises:
            UnsupportedCircuitError: Nothing was submitted.
        """

    def refuse_signals(self) -> None:  # noqa: B027  (all others give bits)
        """Raise if samplers were told to give something else than bits.

        Raises:
            ValueError: Nothing was submitted.
        """

    def refuse_job(self, num_executions: int) -> None:  # noqa: B027  (most take what they run)
        """Raise for a job of a sampler with more executions than the service takes.

        Args:
            num_executions: Its circuits times the shots that they get.

        Raises:
            ValueError: Nothing was submitted.
        """

    def dry_run(self, pubs: Sequence[SamplerPub]) -> Answer:
        """Let a service check circuits in the target's own gates, with their values, without running them."""
        return Answer(None, f"{self.name} runs here, without a service that could be asked.")

    def conditions(self, primitive: str) -> tuple[str, ...]:
        """Return what is on while circuits run, beside what the target is, as results record it.

        Args:
            primitive: ``"sampler"`` or ``"estimator"``.

        Returns:
            Mitigation and the like, each as ``"name=value"``.
        """
        return ()

    @property
    def estimator_work(self) -> EstimatorWork:
        """What its estimator runs for what it is asked."""
        return EstimatorWork(measures=not self.draws_normal_noise)

    def shots_run(self, shots: int) -> int:
        """Return how many shots a sampled circuit gets where so many are asked for."""
        return shots

    def with_fractional(self, choice: Fractional) -> "Target":
        """Return the same target with another choice of gates; see :attr:`fractional`.

        Raises:
            ValueError: If there is nothing to choose.
        """
        if choice != "auto":
            raise ValueError(f"fractional={choice} means nothing for {self.name}, which has no gates to choose from.")
        return self

    def gate_sets(self, circuit: QuantumCircuit) -> tuple[DeviceTarget, ...]:
        """Return the device with each of the sets of gates that a circuit may be transpiled to; the best is taken."""
        device = self.device if self.backend is None else self.backend.target
        return () if device is None else (device,)

    @property
    def device(self) -> DeviceTarget | None:
        """What the target says of its qubits and gates; ``None`` where qubits have no places."""
        return None

    @property
    def runs_here(self) -> bool:
        """Whether circuits are simulated on this machine, where a job costs nothing but time.

        Of a primitive of the user's this is known only where it applies matrices itself.
        """
        return self.draws_normal_noise or self.is_fake or self.applies_matrices

    @property
    def operation_names(self) -> frozenset[str]:
        """The names by which the target knows its own instructions; empty where any circuit will do."""
        return frozenset() if self.backend is None else frozenset(self.backend.target.operation_names)

    def about(self) -> dict[str, Any]:
        """Return what the target says of itself as JSON values, so that a replay can say the same."""
        names = (
            "name",
            "num_qubits",
            "default_shots",
            "max_executions_per_job",
            "is_exact",
            "is_fake",
            "applies_matrices",
            "draws_normal_noise",
            "draws_by_seed",
            "may_repeat_noise",
            "fractional",
            "runs_here",
            "rep_delay",
        )
        return {
            **{name: getattr(self, name) for name in names},
            "operation_names": sorted(self.operation_names),
            "conditions": {kind: list(self.conditions(kind)) for kind in (SAMPLER, ESTIMATOR)},
        }

    @property
    def rep_delay(self) -> float:
        """The time in seconds between two shots."""
        return DEFAULT_REP_DELAY

    def price(self, circuit: QuantumCircuit) -> CircuitPrice:
        """Return what a circuit in the target's own gates takes there."""
        return price_of(circuit, target=self.name, device=self.device, rep_delay=self.rep_delay)

    def open_mode(self, *, renew: bool = False) -> Any:
        """Return the batch or session in which jobs run, ``None`` where they run by themselves.

        Args:
            renew: Open a new one, because the service closed the one before.
        """
        return None

    def without_mode(self) -> "Target":
        """Return the target without a batch or session: asking it for a primitive opens none."""
        return self

    def close(self) -> None:  # noqa: B027  (most targets hold nothing)
        """Give back what the target holds (an open session)."""


def refuse_options(target: str, options: Iterable[str]) -> None:
    """Raise for options that a target does not know.

    Raises:
        TypeError: If there are any.
    """
    unknown = sorted(options)
    if unknown:
        raise TypeError(f"The target {target} does not know the options {', '.join(unknown)}.")
