"""One way to every target: exact simulation, Aer, fake and real backends."""

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, DataBin, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.primitives.containers.sampler_pub import SamplerPubLike
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager
from qiskit.transpiler import Target as DeviceTarget
from typing_extensions import Self

from qiskit_qml_ext.arrays import FloatArray, StateArray
from qiskit_qml_ext.checks import LARGEST_SHOTS, check_arguments, optional_whole_number, quantum_circuit, wrong_kind
from qiskit_qml_ext.engine import statevectors
from qiskit_qml_ext.engine.memory import memory_budget
from qiskit_qml_ext.exceptions import ApproximateCircuitWarning
from qiskit_qml_ext.primitives.approximation import warning_before_values
from qiskit_qml_ext.primitives.connection.bookkeeping import bookkeeping_of
from qiskit_qml_ext.primitives.connection.estimation_jobs import EstimationJobs
from qiskit_qml_ext.primitives.connection.handed_out import HandedOut
from qiskit_qml_ext.primitives.connection.made_circuits import MadeCircuits
from qiskit_qml_ext.primitives.connection.pass_manager import IsaPassManager
from qiskit_qml_ext.primitives.connection.planning import approve_on, plan_on
from qiskit_qml_ext.primitives.connection.sampling_jobs import SamplingJobs
from qiskit_qml_ext.primitives.connection.settings import ConnectionSettings
from qiskit_qml_ext.primitives.connection.shared_results import SharedResults
from qiskit_qml_ext.primitives.connection.usage import Meter, Usage
from qiskit_qml_ext.primitives.content import circuit_key
from qiskit_qml_ext.primitives.journal import Journal, Policy
from qiskit_qml_ext.primitives.journal.run.policy import check_policy
from qiskit_qml_ext.primitives.pricing import Budget, CircuitPrice, RunPlan
from qiskit_qml_ext.primitives.replay import Measured
from qiskit_qml_ext.primitives.shots import DEFAULT_SHOTS
from qiskit_qml_ext.primitives.targets import PrimitiveTarget, Target
from qiskit_qml_ext.primitives.targets.angle_limits import limited_estimator, limited_sampler
from qiskit_qml_ext.primitives.targets.checked_primitives import ESTIMATOR, SAMPLER
from qiskit_qml_ext.primitives.targets.isa import is_isa
from qiskit_qml_ext.primitives.watched import watched
from qiskit_qml_ext.program import RotationProgram


class Connection:
    """A target together with how it is used: shots, seed, transpilation and limits; made by :func:`connect`.

    Copies made by scikit-learn's ``clone`` share the connection and with it the transpiled circuits and the sampled
    results; a pickled copy in another process starts with empty ones. Threads may share a connection: what one of
    them is computing, the others wait for.

    Args:
        target: What runs the circuits.
        settings: How it is used.
        journal: The journal in which all work is written down, or the path of its file; or what is to be replayed.
        policy: Limits and waiting times of journaled runs.
        budget: What may be spent.
    """

    def __init__(
        self,
        target: Target,
        settings: ConnectionSettings,
        *,
        journal: Journal | Measured | str | os.PathLike[str] | None = None,
        policy: Policy | None = None,
        budget: Budget | None = None,
    ):
        if not isinstance(target, Target):
            raise wrong_kind("target", "a Target", target, "Names, devices and simulators go to connect(…).")
        if not isinstance(getattr(target, "name", None), str):
            kind = type(target).__name__
            raise TypeError(f'The target {kind} must have a name, which is text, but has none. Set {kind}.name = "…".')
        if not isinstance(settings, ConnectionSettings):
            raise wrong_kind("settings", "ConnectionSettings(…)", settings)
        check_policy(policy)
        if policy is not None and journal is None:
            raise ValueError('A policy came without a journal. Pass journal="FILE" too.')
        self._target = target
        self._settings = settings
        self._budget = budget or Budget()
        self._meter = Meter()
        self._journaling = bookkeeping_of(
            journal, target, settings, policy, self._approve, self._meter.add, self._budget
        )
        self._start_empty()

    def _start_empty(self) -> None:
        self._circuits = MadeCircuits(self._target, self._settings, self._journaling)
        self._jobs = SamplingJobs(
            self._target, self._settings, self._circuits, self._journaling, approve=self._approve, count=self._meter.add
        )
        self.results = SharedResults()
        """Results that the kernels share through this connection, by content."""

    @classmethod
    def from_primitives(
        cls,
        *,
        sampler: BaseSamplerV2 | None = None,
        estimator: BaseEstimatorV2 | None = None,
        pass_manager: PassManager | None = None,
    ) -> Self:
        """Wrap primitives that the user holds already; their own shots and seeds apply."""
        return cls(PrimitiveTarget(sampler, estimator, pass_manager), ConnectionSettings())

    @property
    def target(self) -> Target:
        """What runs the circuits."""
        return self._target

    @property
    def target_name(self) -> str:
        """The target's name."""
        return self._target.name

    @property
    def num_qubits(self) -> int | None:
        """The number of qubits; ``None`` where only memory is the limit."""
        return self._target.num_qubits

    @property
    def backend(self) -> BackendV2 | None:
        """The device or simulator behind the target; ``None`` where there is none or it is not known."""
        return self._target.backend

    @property
    def device(self) -> DeviceTarget | None:
        """What the target says of its qubits and gates; ``None`` where qubits have no places."""
        return self._target.device

    @property
    def is_fake(self) -> bool:
        """Whether the target stands for a device whose noise is simulated on this machine."""
        return self._target.is_fake

    @property
    def is_exact(self) -> bool:
        """Whether results are exact: the exact target and no shots asked for."""
        return self._target.is_exact and self.shots is None

    @property
    def shots(self) -> int | None:
        """The shots of every circuit; ``None`` for exact results or where a primitive of the user's decides."""
        return self._settings.shots

    @property
    def seed(self) -> int | None:
        """The seed of simulators and of the transpiler."""
        return self._settings.seed

    @property
    def max_executions_per_job(self) -> int:
        """The largest number of circuits times shots in one job."""
        return self._settings.max_executions_per_job

    @property
    def dtype(self) -> str:
        """The precision of exact states: ``"complex128"`` or ``"complex64"``."""
        return self._target.dtype

    @property
    def max_memory(self) -> int | None:
        """The largest amount of memory for exact states in bytes that was asked for, if any."""
        return self._target.max_memory

    @property
    def memory_budget(self) -> int:
        """The largest amount of memory for exact states in bytes."""
        return memory_budget(self.max_memory)

    @property
    def sampler(self) -> BaseSamplerV2:
        """A V2 sampler for circuits in the target's own gates, within the limits of this connection."""
        optional_whole_number("shots", self.shots, maximum=LARGEST_SHOTS)  # an estimator may take more as a precision
        shots = self.shots or DEFAULT_SHOTS
        if self._journaling is not None:
            return limited_sampler(self._journaling.sampler(shots), self.device)
        return limited_sampler(watched(self._target.sampler(shots, self.seed), self._watch(SAMPLER)), self.device)

    @property
    def estimator(self) -> BaseEstimatorV2:
        """A V2 estimator for circuits in the target's own gates, within the limits of this connection."""
        if self._journaling is not None:
            return self._estimator_for(self.seed)
        estimator = watched(self._target.estimator(self.shots, self.seed), self._watch(ESTIMATOR))
        return limited_estimator(estimator, self.device)

    def _estimator_for(self, seed: int | None) -> BaseEstimatorV2:
        """Return an estimator whose noise follows a seed, at which nobody looks; a journal derives its own."""
        if self._journaling is not None:
            return limited_estimator(self._journaling.estimator(self.shots), self.device)
        return limited_estimator(self._target.estimator(self.shots, seed), self.device)

    def _watch(self, kind: str) -> HandedOut:
        return HandedOut(self._target, self._settings, kind, approve=self._approve, count=self._meter.add)

    @property
    def may_vary_shots(self) -> bool:
        """Whether some PUBs may have more shots than others at no price: simulators, where a job costs nothing.

        Elsewhere each number of shots would be a job of its own; and a primitive of the user's has its own shots.
        """
        return self.shots is not None and (self._target.draws_normal_noise or self.is_fake)

    @property
    def estimator_draws_normal_noise(self) -> bool:
        """Whether a precision asked of the estimator is the standard deviation of normal noise added to exact values.

        Estimators of devices turn it into 1/precision² shots of every circuit instead, whatever the observable.
        """
        return self._target.draws_normal_noise

    @property
    def pass_manager(self) -> PassManager | None:
        """Transpiles as :meth:`isa_circuit` does; ``None`` where each gate acts by its own matrix.

        For code that takes a primitive and a pass manager, such as qiskit-machine-learning's.
        """
        return None if self.applies_matrices else IsaPassManager(self.isa_circuit)

    @property
    def usage(self) -> Usage:
        """What has been run through this connection so far, in this process."""
        return self._meter.total

    @property
    def applies_matrices(self) -> bool:
        """Whether each gate acts by its own matrix, without a synthesis that may approximate it."""
        return self._target.applies_matrices

    @property
    def operation_names(self) -> frozenset[str]:
        """The names by which the target knows its own instructions; empty where any circuit will do."""
        return self._target.operation_names

    def is_isa(self, circuit: QuantumCircuit) -> bool:
        """Tell whether a circuit stands on a device's own qubits in the device's own gates."""
        device = self.device
        return device is not None and is_isa(circuit, device)

    @check_arguments(circuit=quantum_circuit)
    def isa_circuit(self, circuit: QuantumCircuit, *, keep_qubits: bool = False) -> QuantumCircuit:
        """Return the circuit in the target's own gates, transpiled once for each distinct content.

        Args:
            circuit: Any circuit; it is not changed.
            keep_qubits: The circuit stands on the device's own qubits and couplings already: translate and optimise its
                gates, but leave its qubits where they are.

        Returns:
            A circuit whose parameters are those of the given one, without those that no measurement sees.

        Raises:
            ValueError: If the circuit is wider than the target.
            UnsupportedCircuitError: If the target cannot run it, or would read its classical registers wrongly.

        Warns:
            ApproximateCircuitWarning: Once for each circuit with evolution gates that the target runs approximately.
        """
        if keep_qubits:
            return self._circuits.in_place(circuit)
        key = circuit_key(circuit)
        if not self.applies_matrices and self.results.first(("looked at", key)):
            said = warning_before_values(self.target_name, circuit)
            if said is not None:
                warnings.warn(said, ApproximateCircuitWarning, stacklevel=2)
        return self._circuits.isa_with_own_parameters(circuit, key)

    def sample(
        self,
        circuit: QuantumCircuit,
        values: FloatArray,
        *,
        shots: int | None = None,
        key: str | None = None,
    ) -> Iterator[tuple[slice, DataBin]]:
        """Run one circuit for many parameter vectors, as few PUBs as the limit on executions allows, one PUB a job.

        Args:
            circuit: A circuit with measurements; transpiled here.
            values: Parameter values in radians, shape (number of vectors, ``circuit.num_parameters``), columns in the
                order of ``circuit.parameters``.
            shots: Shots of every circuit; by default the connection's.
            key: The circuit's content key, for callers that know it already.

        Yields:
            The rows of ``values`` that a job covered and its data.
        """
        yield from self._jobs.sample(circuit, values, shots=shots, key=key)

    def estimate(self, pubs: Iterable[EstimatorPubLike]) -> PrimitiveResult[PubResult]:
        """Estimate expectation values, within what may be spent through the connection.

        One job where PUBs have one precision and fit into ``max_executions_per_job``; larger ones are cut along their
        last axis. The noise of different PUBs is independent, also with a seed, but for primitives of the user's, which
        may repeat it.

        Args:
            pubs: PUBs of circuits that :meth:`isa_circuit` returned, with observables on the qubits of their layout.

        Raises:
            BudgetExceededError: It would take more than the connection may spend; nothing was submitted.
            ValueError: A single circuit has more shots than a job may have.
        """
        return EstimationJobs(
            self._target,
            self._settings,
            estimator=self._estimator_for,
            approve=None if self._journaling is not None else self._approve,
            count=self._meter.add,
        ).estimate([EstimatorPub.coerce(pub) for pub in pubs])

    def statevectors(
        self,
        program: RotationProgram | QuantumCircuit,
        values: FloatArray,
        *,
        max_memory: int | None = None,
    ) -> StateArray:
        """Return exact states |ψ(values)⟩, whatever the target is, in its precision if it is the exact one.

        Args:
            program: A circuit, or what :func:`~qiskit_qml_ext.program.lower` made of one.
            values: Parameter values in radians, shape (number of vectors, number of parameters).
            max_memory: The largest amount of memory in bytes; by default the connection's.

        Returns:
            Amplitudes, shape (number of vectors, 2**num_qubits).
        """
        states = statevectors(program, values, dtype=self.dtype, max_memory=max_memory or self.max_memory)
        self._meter.add(Usage(circuits=len(values)))
        return states

    @check_arguments(circuit=quantum_circuit)
    def price(self, circuit: QuantumCircuit) -> CircuitPrice:
        """Say what one circuit takes on the target, without running it: gates, depth, time and share free of errors.

        Args:
            circuit: Any circuit; it is transpiled as by :meth:`isa_circuit`.
        """
        return self._target.price(self.isa_circuit(circuit))

    @check_arguments()
    def plan(self, pubs: Iterable[SamplerPubLike], *, price_per_minute: float | None = None) -> RunPlan:
        """Say what circuits will take, without running them.

        Args:
            pubs: Circuits with parameter values, as for a sampler; they are transpiled as by :meth:`isa_circuit`.
            price_per_minute: The price of a minute of processor time; by default that of the connection.

        Returns:
            The plan.
        """
        price = self._budget.price_per_minute if price_per_minute is None else price_per_minute
        return plan_on(self._target, self._settings, self._circuits, self._journaling, pubs, price_per_minute=price)

    def close(self) -> None:
        """Close what the connection opened (a batch or session)."""
        self._target.close()

    def _approve(self, work: Sequence[tuple[QuantumCircuit, int]]) -> None:
        """Hold work, circuits with their executions, against the budget."""
        approve_on(self._target, self._settings, self._journaling, self._budget, work)

    def _view(self, **changed: object) -> Self:
        """Return a connection that shares all but these attributes."""
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__, **changed)
        return view

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __sklearn_clone__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        kept_empty = ("_circuits", "_jobs", "results")
        return {name: value for name, value in self.__dict__.items() if name not in kept_empty}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start_empty()

    def __repr__(self) -> str:
        shots = "exact" if self.is_exact else f"shots={self.shots}"
        return f"Connection({self.target_name!r}, {shots})"
